import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Histogram, quantile, total } from "./histogram.ts";
import { LATENCY_BOUNDS } from "./snapshot.ts";

const LAST = LATENCY_BOUNDS.length;

function histogramOf(...values: number[]) {
  const histogram = new Histogram();
  for (const value of values) histogram.observe(value);
  return histogram.snapshot();
}

Deno.test("Histogram counts a bound in its own bucket, and what is above in the next", () => {
  for (const [i, bound] of LATENCY_BOUNDS.entries()) {
    const { counts, sum } = histogramOf(bound, bound + 0.001, bound + 0.001);
    const expected: number[] = new Array(LAST + 1).fill(0);
    expected[i] = 1;
    expected[i + 1] = 2;
    assertEquals(counts, expected);
    assertAlmostEquals(sum, 3 * bound + 0.002);
  }
});

Deno.test("Histogram counts what is no positive number as 0", () => {
  const { counts, sum } = histogramOf(0, -3, NaN);
  assertEquals(counts[0], 3);
  assertEquals(sum, 0);
});

Deno.test("Histogram snapshots do not change later", () => {
  const histogram = new Histogram();
  histogram.observe(1);
  const before = histogram.snapshot();
  histogram.observe(1);
  assertEquals(total(before), 1);
  assertEquals(total(histogram.snapshot()), 2);
});

Deno.test("Histogram gets out what was put in, whole or in parts", () => {
  const times = fc.array(fc.integer({ min: 0, max: 20_000 }));
  fc.assert(fc.property(times, times, (some, others) => {
    const parts = new Histogram();
    parts.add(histogramOf(...some));
    parts.add(histogramOf(...others));
    assertEquals(parts.snapshot(), histogramOf(...some, ...others));
  }));
});

Deno.test("quantile takes values to lie evenly in their bucket", () => {
  // Ten between 10 and 25.
  const histogram = histogramOf(...new Array(10).fill(20));
  assertEquals(quantile(histogram, 0.5), 17.5);
  assertEquals(quantile(histogram, 0), 10);
  assertEquals(quantile(histogram, 1), 25);
});

Deno.test("quantile goes past empty buckets", () => {
  const histogram = histogramOf(1, 1, 1, 2000);
  assertEquals(quantile(histogram, 0.75), 1);
  assertEquals(quantile(histogram, 1), 2500);
});

Deno.test("quantile says the last bound for what is beyond it", () => {
  assertEquals(quantile(histogramOf(60_000), 0.5), 10_000);
  assertEquals(quantile(histogramOf(60_000), 0), 10_000);
});

Deno.test("quantile of nothing is 0", () => {
  assertEquals(quantile(histogramOf(), 0.99), 0);
});

Deno.test("quantile is in the bucket of the value that it stands for", () => {
  const times = fc.array(fc.integer({ min: 1, max: 9_999 }), { minLength: 1 });
  const shares = fc.double({ min: 0.001, max: 1, noNaN: true });
  fc.assert(fc.property(times, shares, (values, q) => {
    const sorted = values.toSorted((a, b) => a - b);
    const rank = Math.ceil(values.length * q);
    const exact = sorted[Math.max(0, rank - 1)]!;
    const bucket = LATENCY_BOUNDS.findIndex((bound) => exact <= bound);
    const estimate = quantile(histogramOf(...values), q);
    const lower = bucket === 0 ? 0 : LATENCY_BOUNDS[bucket - 1]!;
    assert(estimate >= lower && estimate <= LATENCY_BOUNDS[bucket]!);
  }));
});
