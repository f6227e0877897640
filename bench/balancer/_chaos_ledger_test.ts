import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Ledger } from "./_chaos_ledger.ts";

/** A POST that all agree on, and whatever else is told. */
function closed(tell: (ledger: Ledger) => void): Ledger {
  const ledger = new Ledger();
  ledger.logged("a", "head 1");
  ledger.logged("a", "post 1");
  ledger.acknowledged("1");
  tell(ledger);
  ledger.close();
  return ledger;
}

Deno.test("Ledger is clean if each POST was done once, acknowledged or not", () => {
  const ledger = closed((ledger) => {
    ledger.logged("a", "head 2");
    ledger.logged("a", "post 2");
    ledger.logged("b", "head 3");
    ledger.left("3");
  });
  assert(ledger.isClean);
  assertEquals(ledger.counts.get("POSTs done, not acknowledged"), 1);
});

const CASES: [string, (ledger: Ledger) => void, string][] = [
  [
    "an acknowledged POST that nobody did",
    (ledger) => ledger.acknowledged("2"),
    "1  acknowledged POSTs that no backend did",
  ],
  [
    "a POST that two backends did",
    (ledger) => ledger.logged("b", "post 1"),
    "1  POSTs that were done twice",
  ],
  [
    "a POST that two backends saw",
    (ledger) => ledger.logged("b", "head 1"),
    "1  POSTs that were sent twice",
  ],
  [
    "a POST that was done after its client had left",
    (ledger) => ledger.left("1"),
    "1  POSTs that the client left, done nevertheless",
  ],
  [
    "a POST to a backend that is drained",
    (ledger) => {
      ledger.quiet.add("b");
      ledger.logged("b", "head 2");
    },
    "1  POSTs to a backend that was drained",
  ],
  [
    "a POST that came corrupt",
    (ledger) => ledger.logged("b", "wrong 2"),
    "1  POSTs whose body came corrupt",
  ],
];

for (const [name, tell, line] of CASES) {
  Deno.test(`Ledger finds ${name}`, () => {
    const ledger = closed(tell);
    assert(!ledger.isClean);
    assertStringIncludes(ledger.report(), line);
  });
}
