import { assertEquals } from "@std/assert";
import { grown, hold, type Holding } from "./_soak_sample.ts";

const BEFORE: Holding = {
  resident: 100_000_000,
  heap: 10_000_000,
  external: 1_000_000,
  files: 20,
  connections: 0,
  timers: 1,
  contexts: 0,
};

Deno.test("grown lets memory differ a little, and go down", () => {
  const after = { ...BEFORE, resident: 130_000_000, heap: 13_000_000 };
  assertEquals(grown(BEFORE, after), []);
  assertEquals(grown(after, BEFORE), []);
});

Deno.test("grown finds memory that was kept", () => {
  const after = { ...BEFORE, resident: 140_000_000, heap: 14_000_000 };
  assertEquals(grown(BEFORE, after), [
    "resident: 100000000 became 140000000",
    "heap: 10000000 became 14000000",
  ]);
});

Deno.test("grown finds one file, connection, timer or context too many", () => {
  for (const name of ["files", "connections", "timers", "contexts"] as const) {
    const after = { ...BEFORE, [name]: BEFORE[name] + 1 };
    assertEquals(grown(BEFORE, after).length, 1, name);
  }
});

Deno.test("hold counts what this process has open", () => {
  const before = hold(0);
  using _file = Deno.openSync(new URL(import.meta.url));
  const { files, connections, resident, heap } = hold(3);
  if (!Number.isNaN(files)) assertEquals(files, before.files + 1);
  assertEquals([connections, resident > heap, heap > 0], [3, true, true]);
});
