import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { candidate, candidates, counts, picks } from "./_policy_test_util.ts";
import { LeastConnections } from "./least_connections.ts";

/** Requests under way and weight of a, b, c, ..., and who is chosen. */
const LOADS: [loads: [inFlight: number, weight: number][], chosen: string][] = [
  [[[2, 1], [1, 1], [3, 1]], "bbb"],
  [[[2, 2], [1, 2], [1, 2]], "bcbc"],
  [[[3, 1], [5, 2]], "bb"],
  [[[4, 2], [2, 1]], "abab"],
  [[[9, 1], [0, 0]], "aa"],
  [[[0, 0]], "-"],
  [[[0, 1], [0, 9]], "abab"],
  [[], "-"],
];

for (const [loads, chosen] of LOADS) {
  Deno.test(`least connections chooses ${chosen} by ${JSON.stringify(loads)}`, () => {
    const list = loads.map(([inFlight, weight], i) =>
      candidate("abcd"[i]!, { inFlight, weight })
    );
    assertEquals(picks(new LeastConnections(), list, chosen.length), chosen);
  });
}

Deno.test("least connections goes on in turn when candidates change", () => {
  const policy = new LeastConnections();
  assertEquals(picks(policy, candidates("abc"), 2), "ab");
  assertEquals(picks(policy, candidates("ac"), 2), "ca");
});

Deno.test("least connections chooses nobody while another has less", () => {
  const load = fc.record({
    inFlight: fc.nat({ max: 50 }),
    weight: fc.integer({ min: 1, max: 9 }),
  });
  const loads = fc.array(load, { minLength: 1, maxLength: 12 });
  fc.assert(fc.property(loads, fc.nat({ max: 5 }), (loads, before) => {
    const list = loads.map((load, i) => candidate(`${i}`, load));
    const policy = new LeastConnections();
    for (let i = 0; i < before; i++) policy.pick(list);
    const { inFlight, weight } = policy.pick(list)!;
    const least = Math.min(...list.map((one) => one.inFlight / one.weight));
    assertEquals(inFlight / weight, least);
  }));
});

Deno.test("least connections fills up by weight", () => {
  const list = [candidate("a", { weight: 3 }), candidate("b")];
  const policy = new LeastConnections();
  for (let i = 0; i < 400; i++) {
    const { id } = policy.pick(list)!;
    list.find((one) => one.id === id)!.inFlight++;
  }
  assertEquals(list.map(({ inFlight }) => inFlight), [300, 100]);
  assertEquals(counts(picks(policy, list, 4)), { a: 2, b: 2 });
});
