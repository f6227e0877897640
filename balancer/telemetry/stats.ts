/**
 * The counters that the data path moves. They are plain fields: a request costs
 * a few additions.
 *
 * @module
 */

import { Histogram } from "./histogram.ts";
import type { BackendSnapshot, RouteSnapshot } from "./snapshot.ts";

/** So many codes of errors are counted apart, the others as `"other"`. */
const MAX_CODES = 32;

/** Counts a status in its class. */
function countStatus(statuses: number[], status: number): void {
  // What no class is for is to be treated as 5xx, RFC 9110 §15.
  const index = status < 200
    ? 0
    : status < 300
    ? 1
    : status < 400
    ? 2
    : status < 500
    ? 3
    : 4;
  statuses[index]!++;
}

/** The counters of a route. */
export class RouteStats {
  /** Requests under way. */
  inFlight = 0;
  /** Requests that there have been. */
  requests = 0;
  /** Refused for the rate limit. */
  rateLimited = 0;
  /** Refused for the in-flight cap. */
  overloaded = 0;
  /** Total time of requests. */
  readonly duration: Histogram = new Histogram();
  readonly #statuses = [0, 0, 0, 0, 0];

  /** Counts a response's status, 100 to 999. */
  status(status: number): void {
    countStatus(this.#statuses, status);
  }

  /** The figures of the route of this name. */
  snapshot(name: string): RouteSnapshot {
    return {
      name,
      inFlight: this.inFlight,
      requests: this.requests,
      statuses: [...this.#statuses],
      rateLimited: this.rateLimited,
      overloaded: this.overloaded,
      duration: this.duration.snapshot(),
    };
  }
}

/** What {@linkcode BackendStats} knows of a backend. */
export type BackendFigures = Pick<
  BackendSnapshot,
  | "inFlight"
  | "websockets"
  | "requests"
  | "statuses"
  | "errors"
  | "connects"
  | "retries"
  | "bytesIn"
  | "bytesOut"
  | "latency"
>;

/** The counters of a backend. */
export class BackendStats {
  /** Requests and WebSocket connections that are under way. */
  inFlight = 0;
  /** Of these, WebSocket connections. */
  websockets = 0;
  /** Requests that it was given. */
  requests = 0;
  /** Connections that were opened to it. */
  connects = 0;
  /** Of its requests, those that were sent again. */
  retries = 0;
  /** Bytes of requests' bodies. */
  bytesIn = 0;
  /** Bytes of responses' bodies. */
  bytesOut = 0;
  /** Time to the first byte. */
  readonly latency: Histogram = new Histogram();
  readonly #statuses = [0, 0, 0, 0, 0];
  readonly #errors = new Map<string, number>();

  /** Counts a response's status, 100 to 999. */
  status(status: number): void {
    countStatus(this.#statuses, status);
  }

  /**
   * Counts a failure.
   *
   * @param code The error's code. Only so many are counted by their name: each is
   * a series in the metrics.
   */
  error(code: string): void {
    const errors = this.#errors;
    const known = errors.size < MAX_CODES || errors.has(code);
    const key = known ? code : "other";
    errors.set(key, (errors.get(key) ?? 0) + 1);
  }

  /** The part of the backend's figures that is counted here. */
  snapshot(): BackendFigures {
    return {
      inFlight: this.inFlight,
      websockets: this.websockets,
      requests: this.requests,
      statuses: [...this.#statuses],
      errors: Object.fromEntries(this.#errors),
      connects: this.connects,
      retries: this.retries,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      latency: this.latency.snapshot(),
    };
  }
}
