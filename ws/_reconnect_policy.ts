/**
 * Whether to connect again, and when: pure rules.
 *
 * @module
 */

import type { ConnError } from "../conn/error.ts";

/** The options that say whether, and when; see `ReconnectOptions`. */
export interface PolicyOptions {
  readonly baseDelay?: number;
  readonly maxDelay?: number;
  readonly maxRetryAfter?: number;
  readonly maxAttempts?: number;
  readonly stableAfter?: number;
  readonly stopCodes?: readonly number[];
  readonly random?: () => number;
}

/** How a connection, or an attempt to make one, ended. */
export interface ReconnectCause {
  /** The close code; 1006 if there was no connection. */
  readonly code: number;
  /** The reason that came with the code. */
  readonly reason: string;
  /** Whether both close frames were exchanged. */
  readonly wasClean: boolean;
  /** What went wrong. */
  readonly error?: ConnError;
}

/** What an error says beyond its fields. */
export interface Refusal {
  /** The status of the server's answer. */
  readonly status: number;
  /** What its `Retry-After` asks for, in milliseconds. */
  readonly retryAfter: number | undefined;
}

/** The code of the error if the `prepare` hook threw something. */
export const PREPARE_FAILED = "prepare_failed";

/** Failures on this side that another attempt may not meet. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  PREPARE_FAILED,
  "send_queue_full",
]);

/** Answers below 500 that a later attempt may not get. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

/** Answers whose `Retry-After` counts, RFC 9110 §10.2.3 and RFC 6585 §4. */
const BUSY: ReadonlySet<number> = new Set([429, 503]);

/**
 * Tells whether another attempt would end in the same way, or is not wanted: the
 * server closed with one of the codes that say so, it refused for good, or the
 * program itself is at fault.
 *
 * @param stopCodes The close codes that end it.
 */
export function isFinal(
  { code, error }: ReconnectCause,
  refusal: Refusal | undefined,
  stopCodes: readonly number[],
): boolean {
  // With an error, the code is this side's word.
  if (error === undefined) return stopCodes.includes(code);
  if (refusal !== undefined) {
    return refusal.status < 500 && !PASSING.has(refusal.status);
  }
  return error.side === "local" && !PASSING_CODES.has(error.code) &&
    !error.code.endsWith("_timeout");
}

/** More of them make no delay that anybody waits for. */
const MAX_DOUBLINGS = 60;

/**
 * How long to wait: exponential back-off with full jitter, so that the clients
 * of a restarted server do not all come at once, after what the server asked
 * for. Of that no more than `maxRetryAfter` counts: a clock that is wrong, or a
 * slip of the pen, must not send a client away for years.
 *
 * @param attempt Counted from 1.
 * @param random A number from 0 to below 1.
 * @returns Milliseconds.
 */
export function backoff(
  attempt: number,
  refusal: Refusal | undefined,
  options: { baseDelay: number; maxDelay: number; maxRetryAfter: number },
  random: number,
): number {
  const { baseDelay, maxDelay, maxRetryAfter } = options;
  // `2 ** 1024` is infinite, and no delay at all times that is not a number.
  const factor = 2 ** Math.min(attempt - 1, MAX_DOUBLINGS);
  const jitter = random * Math.min(maxDelay, baseDelay * factor);
  if (refusal?.retryAfter === undefined || !BUSY.has(refusal.status)) {
    return jitter;
  }
  return Math.min(maxRetryAfter, refusal.retryAfter) + jitter;
}

const NUMBERS = [
  "baseDelay",
  "maxDelay",
  "maxRetryAfter",
  "maxAttempts",
  "stableAfter",
] as const;

/** @throws {RangeError} If an option is not a number from 0. */
export function checkNumber(name: string, value: number | undefined): void {
  // Also refuses what is not a number.
  if (value === undefined || value >= 0) return;
  throw new RangeError(
    `Cannot set "${name}" to ${value}: expected a number that is at least 0`,
  );
}

/** Counts attempts, and decides about the next one. Times are given to it. */
export class ReconnectPolicy {
  /** Attempts in a row to connect again. */
  attempt = 0;
  /** How the last connection or attempt ended. */
  last: ReconnectCause | undefined;
  readonly #options: PolicyOptions;
  #openedAt: number | undefined;

  /** @throws {RangeError} If an option is out of its range. */
  constructor(options: PolicyOptions) {
    for (const name of NUMBERS) checkNumber(name, options[name]);
    this.#options = options;
  }

  /** There is a connection. */
  opened(now: number): void {
    this.#openedAt = now;
  }

  /**
   * A connection has closed, or could not be made.
   *
   * @returns Milliseconds to the next attempt; `undefined` if there is none.
   */
  lost(
    cause: ReconnectCause,
    refusal: Refusal | undefined,
    now: number,
  ): number | undefined {
    const {
      baseDelay = 500,
      maxDelay = 30_000,
      maxRetryAfter = 600_000,
      maxAttempts = Infinity,
      stableAfter = 10_000,
      stopCodes = [1000, 1008],
      random = Math.random,
    } = this.#options;
    this.last = cause;
    if (this.#openedAt !== undefined && now - this.#openedAt >= stableAfter) {
      this.attempt = 0;
    }
    this.#openedAt = undefined;
    if (this.attempt >= maxAttempts || isFinal(cause, refusal, stopCodes)) {
      return undefined;
    }
    this.attempt++;
    const delays = { baseDelay, maxDelay, maxRetryAfter };
    return backoff(this.attempt, refusal, delays, random());
  }
}
