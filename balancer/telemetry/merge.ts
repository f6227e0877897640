/**
 * The figures of several threads as those of one balancer.
 *
 * @module
 */

import { Histogram, total } from "./histogram.ts";
import type {
  BackendSnapshot,
  BackendState,
  BalancerSnapshot,
  HistogramSnapshot,
  RouteSnapshot,
  UpstreamSnapshot,
} from "./snapshot.ts";

/** From good to bad. */
const STATES: readonly BackendState[] = [
  "up",
  "starting",
  "trial",
  "ejected",
  "down",
  "draining",
];
/** As {@linkcode STATES}. */
const CIRCUITS: readonly BackendSnapshot["circuit"][] = [
  "closed",
  "half_open",
  "open",
];

/**
 * Puts the figures of threads that run the same configuration together.
 *
 * Routes, upstreams and backends of one name are one: their figures add up. Where
 * threads see a backend differently, the worse counts. All threads count the same
 * reloads, so the one that has seen most of them is right.
 *
 * @param snapshots At least one. Their order is that of names in the result.
 * @throws {RangeError} If there is none.
 */
export function mergeSnapshots(
  snapshots: readonly BalancerSnapshot[],
): BalancerSnapshot {
  if (snapshots.length === 0) {
    throw new RangeError("Cannot merge snapshots: there must be at least one");
  }
  return {
    time: most(snapshots, (one) => one.time),
    startedAt: -most(snapshots, (one) => -one.startedAt),
    connections: sum(snapshots, (one) => one.connections),
    accepted: sum(snapshots, (one) => one.accepted),
    unrouted: sum(snapshots, (one) => one.unrouted),
    clientLeft: sum(snapshots, (one) => one.clientLeft),
    websockets: sum(snapshots, (one) => one.websockets),
    reloads: most(snapshots, (one) => one.reloads),
    reloadsRefused: most(snapshots, (one) => one.reloadsRefused),
    draining: snapshots.some((one) => one.draining),
    routes: group(snapshots.flatMap((one) => one.routes), (one) => one.name)
      .map(mergeRoutes),
    upstreams: group(
      snapshots.flatMap((one) => one.upstreams),
      (one) => one.name,
    ).map(mergeUpstreams),
  };
}

/** One name's figures in all threads that have it. */
type Parts<T> = [T, ...T[]];

function mergeRoutes(parts: Parts<RouteSnapshot>): RouteSnapshot {
  return {
    name: parts[0].name,
    inFlight: sum(parts, (one) => one.inFlight),
    requests: sum(parts, (one) => one.requests),
    statuses: sums(parts.map((one) => one.statuses)),
    rateLimited: sum(parts, (one) => one.rateLimited),
    overloaded: sum(parts, (one) => one.overloaded),
    duration: histogram(parts.map((one) => one.duration)),
  };
}

function mergeUpstreams(parts: Parts<UpstreamSnapshot>): UpstreamSnapshot {
  return {
    name: parts[0].name,
    policy: parts[0].policy,
    panic: parts.some((one) => one.panic),
    retries: sum(parts, (one) => one.retries),
    hedges: sum(parts, (one) => one.hedges),
    budgetRefused: sum(parts, (one) => one.budgetRefused),
    backends: group(parts.flatMap((one) => one.backends), (one) => one.id)
      .map(mergeBackends),
  };
}

function mergeBackends(parts: Parts<BackendSnapshot>): BackendSnapshot {
  const { id, address, weight } = parts[0];
  return {
    id,
    address,
    weight,
    state: worst(parts, STATES, (one) => one.state),
    circuit: worst(parts, CIRCUITS, (one) => one.circuit),
    check: worstCheck(parts),
    inFlight: sum(parts, (one) => one.inFlight),
    websockets: sum(parts, (one) => one.websockets),
    queued: sum(parts, (one) => one.queued),
    openConnections: sum(parts, (one) => one.openConnections),
    idleConnections: sum(parts, (one) => one.idleConnections),
    meanLatency: meanLatency(parts),
    requests: sum(parts, (one) => one.requests),
    statuses: sums(parts.map((one) => one.statuses)),
    errors: sumErrors(parts),
    connects: sum(parts, (one) => one.connects),
    retries: sum(parts, (one) => one.retries),
    ejections: sum(parts, (one) => one.ejections),
    bytesIn: sum(parts, (one) => one.bytesIn),
    bytesOut: sum(parts, (one) => one.bytesOut),
    latency: histogram(parts.map((one) => one.latency)),
  };
}

/** Puts what has the same name together, in the order of first appearance. */
function group<T>(items: readonly T[], name: (item: T) => string): Parts<T>[] {
  const groups = new Map<string, Parts<T>>();
  for (const item of items) {
    const parts = groups.get(name(item));
    if (parts === undefined) groups.set(name(item), [item]);
    else parts.push(item);
  }
  return [...groups.values()];
}

function sum<T>(parts: readonly T[], figure: (part: T) => number): number {
  let result = 0;
  for (const part of parts) result += figure(part);
  return result;
}

function most<T>(parts: readonly T[], figure: (part: T) => number): number {
  return Math.max(...parts.map(figure));
}

/** Adds lists of the same length, place by place. */
function sums(lists: readonly (readonly number[])[]): number[] {
  return lists[0]!.map((_, i) => sum(lists, (list) => list[i]!));
}

function histogram(parts: readonly HistogramSnapshot[]): HistogramSnapshot {
  const all = new Histogram();
  for (const part of parts) all.add(part);
  return all.snapshot();
}

function sumErrors(parts: Parts<BackendSnapshot>): Record<string, number> {
  const errors = new Map<string, number>();
  for (const part of parts) {
    for (const [code, count] of Object.entries(part.errors)) {
      errors.set(code, (errors.get(code) ?? 0) + count);
    }
  }
  return Object.fromEntries(errors);
}

/** Each thread's mean counts as much as the responses that it is from. */
function meanLatency(parts: Parts<BackendSnapshot>): number {
  const count = sum(parts, (one) => total(one.latency));
  if (count === 0) return 0;
  return sum(parts, (one) => one.meanLatency * total(one.latency)) / count;
}

function worst<T, S>(
  parts: Parts<T>,
  order: readonly S[],
  value: (part: T) => S,
): S {
  return order[most(parts, (part) => order.indexOf(value(part)))]!;
}

function worstCheck(parts: Parts<BackendSnapshot>): BackendSnapshot["check"] {
  const checks = parts.map((one) => one.check).filter((one) => one !== null);
  return checks.find((one) => !one.passed) ?? checks[0] ?? null;
}
