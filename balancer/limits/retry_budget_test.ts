import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RetryBudget } from "./retry_budget.ts";

/** Makes requests. */
function ask(budget: RetryBudget, count: number, now: number): void {
  for (let i = 0; i < count; i++) budget.request(now);
}

/** Retries until that is refused; how many there were. */
function drain(budget: RetryBudget, now: number): number {
  let count = 0;
  while (budget.take(now)) count++;
  return count;
}

/** Settings, requests at once, and how many retries there may be. */
const SHARES: [
  ratio: number,
  minPerSecond: number,
  requests: number,
  retries: number,
][] = [
  [0.2, 10, 0, 100],
  [0.2, 10, 100, 120],
  [0.2, 0, 4, 0],
  [0.2, 0, 5, 1],
  [0.2, 0, 1000, 200],
  [0.29, 0, 100, 29],
  [0, 1, 1000, 10],
  [0, 0, 1000, 0],
  [2, 0, 10, 20],
];

for (const [ratio, minPerSecond, requests, retries] of SHARES) {
  Deno.test(`${requests} requests allow ${retries} retries by ${ratio} and ${minPerSecond} a second`, () => {
    const budget = new RetryBudget({ ratio, minPerSecond });
    ask(budget, requests, 500);
    assertEquals(drain(budget, 500), retries);
  });
}

Deno.test("requests count for ten seconds", () => {
  const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0 });
  ask(budget, 10, 999);
  assertEquals(budget.take(9000), true);
  ask(budget, 10, 5000);
  assertEquals(drain(budget, 9999), 9);
  const late = new RetryBudget({ ratio: 0.5, minPerSecond: 0 });
  ask(late, 10, 999);
  ask(late, 4, 5000);
  assertEquals(drain(late, 10_000), 2);
  assertEquals(drain(late, 15_000), 0);
});

Deno.test("retries count for ten seconds", () => {
  const budget = new RetryBudget({ ratio: 0, minPerSecond: 1 });
  assertEquals(drain(budget, 100), 10);
  assertEquals(drain(budget, 9999), 0);
  assertEquals(drain(budget, 10_000), 10);
});

Deno.test("the minimum is there again after a long pause, not more", () => {
  const budget = new RetryBudget({ ratio: 1, minPerSecond: 1 });
  ask(budget, 50, 0);
  assertEquals(drain(budget, 0), 60);
  assertEquals(drain(budget, 1e9), 10);
});

Deno.test("a steady load is retried by the ratio and the minimum", () => {
  const budget = new RetryBudget({ ratio: 0.2, minPerSecond: 10 });
  let retries = 0;
  for (let now = 0; now < 100_000; now += 10) {
    budget.request(now);
    if (budget.take(now)) retries++;
  }
  // 10,000 requests in 100 seconds.
  assert(Math.abs(retries - (2000 + 1000)) <= 130, `${retries}`);
});

Deno.test("no ten seconds of slices have more retries than allowed", () => {
  const step = fc.tuple(fc.boolean(), fc.nat({ max: 3000 }));
  const steps = fc.array(step, { maxLength: 150 });
  fc.assert(fc.property(steps, (steps) => {
    const budget = new RetryBudget({ ratio: 0.5, minPerSecond: 0.2 });
    const events: { request: boolean; slice: number }[] = [];
    let now = 0;
    for (const [request, pause] of steps) {
      now += pause;
      const slice = Math.floor(now / 1000);
      const recent = events.filter((event) => event.slice > slice - 10);
      const requests = recent.filter((event) => event.request).length;
      const retries = recent.length - requests;
      if (request) budget.request(now);
      else {
        const allowed = retries + 1 <= 2 + 0.5 * requests;
        assertEquals(budget.take(now), allowed);
        if (!allowed) continue;
      }
      events.push({ request, slice });
    }
  }));
});
