import { assertEquals, assertStrictEquals } from "@std/assert";
import { pickTarget } from "./split.ts";

const targets = (...weights: number[]) =>
  weights.map((weight, i) => ({ upstream: `u${i}`, weight }));

Deno.test("pickTarget divides by weight exactly", () => {
  const split = targets(1, 0, 3, 0);
  const counts: Record<string, number> = {};
  for (let i = 0; i < 1000; i++) {
    const { upstream } = pickTarget(split, () => i / 1000);
    counts[upstream] = (counts[upstream] ?? 0) + 1;
  }
  assertEquals(counts, { u0: 250, u2: 750 });
});

Deno.test("pickTarget never picks a weight of 0", () => {
  assertEquals(pickTarget(targets(0, 1), () => 0).upstream, "u1");
  assertEquals(pickTarget(targets(1, 0), () => 1 - 2 ** -53).upstream, "u0");
  // Adding these up leaves a rest.
  const split = targets(0.1, 0.2, 0.7, 0);
  assertEquals(pickTarget(split, () => 1 - 2 ** -53).upstream, "u2");
});

Deno.test("pickTarget takes the only target without a draw", () => {
  const split = targets(5);
  const picked = pickTarget(split, () => {
    throw new Error("drawn");
  });
  assertStrictEquals(picked, split[0]);
});
