import { assertEquals, assertThrows } from "@std/assert";
import { mergeSnapshots } from "./merge.ts";
import type { BackendSnapshot } from "./snapshot.ts";
import {
  backendOf,
  histogramOf,
  routeOf,
  snapshotOf,
  upstreamOf,
} from "./telemetry_test_util.ts";

/** The backend of two threads that see it so. */
function mergedBackend(...parts: Partial<BackendSnapshot>[]): BackendSnapshot {
  const merged = mergeSnapshots(
    parts.map((part) =>
      snapshotOf({ upstreams: [upstreamOf({ backends: [backendOf(part)] })] })
    ),
  );
  return merged.upstreams[0]!.backends[0]!;
}

Deno.test("merging one snapshot changes nothing", () => {
  const snapshot = snapshotOf({
    connections: 3,
    reloads: 2,
    routes: [routeOf({ duration: histogramOf(1, 20_000) })],
    upstreams: [upstreamOf({
      backends: [backendOf({
        state: "trial",
        check: { passed: true, reason: "200" },
        meanLatency: 4.5,
        latency: histogramOf(3, 6),
        errors: { reset: 2 },
      })],
    })],
  });
  assertEquals(mergeSnapshots([snapshot]), snapshot);
});

Deno.test("merging no snapshot is refused", () => {
  assertThrows(() => mergeSnapshots([]), RangeError, "at least one");
});

Deno.test("a merged balancer's counters add up, its reloads do not", () => {
  const one = snapshotOf({
    time: 100,
    startedAt: 50,
    connections: 1,
    accepted: 2,
    unrouted: 3,
    clientLeft: 4,
    websockets: 5,
    reloads: 6,
    reloadsRefused: 1,
  });
  const other = snapshotOf({
    time: 90,
    startedAt: 40,
    connections: 10,
    accepted: 20,
    unrouted: 30,
    clientLeft: 40,
    websockets: 50,
    reloads: 5,
    reloadsRefused: 2,
    draining: true,
  });
  assertEquals(
    mergeSnapshots([one, other]),
    snapshotOf({
      time: 100,
      startedAt: 40,
      connections: 11,
      accepted: 22,
      unrouted: 33,
      clientLeft: 44,
      websockets: 55,
      reloads: 6,
      reloadsRefused: 2,
      draining: true,
    }),
  );
});

Deno.test("routes of one name add up", () => {
  const one = routeOf({
    inFlight: 1,
    requests: 2,
    statuses: [0, 1, 2, 3, 4],
    rateLimited: 3,
    overloaded: 4,
    duration: histogramOf(1),
  });
  const other = routeOf({
    inFlight: 10,
    requests: 20,
    statuses: [5, 0, 0, 0, 1],
    rateLimited: 30,
    overloaded: 40,
    duration: histogramOf(5, 30_000),
  });
  assertEquals(
    mergeSnapshots([
      snapshotOf({ routes: [one] }),
      snapshotOf({ routes: [other] }),
    ]).routes,
    [routeOf({
      inFlight: 11,
      requests: 22,
      statuses: [5, 1, 2, 3, 5],
      rateLimited: 33,
      overloaded: 44,
      duration: histogramOf(1, 5, 30_000),
    })],
  );
});

Deno.test("upstreams of one name add up", () => {
  const one = upstreamOf({ retries: 1, hedges: 2, budgetRefused: 3 });
  const other = upstreamOf({
    retries: 10,
    hedges: 20,
    budgetRefused: 30,
    panic: true,
  });
  assertEquals(
    mergeSnapshots([
      snapshotOf({ upstreams: [one] }),
      snapshotOf({ upstreams: [other] }),
    ]).upstreams,
    [upstreamOf({ retries: 11, hedges: 22, budgetRefused: 33, panic: true })],
  );
});

Deno.test("names stay in the order of the first snapshot, new ones behind", () => {
  const first = snapshotOf({
    routes: [routeOf({ name: "b" }), routeOf({ name: "a" })],
  });
  const second = snapshotOf({
    routes: [
      routeOf({ name: "c" }),
      routeOf({ name: "a" }),
      routeOf({ name: "b" }),
    ],
  });
  assertEquals(
    mergeSnapshots([first, second]).routes.map((route) => route.name),
    ["b", "a", "c"],
  );
});

Deno.test("backends of one id in two upstreams stay apart", () => {
  const snapshot = snapshotOf({
    upstreams: [
      upstreamOf({ name: "x", backends: [backendOf({ requests: 1 })] }),
      upstreamOf({ name: "y", backends: [backendOf({ requests: 2 })] }),
    ],
  });
  assertEquals(
    mergeSnapshots([snapshot, snapshot]).upstreams.map(
      ({ backends }) => backends[0]!.requests,
    ),
    [2, 4],
  );
});

Deno.test("a merged backend's figures add up", () => {
  const one = {
    inFlight: 1,
    websockets: 2,
    queued: 3,
    openConnections: 4,
    idleConnections: 5,
    requests: 6,
    statuses: [1, 2, 3, 4, 5],
    errors: { reset: 1, head_timeout: 2 },
    connects: 7,
    retries: 8,
    ejections: 9,
    bytesIn: 10,
    bytesOut: 11,
    latency: histogramOf(1),
  };
  assertEquals(
    mergedBackend(one, { ...one, errors: { reset: 4, refused: 1 } }),
    backendOf({
      inFlight: 2,
      websockets: 4,
      queued: 6,
      openConnections: 8,
      idleConnections: 10,
      requests: 12,
      statuses: [2, 4, 6, 8, 10],
      errors: { reset: 5, head_timeout: 2, refused: 1 },
      connects: 14,
      retries: 16,
      ejections: 18,
      bytesIn: 20,
      bytesOut: 22,
      latency: histogramOf(1, 1),
    }),
  );
});

Deno.test("where threads see a backend differently, the worse counts", () => {
  const states = [
    "up",
    "starting",
    "trial",
    "ejected",
    "down",
    "draining",
  ] as const;
  for (const [i, better] of states.entries()) {
    for (const worse of states.slice(i)) {
      assertEquals(
        mergedBackend({ state: better }, { state: worse }).state,
        worse,
      );
      assertEquals(
        mergedBackend({ state: worse }, { state: better }).state,
        worse,
      );
    }
  }
  assertEquals(
    mergedBackend({ circuit: "open" }, { circuit: "half_open" }).circuit,
    "open",
  );
  assertEquals(
    mergedBackend({ circuit: "closed" }, { circuit: "half_open" }).circuit,
    "half_open",
  );
});

Deno.test("a check that failed in one thread has failed", () => {
  const passed = { passed: true, reason: "200" };
  const failed = { passed: false, reason: "503" };
  assertEquals(
    mergedBackend({ check: passed }, { check: failed }).check,
    failed,
  );
  assertEquals(mergedBackend({ check: null }, { check: passed }).check, passed);
  assertEquals(mergedBackend({ check: null }, { check: null }).check, null);
});

Deno.test("a thread's mean latency counts as much as its responses", () => {
  const merged = mergedBackend(
    { meanLatency: 10, latency: histogramOf(10, 10, 10) },
    { meanLatency: 2, latency: histogramOf(2) },
    { meanLatency: 0, latency: histogramOf() },
  );
  assertEquals(merged.meanLatency, 8);
});
