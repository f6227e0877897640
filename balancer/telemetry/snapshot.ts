/**
 * The figures of a balancer at one moment: plain data, which threads send each
 * other and which the admin page gets as JSON.
 *
 * @module
 */

/** Upper bounds of the buckets of latencies, in milliseconds; the last is the rest. */
export const LATENCY_BOUNDS: readonly number[] = [
  0.5,
  1,
  2.5,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1000,
  2500,
  5000,
  10000,
];

/** A histogram: how many were up to each bound, not cumulative, and beyond. */
export interface HistogramSnapshot {
  /** One more than there are bounds. */
  readonly counts: readonly number[];
  /** The sum of all values. */
  readonly sum: number;
}

/** Whether a backend gets requests, and why not. */
export type BackendState =
  /** It does. */
  | "up"
  /** It does, a growing share. */
  | "starting"
  /** Its active checks fail. */
  | "down"
  /** It has failed requests, and is left alone for a while. */
  | "ejected"
  /** That time is over: one request finds out. */
  | "trial"
  /** It gets nothing new. */
  | "draining";

/** The figures of a backend. Counters begin with the balancer. */
export interface BackendSnapshot {
  readonly id: string;
  readonly address: string;
  readonly weight: number;
  readonly state: BackendState;
  /** Its circuit: passive checks only. */
  readonly circuit: "closed" | "open" | "half_open";
  /** What the last active check said, if there are any. */
  readonly check: { readonly passed: boolean; readonly reason: string } | null;
  /** Requests under way, and WebSocket connections. */
  readonly inFlight: number;
  readonly websockets: number;
  /** Requests that wait for a connection. */
  readonly queued: number;
  readonly openConnections: number;
  readonly idleConnections: number;
  /** Mean time to the first byte, in milliseconds. */
  readonly meanLatency: number;
  // Counters.
  readonly requests: number;
  /** Responses by class: 1xx to 5xx, at 0 to 4. */
  readonly statuses: readonly number[];
  /** Failures by code: `"connect_refused"`, `"reset"`, `"head_timeout"`, ... */
  readonly errors: Readonly<Record<string, number>>;
  readonly connects: number;
  readonly retries: number;
  readonly ejections: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Time to the first byte. */
  readonly latency: HistogramSnapshot;
}

/** The figures of an upstream. */
export interface UpstreamSnapshot {
  readonly name: string;
  /** The policy's name; `"custom"` for a function. */
  readonly policy: string;
  /** So few are available that all are tried. */
  readonly panic: boolean;
  readonly retries: number;
  readonly hedges: number;
  /** Retries that the budget did not allow. */
  readonly budgetRefused: number;
  readonly backends: readonly BackendSnapshot[];
}

/** The figures of a route. */
export interface RouteSnapshot {
  readonly name: string;
  readonly inFlight: number;
  readonly requests: number;
  readonly statuses: readonly number[];
  /** Refused for the rate limit, and for the in-flight cap. */
  readonly rateLimited: number;
  readonly overloaded: number;
  /** Total time of requests. */
  readonly duration: HistogramSnapshot;
}

/** The figures of a balancer. */
export interface BalancerSnapshot {
  /** When it was made, in milliseconds since the epoch. */
  readonly time: number;
  /** When the balancer started. */
  readonly startedAt: number;
  /** Clients' connections that are open, and that there have been. */
  readonly connections: number;
  readonly accepted: number;
  /** Requests that no route was for. */
  readonly unrouted: number;
  /** Requests whose client left first. */
  readonly clientLeft: number;
  readonly websockets: number;
  /** How often the configuration was changed, and how often that was refused. */
  readonly reloads: number;
  readonly reloadsRefused: number;
  readonly draining: boolean;
  readonly routes: readonly RouteSnapshot[];
  readonly upstreams: readonly UpstreamSnapshot[];
}
