import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RateLimiter } from "./token_bucket.ts";

/** Takes tokens until there is none; how many there were. */
function drain(limiter: RateLimiter, key: string, now: number): number {
  let count = 0;
  while (limiter.take(key, now) === 0) count++;
  return count;
}

Deno.test("a bucket gives its burst, and then its rate", () => {
  const limiter = new RateLimiter({ rate: 10, burst: 5 });
  assertEquals(drain(limiter, "a", 1000), 5);
  assertEquals(drain(limiter, "a", 1099), 0);
  assertEquals(drain(limiter, "a", 1100), 1);
  assertEquals(drain(limiter, "a", 1350), 2);
  assertEquals(drain(limiter, "a", 1400), 1);
  assertEquals(drain(limiter, "a", 60_000), 5);
});

Deno.test("a bucket tells how long until there is a token", () => {
  const limiter = new RateLimiter({ rate: 4, burst: 1 });
  assertEquals(limiter.take("a", 1000), 0);
  assertAlmostEquals(limiter.take("a", 1000), 250, 1);
  assertAlmostEquals(limiter.take("a", 1100), 150, 1);
  assertEquals(limiter.take("a", 1250), 0);
});

Deno.test("to be refused costs nothing", () => {
  const limiter = new RateLimiter({ rate: 1, burst: 1 });
  assertEquals(limiter.take("a", 0), 0);
  for (let now = 1; now < 999; now++) assert(limiter.take("a", now) > 0);
  assertEquals(limiter.take("a", 1000), 0);
});

Deno.test("each key has a bucket of its own", () => {
  const limiter = new RateLimiter({ rate: 1, burst: 2 });
  const long = "x".repeat(1000);
  for (const key of ["a", "b", "", "é", "中", "\ud800", long, `${long}x`]) {
    assertEquals(drain(limiter, key, 0), 2, key);
    assertEquals(drain(limiter, key, 0), 0, key);
  }
});

Deno.test("bursts are exact for rates that are no round numbers", () => {
  for (const rate of [0.3, 3, 7, 1000 / 3, 12_345]) {
    for (const burst of [1, 2, 10, 999]) {
      const limiter = new RateLimiter({ rate, burst });
      assertEquals(
        drain(limiter, "a", 86_400_000.1),
        burst,
        `${rate} ${burst}`,
      );
    }
  }
});

Deno.test("a bucket that is in use is remembered over any time", () => {
  const limiter = new RateLimiter({ rate: 2, burst: 4 });
  drain(limiter, "a", 0);
  for (let now = 250; now < 60_000; now += 500) {
    assert(limiter.take("a", now) > 0, `${now}`);
    assertEquals(limiter.take("a", now + 250), 0, `${now}`);
  }
});

Deno.test("no client gets more than burst and rate, and none is refused below", () => {
  const settings = fc.record({
    rate: fc.double({ min: 0.5, max: 500, noNaN: true }),
    burst: fc.integer({ min: 1, max: 20 }),
  });
  const step = fc.tuple(fc.constantFrom("a", "b"), fc.nat({ max: 800 }));
  const steps = fc.array(step, { maxLength: 200 });
  fc.assert(fc.property(settings, steps, (settings, steps) => {
    const limiter = new RateLimiter(settings);
    // Plain token buckets that forget nothing.
    const buckets = new Map<string, { tokens: number; time: number }>();
    let now = 0;
    for (const [key, pause] of steps) {
      now += pause;
      const bucket = buckets.get(key) ?? { tokens: settings.burst, time: now };
      buckets.set(key, bucket);
      const earned = (now - bucket.time) * settings.rate / 1000;
      bucket.tokens = Math.min(settings.burst, bucket.tokens + earned);
      bucket.time = now;
      const wait = limiter.take(key, now);
      if (Math.abs(bucket.tokens - 1) > 0.002) {
        assertEquals(wait === 0, bucket.tokens > 1);
      }
      if (wait === 0) bucket.tokens--;
      else {
        const due = (1 - bucket.tokens) / settings.rate * 1000;
        assertAlmostEquals(wait, due, 5 / settings.rate);
      }
    }
  }));
});

Deno.test("a token is there when it was said to be", () => {
  const rate = fc.double({ min: 0.01, max: 1000, noNaN: true });
  fc.assert(fc.property(rate, fc.nat({ max: 1e9 }), (rate, now) => {
    const limiter = new RateLimiter({ rate, burst: 3 });
    drain(limiter, "a", now);
    const wait = limiter.take("a", now);
    assertEquals(limiter.take("a", now + Math.ceil(wait)), 0);
  }));
});

Deno.test("with too many keys the oldest are forgotten, and the newest are not", () => {
  const limiter = new RateLimiter({ rate: 0.001, burst: 1 }, { maxKeys: 100 });
  const keys = Array.from({ length: 1000 }, (_, i) => `${i}`);
  keys.forEach((key, i) => assertEquals(limiter.take(key, i), 0));
  // At least half of the room is always in use.
  for (const key of keys.slice(-50)) assert(limiter.take(key, 1000) > 0, key);
  assertEquals(limiter.take("0", 1000), 0);
});

Deno.test("a flood of keys does not free a client that keeps asking", () => {
  const limiter = new RateLimiter({ rate: 0.001, burst: 1 }, { maxKeys: 100 });
  limiter.take("a", 0);
  for (let i = 0; i < 1000; i++) {
    limiter.take(`${i}`, i);
    assert(limiter.take("a", i) > 0, `${i}`);
  }
});
