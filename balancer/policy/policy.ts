/**
 * How a backend is chosen.
 *
 * @module
 */

import type { Fields } from "../../http/codec/fields.ts";

/** A backend, as a policy sees it. */
export interface Candidate {
  /** Its name in logs and metrics. */
  readonly id: string;
  /** Where it is. */
  readonly address: string;
  /** Its share, relative to the others'. */
  readonly weight: number;
  /** Requests and WebSocket connections that are under way. */
  readonly inFlight: number;
  /**
   * Mean time to the first byte of its responses, in milliseconds; newer ones
   * count more. 0 if there was none yet.
   */
  readonly latency: number;
}

/** What a policy may look at, and add to the response. */
export interface PolicyRequest {
  /** The method. */
  readonly method: string;
  /** The target as the backend will get it. */
  readonly target: string;
  /** The fields as the client sent them. */
  readonly fields: Fields;
  /** The client's address, without the port; `""` on a Unix socket. */
  readonly clientAddress: string;
  /** Adds a `Set-Cookie` with this value to the response. */
  setCookie(value: string): void;
}

/** Chooses a backend for each request. */
export interface Policy {
  /**
   * Chooses.
   *
   * @param candidates Those that are available, at least one, in the order of the
   * configuration. It is the same array until one comes, goes, or changes its
   * weight; it must not be changed.
   * @param request What asks.
   * @returns One of them, or `undefined` to answer 503.
   */
  pick(
    candidates: readonly Candidate[],
    request: PolicyRequest,
  ): Candidate | undefined;
}

/** A policy as a function. */
export type PolicyFunction = Policy["pick"];
