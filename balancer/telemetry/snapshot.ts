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
  /** Its name. */
  readonly id: string;
  /** Where it is. */
  readonly address: string;
  /** Its share, relative to the others'. */
  readonly weight: number;
  /** Whether it gets requests, and why not. */
  readonly state: BackendState;
  /** Its circuit: passive checks only. */
  readonly circuit: "closed" | "open" | "half_open";
  /** What the last active check said, if there are any. */
  readonly check: { readonly passed: boolean; readonly reason: string } | null;
  /** Requests and WebSocket connections that are under way. */
  readonly inFlight: number;
  /** Of these, WebSocket connections. */
  readonly websockets: number;
  /** Requests that wait for a connection. */
  readonly queued: number;
  /** Connections that are open. */
  readonly openConnections: number;
  /** Of these, the ones that carry nothing. */
  readonly idleConnections: number;
  /** Mean time to the first byte, in milliseconds. */
  readonly meanLatency: number;
  /** Requests that it was given. */
  readonly requests: number;
  /** Responses by class: 1xx to 5xx, at 0 to 4. */
  readonly statuses: readonly number[];
  /** Failures by code: `"connect_refused"`, `"reset"`, `"head_timeout"`, ... */
  readonly errors: Readonly<Record<string, number>>;
  /** Connections that were begun. */
  readonly connects: number;
  /** Its requests that were sent again, to it or another one. */
  readonly retries: number;
  /** How often it was ejected. */
  readonly ejections: number;
  /** Bytes of requests' bodies, and of what WebSocket clients sent. */
  readonly bytesIn: number;
  /** Bytes of responses' bodies, and of what went to WebSocket clients. */
  readonly bytesOut: number;
  /** Time to the first byte. */
  readonly latency: HistogramSnapshot;
}

/** The figures of an upstream. */
export interface UpstreamSnapshot {
  /** Its name. */
  readonly name: string;
  /** The policy's name; `"custom"` for a function. */
  readonly policy: string;
  /** So few are available that all are tried. */
  readonly panic: boolean;
  /** Requests that were sent again. */
  readonly retries: number;
  /** Requests that were sent to a second backend because the first was slow. */
  readonly hedges: number;
  /** Retries that the budget did not allow. */
  readonly budgetRefused: number;
  /** Its backends, in the order of the configuration. */
  readonly backends: readonly BackendSnapshot[];
}

/** The figures of a route. */
export interface RouteSnapshot {
  /** Its name. */
  readonly name: string;
  /** Requests under way. */
  readonly inFlight: number;
  /** Requests that there have been, but for those that were refused. */
  readonly requests: number;
  /** Responses by class: 1xx to 5xx, at 0 to 4. */
  readonly statuses: readonly number[];
  /** Requests that were refused for the rate limit. */
  readonly rateLimited: number;
  /** Requests that were refused because too many were under way. */
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
  /** Clients' connections that are open. */
  readonly connections: number;
  /** Clients' connections that there have been. */
  readonly accepted: number;
  /** Requests that no route was for. */
  readonly unrouted: number;
  /** Requests whose client left first. */
  readonly clientLeft: number;
  /** WebSocket connections that are open. */
  readonly websockets: number;
  /** How often the configuration was changed. */
  readonly reloads: number;
  /** How often a configuration was refused. */
  readonly reloadsRefused: number;
  /** Whether the balancer is shutting down. */
  readonly draining: boolean;
  /** Its routes, in the order of the configuration. */
  readonly routes: readonly RouteSnapshot[];
  /** Its upstreams, in the order of the configuration. */
  readonly upstreams: readonly UpstreamSnapshot[];
}
