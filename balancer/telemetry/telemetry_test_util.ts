/**
 * Records and snapshots for the tests of this folder.
 *
 * @module
 */

import { Fields, type FieldsInit } from "../../http/codec/fields.ts";
import type { RequestHead } from "../../http/codec/message.ts";
import { Histogram } from "./histogram.ts";
import type { ExchangeRecord } from "./record.ts";
import type {
  BackendSnapshot,
  BalancerSnapshot,
  HistogramSnapshot,
  RouteSnapshot,
  UpstreamSnapshot,
} from "./snapshot.ts";

/** 13 June 2016, 10:21:00.007 UTC. */
export const TIME = 1465813260007;

/** A request's head. */
export function headOf(
  fields: FieldsInit = {},
  rest: Partial<RequestHead> = {},
): RequestHead {
  return {
    method: "GET",
    target: "/",
    version: "1.1",
    fields: new Fields(fields),
    contentLength: 0,
    keepAlive: true,
    expectContinue: false,
    upgrade: undefined,
    ...rest,
  };
}

/** What is known of a request that nothing is special about. */
export function recordOf(rest: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    time: TIME,
    head: headOf(),
    clientAddress: "192.0.2.7",
    secure: false,
    route: "all",
    upstream: "app",
    backend: "127.0.0.1:8910",
    status: 200,
    outcome: "complete",
    error: undefined,
    bytesIn: 0,
    bytesOut: 12,
    retries: 0,
    hedged: false,
    requestId: "r1",
    queueTime: 0,
    connectTime: 0,
    firstByteTime: 1.25,
    totalTime: 1.5,
    ...rest,
  };
}

/** A histogram of these values. */
export function histogramOf(...values: number[]): HistogramSnapshot {
  const histogram = new Histogram();
  for (const value of values) histogram.observe(value);
  return histogram.snapshot();
}

/** A backend's figures. */
export function backendOf(
  rest: Partial<BackendSnapshot> = {},
): BackendSnapshot {
  return {
    id: "b1",
    address: "127.0.0.1:8910",
    weight: 1,
    state: "up",
    circuit: "closed",
    check: null,
    inFlight: 0,
    websockets: 0,
    queued: 0,
    openConnections: 0,
    idleConnections: 0,
    meanLatency: 0,
    requests: 0,
    statuses: [0, 0, 0, 0, 0],
    errors: {},
    connects: 0,
    retries: 0,
    ejections: 0,
    bytesIn: 0,
    bytesOut: 0,
    latency: histogramOf(),
    ...rest,
  };
}

/** An upstream's figures. */
export function upstreamOf(
  rest: Partial<UpstreamSnapshot> = {},
): UpstreamSnapshot {
  return {
    name: "app",
    policy: "round_robin",
    panic: false,
    retries: 0,
    hedges: 0,
    budgetRefused: 0,
    backends: [],
    ...rest,
  };
}

/** A route's figures. */
export function routeOf(rest: Partial<RouteSnapshot> = {}): RouteSnapshot {
  return {
    name: "all",
    inFlight: 0,
    requests: 0,
    statuses: [0, 0, 0, 0, 0],
    rateLimited: 0,
    overloaded: 0,
    duration: histogramOf(),
    ...rest,
  };
}

/** A balancer's figures. */
export function snapshotOf(
  rest: Partial<BalancerSnapshot> = {},
): BalancerSnapshot {
  return {
    time: TIME,
    startedAt: TIME - 1000,
    connections: 0,
    accepted: 0,
    unrouted: 0,
    clientLeft: 0,
    websockets: 0,
    reloads: 0,
    reloadsRefused: 0,
    draining: false,
    routes: [],
    upstreams: [],
    ...rest,
  };
}
