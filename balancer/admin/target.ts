/**
 * What the admin API sees and changes.
 *
 * @module
 */

import type { BackendConfig } from "../config/config.ts";
import type { BalancerSnapshot } from "../telemetry/snapshot.ts";

/** A request, for {@linkcode AdminTarget.explain}. */
export interface ExplainQuery {
  /** As in its `Host` field; `""` if it has none. */
  readonly host: string;
  /** As in its request line: the path, with the query if there is one. */
  readonly target: string;
  /** The method. Left out: GET. */
  readonly method?: string;
}

/**
 * What the admin API sees and changes: a balancer, or several threads of one.
 *
 * The methods that change something throw, or reject with, a `ConnError` whose
 * `reply` is the answer's status: 404 for a name that is not known, 409 for one
 * that is there already, 400 for a value that cannot be.
 */
export interface AdminTarget {
  /** The figures at this moment. */
  snapshot(): BalancerSnapshot | Promise<BalancerSnapshot>;
  /**
   * Whether it takes requests: it is not shutting down, and each upstream has a
   * backend that is available.
   */
  ready(): boolean | Promise<boolean>;
  /**
   * Says which route and backend a request would get, and why.
   *
   * @returns Anything that JSON can hold.
   */
  explain(query: ExplainQuery): unknown | Promise<unknown>;
  /** Adds a backend to an upstream. */
  addBackend(upstream: string, backend: BackendConfig): void | Promise<void>;
  /** Takes a backend away; what it has under way ends in its time. */
  removeBackend(upstream: string, id: string): void | Promise<void>;
  /** Gives a backend nothing new, or something again. */
  setDraining(
    upstream: string,
    id: string,
    draining: boolean,
  ): void | Promise<void>;
  /** Changes a backend's share, relative to the others'; 0 for none. */
  setWeight(upstream: string, id: string, weight: number): void | Promise<void>;
}
