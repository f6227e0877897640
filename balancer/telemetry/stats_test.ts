import { assertEquals } from "@std/assert";
import { total } from "./histogram.ts";
import { BackendStats, RouteStats } from "./stats.ts";

Deno.test("statuses are counted by class", () => {
  const route = new RouteStats();
  const backend = new BackendStats();
  for (const stats of [route, backend]) {
    for (
      const status of [
        100,
        199,
        200,
        299,
        299,
        300,
        399,
        399,
        399,
        400,
        499,
        500,
        599,
      ]
    ) {
      stats.status(status);
    }
  }
  assertEquals(route.snapshot("a").statuses, [2, 3, 4, 2, 2]);
  assertEquals(backend.snapshot().statuses, [2, 3, 4, 2, 2]);
});

Deno.test("a status of no class counts as 5xx", () => {
  const stats = new RouteStats();
  stats.status(600);
  stats.status(999);
  assertEquals(stats.snapshot("a").statuses, [0, 0, 0, 0, 2]);
});

Deno.test("RouteStats shows each of its counters", () => {
  const stats = new RouteStats();
  stats.inFlight = 1;
  stats.requests = 2;
  stats.rateLimited = 3;
  stats.overloaded = 4;
  stats.duration.observe(7);
  const { duration, ...rest } = stats.snapshot("api");
  assertEquals(rest, {
    name: "api",
    inFlight: 1,
    requests: 2,
    statuses: [0, 0, 0, 0, 0],
    rateLimited: 3,
    overloaded: 4,
  });
  assertEquals([total(duration), duration.sum], [1, 7]);
});

Deno.test("BackendStats shows each of its counters", () => {
  const stats = new BackendStats();
  stats.inFlight = 1;
  stats.websockets = 2;
  stats.requests = 3;
  stats.connects = 4;
  stats.retries = 5;
  stats.bytesIn = 6;
  stats.bytesOut = 7;
  stats.latency.observe(8);
  const { latency, ...rest } = stats.snapshot();
  assertEquals(rest, {
    inFlight: 1,
    websockets: 2,
    requests: 3,
    statuses: [0, 0, 0, 0, 0],
    errors: {},
    connects: 4,
    retries: 5,
    bytesIn: 6,
    bytesOut: 7,
  });
  assertEquals([total(latency), latency.sum], [1, 8]);
});

Deno.test("snapshots do not change later", () => {
  const stats = new BackendStats();
  const before = stats.snapshot();
  stats.status(200);
  stats.error("reset");
  assertEquals(before.statuses, [0, 0, 0, 0, 0]);
  assertEquals(before.errors, {});
});

Deno.test("errors are counted by code, the 33rd code and more as other", () => {
  const stats = new BackendStats();
  for (let i = 0; i < 40; i++) stats.error(`code_${i}`);
  stats.error("code_0");
  stats.error("code_39");
  const { errors } = stats.snapshot();
  assertEquals(Object.keys(errors).length, 33);
  assertEquals(errors.code_0, 2);
  assertEquals(errors.code_31, 1);
  assertEquals(errors.code_32, undefined);
  assertEquals(errors.other, 9);
});

Deno.test("a code may have any name", () => {
  const stats = new BackendStats();
  stats.error("__proto__");
  stats.error("constructor");
  const { errors } = stats.snapshot();
  assertEquals(Object.entries(errors), [["__proto__", 1], ["constructor", 1]]);
});
