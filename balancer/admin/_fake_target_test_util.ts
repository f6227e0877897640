// A balancer that is not there, for the admin API to show and change.

import { ConnError } from "../../conn/error.ts";
import type { BackendConfig } from "../config/config.ts";
import {
  type BackendSnapshot,
  type BalancerSnapshot,
  LATENCY_BOUNDS,
  type RouteSnapshot,
} from "../telemetry/snapshot.ts";
import type { AdminTarget, ExplainQuery } from "./target.ts";

/** What can be changed here may be changed in a snapshot, too. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A token that is good enough. */
export const TOKEN = "test-token-0123456789";

/** A backend that does nothing yet. */
export function fakeBackend(
  id: string,
  more: Partial<BackendSnapshot> = {},
): Mutable<BackendSnapshot> {
  return {
    id,
    address: id,
    weight: 1,
    state: "up",
    circuit: "closed",
    check: { passed: true, reason: "status 200" },
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
    latency: emptyHistogram(),
    ...more,
  };
}

/** No values yet. */
export function emptyHistogram(): { counts: number[]; sum: number } {
  return { counts: [...LATENCY_BOUNDS, Infinity].map(() => 0), sum: 0 };
}

/** A route that nobody has used. */
export function fakeRoute(name: string): Mutable<RouteSnapshot> {
  return {
    name,
    inFlight: 0,
    requests: 0,
    statuses: [0, 0, 0, 0, 0],
    rateLimited: 0,
    overloaded: 0,
    duration: emptyHistogram(),
  };
}

/** Holds a snapshot, notes what it is asked, and does it there. */
export class FakeTarget implements AdminTarget {
  /** What was asked for, in order. */
  readonly calls: unknown[][] = [];
  /** Whether it takes requests. */
  isReady = true;
  /** How many snapshots were made. */
  snapshots = 0;
  /** What is thrown in place of the next snapshot. */
  failure: Error | undefined;
  /** The figures; each snapshot is a copy. */
  now: Mutable<BalancerSnapshot>;
  /** Upstreams and their backends. */
  readonly backends: Record<string, Mutable<BackendSnapshot>[]>;

  constructor(
    backends: Record<string, Mutable<BackendSnapshot>[]> = {
      api: [fakeBackend("one"), fakeBackend("two")],
    },
  ) {
    this.backends = backends;
    this.now = {
      time: 1_700_000_000_000,
      startedAt: 1_700_000_000_000 - 5_000_000,
      connections: 0,
      accepted: 0,
      unrouted: 0,
      clientLeft: 0,
      websockets: 0,
      reloads: 0,
      reloadsRefused: 0,
      draining: false,
      routes: [fakeRoute("all")],
      upstreams: Object.keys(backends).map((name) => ({
        name,
        policy: "round_robin",
        panic: false,
        retries: 0,
        hedges: 0,
        budgetRefused: 0,
        backends: [],
      })),
    };
  }

  snapshot(): BalancerSnapshot {
    this.snapshots++;
    if (this.failure !== undefined) throw this.failure;
    const upstreams = this.now.upstreams.map((upstream) => ({
      ...upstream,
      backends: this.backends[upstream.name] ?? [],
    }));
    return structuredClone({ ...this.now, upstreams });
  }

  ready(): boolean {
    return this.isReady;
  }

  explain(query: ExplainQuery): unknown {
    this.calls.push(["explain", query]);
    return { route: "all", steps: ["It is the only one"] };
  }

  addBackend(upstream: string, backend: BackendConfig): void {
    this.calls.push(["addBackend", upstream, backend]);
    const id = backend.id ?? backend.address;
    const backends = this.#backendsOf(upstream);
    if (backends.some((other) => other.id === id)) {
      throw refused("backend_exists", `Cannot add "${id}": it is there`, 409);
    }
    backends.push(fakeBackend(id, { address: backend.address }));
  }

  removeBackend(upstream: string, id: string): void {
    this.calls.push(["removeBackend", upstream, id]);
    const backends = this.#backendsOf(upstream);
    backends.splice(backends.indexOf(this.#find(upstream, id)), 1);
  }

  setDraining(upstream: string, id: string, draining: boolean): void {
    this.calls.push(["setDraining", upstream, id, draining]);
    this.#find(upstream, id).state = draining ? "draining" : "up";
  }

  setWeight(upstream: string, id: string, weight: number): void {
    this.calls.push(["setWeight", upstream, id, weight]);
    this.#find(upstream, id).weight = weight;
  }

  #backendsOf(upstream: string): Mutable<BackendSnapshot>[] {
    const backends = this.backends[upstream];
    if (backends !== undefined) return backends;
    throw refused("no_upstream", `There is no upstream "${upstream}"`, 404);
  }

  #find(upstream: string, id: string): Mutable<BackendSnapshot> {
    const found = this.#backendsOf(upstream).find((each) => each.id === id);
    if (found !== undefined) return found;
    throw refused("no_backend", `There is no backend "${id}"`, 404);
  }
}

function refused(code: string, message: string, reply: number): ConnError {
  return new ConnError(message, { code, side: "remote", reply });
}
