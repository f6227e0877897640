import { assertEquals } from "@std/assert";
import { nameOf, ROLES } from "./_cases_test_util.ts";
import { type Mode, play } from "./_memory_test_util.ts";
import { factOf, limitCase, type LimitRow, limits } from "./testdata/limits.ts";

/** What is long is not fed in small bites, unless that is what it is about. */
function modes({ length, chop, times }: LimitRow): Mode[] {
  if (chop !== undefined) return [{ name: `in bites of ${chop}`, chunk: chop }];
  const whole = { name: "whole", chunk: Infinity };
  if (length > 4 * 1024 * 1024 || times !== undefined) return [whole];
  return [whole, {
    name: "in odd bites, to a handler that pauses",
    chunk: 10_007,
    pausing: true,
  }];
}

for (const row of limits) {
  for (const role of ROLES) {
    const name = nameOf({ id: row.id, fact: factOf(row), stages: [] }, role);
    Deno.test(name, async () => {
      // Made when it is needed: some take 16 MiB.
      const one = limitCase(row);
      for (const mode of modes(row)) await play(one, role, mode);
    });
  }
}

Deno.test("the table holds every case of Autobahn's category 9, each once", () => {
  assertEquals(limits.length, 54);
  assertEquals(new Set(limits.map(({ id }) => id)).size, 54);
});
