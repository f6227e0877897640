import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Ewma } from "./ewma.ts";

Deno.test("Ewma is 0 only before the first latency", () => {
  const mean = new Ewma();
  assertEquals(mean.value(5), 0);
  mean.observe(0, 10);
  assert(mean.value(10) > 0);
  assert(mean.value(1e9) > 0);
});

Deno.test("Ewma takes a peak at once", () => {
  const mean = new Ewma();
  mean.observe(5, 0);
  mean.observe(500, 1);
  assertEquals(mean.value(1), 500);
});

Deno.test("Ewma comes down with a time constant of ten seconds", () => {
  const mean = new Ewma();
  mean.observe(101, 0);
  mean.observe(1, 10_000);
  assertAlmostEquals(mean.value(10_000), 1 + 100 / Math.E, 1e-9);
});

Deno.test("Ewma falls while nothing is observed", () => {
  const mean = new Ewma();
  mean.observe(100, 1000);
  assertEquals(mean.value(1000), 100);
  assertAlmostEquals(mean.value(11_000), 100 / Math.E, 1e-9);
  // To look at it changes nothing.
  assertAlmostEquals(mean.value(11_000), 100 / Math.E, 1e-9);
});

Deno.test("Ewma of small ones does not depend on how many they are", () => {
  const often = new Ewma();
  const rarely = new Ewma();
  often.observe(100, 0);
  rarely.observe(100, 0);
  for (let now = 10; now <= 5000; now += 10) often.observe(2, now);
  rarely.observe(2, 5000);
  assertAlmostEquals(often.value(5000), rarely.value(5000), 1e-9);
});

Deno.test("Ewma stays between the least and the largest", () => {
  const steps = fc.array(
    fc.tuple(
      fc.double({ min: 0.01, max: 1e6, noNaN: true }),
      fc.nat({ max: 60_000 }),
    ),
    { minLength: 1 },
  );
  fc.assert(fc.property(steps, (steps) => {
    const mean = new Ewma();
    let now = 0;
    for (const [ms, pause] of steps) mean.observe(ms, now += pause);
    const all = steps.map(([ms]) => ms);
    assert(mean.value(now) >= Math.min(...all) * (1 - 1e-12));
    assert(mean.value(now) <= Math.max(...all));
  }));
});
