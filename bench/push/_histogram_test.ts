import { assertAlmostEquals, assertEquals } from "@std/assert";
import { Histogram } from "./_histogram.ts";

Deno.test("Histogram finds quantiles to a hundredth of a millisecond", () => {
  const times = new Histogram();
  for (let i = 1; i <= 100; i++) times.add(i - 0.005);
  assertAlmostEquals(times.quantile(0.5), 50, 1e-6);
  assertAlmostEquals(times.quantile(0.99), 99, 1e-6);
  assertAlmostEquals(times.quantile(1), 100, 1e-6);
});

Deno.test("Histogram counts what is too long as the longest", () => {
  const times = new Histogram();
  times.add(0.005, 98);
  times.add(1e9, 2);
  assertAlmostEquals(times.quantile(0.5), 0.01, 1e-6);
  assertAlmostEquals(times.quantile(0.99), 20_000, 1e-6);
});

Deno.test("Histogram has no quantile of nothing", () => {
  const times = new Histogram();
  times.add(1);
  times.clear();
  assertEquals([times.size, times.quantile(0.5)], [0, NaN]);
});
