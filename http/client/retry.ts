/**
 * Whether to try a request again, and when: a pure policy.
 *
 * @module
 */

import { RetryWindow } from "./retry_window.ts";

/** Options of {@linkcode RetryPolicy}. */
export interface RetryOptions {
  /** Attempts in all, the first one included. @default {3} */
  attempts?: number;
  /** The back-off before the second attempt, in milliseconds. @default {100} */
  baseDelay?: number;
  /** The longest back-off, in milliseconds. @default {5000} */
  maxDelay?: number;
  /**
   * The longest `Retry-After` that is waited for, in milliseconds. A reply that
   * asks for more is handed to the caller. @default {10000}
   */
  maxRetryAfter?: number;
  /**
   * Statuses that are tried again, if the request is idempotent.
   * @default {[429, 503]}
   */
  statuses?: readonly number[];
  /**
   * Retries as a share of the requests of the last ten seconds. All requests of
   * a client share it, so a service in trouble does not get a multiple of its
   * load. @default {0.2}
   */
  budget?: number;
  /** Retries in ten seconds that are allowed in any case. @default {10} */
  minimumRetries?: number;
}

/** What went wrong with an attempt. */
export interface FailedAttempt {
  /** Attempts so far, this one included. */
  attempts: number;
  /** Whether doing it twice is as good as once. */
  idempotent: boolean;
  /** Whether not one byte of the request left this machine. */
  neverSent: boolean;
  /** Whether the connection had carried an exchange before. */
  reused: boolean;
  /** Whether the request can be sent again: its body is no half-read stream. */
  replayable: boolean;
  /** The status of the reply; left out if there was none. */
  status?: number;
  /** The reply's `Retry-After`. */
  retryAfter?: string | undefined;
  /** The code of the error if there was no reply. */
  code?: string;
}

/** Failures that another attempt can cure. All others are final. */
const PASSING: ReadonlySet<string> = new Set([
  "connect_refused",
  "connect_failed",
  "reset",
  "broken",
  "no_response",
]);

const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PUT",
  "DELETE",
]);

/**
 * Tells whether doing a request twice has the effect of doing it once
 * (RFC 9110 §9.2.2), so that it may be repeated when nobody knows whether the
 * server has seen it.
 *
 * @param method The request's method.
 * @returns Whether the method is defined as idempotent.
 */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/**
 * Reads a `Retry-After` field: seconds, or a date (RFC 9110 §10.2.3).
 *
 * @param value The field's value.
 * @param now The present time, in milliseconds since the epoch.
 * @returns Milliseconds to wait, or `undefined` if the value is neither.
 */
export function parseRetryAfter(
  value: string,
  now: number,
): number | undefined {
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  if (!/^[A-Z][a-z]+,? /.test(value)) return undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

/**
 * A retry budget and a back-off with full jitter, shared by all requests of a
 * client. It has no clock and no timer: times come in, delays go out.
 */
export class RetryPolicy {
  readonly #options: Required<RetryOptions>;
  readonly #random: () => number;
  readonly #statuses: ReadonlySet<number>;
  readonly #window = new RetryWindow();

  /**
   * Creates a policy.
   *
   * @param options Its figures.
   * @param random Gives numbers from 0 to below 1, `Math.random` by default.
   */
  constructor(options: RetryOptions = {}, random: () => number = Math.random) {
    this.#options = {
      attempts: options.attempts ?? 3,
      baseDelay: options.baseDelay ?? 100,
      maxDelay: options.maxDelay ?? 5000,
      maxRetryAfter: options.maxRetryAfter ?? 10_000,
      statuses: options.statuses ?? [429, 503],
      budget: options.budget ?? 0.2,
      minimumRetries: options.minimumRetries ?? 10,
    };
    this.#statuses = new Set(this.#options.statuses);
    this.#random = random;
  }

  /**
   * Counts a request that the program made; retries are measured against these.
   *
   * @param now Milliseconds on any clock that does not go back.
   */
  countRequest(now: number): void {
    this.#window.countRequest(now);
  }

  /**
   * Decides about a failed attempt, and counts the retry if there is to be one.
   *
   * A request whose reused connection turned out to be closed goes out again at
   * once and is not counted: it is no sign of trouble, and the next attempt uses
   * a fresh connection.
   *
   * @param failed What is known about it.
   * @param now Milliseconds on the clock of {@linkcode RetryPolicy.countRequest}.
   * @param wallTime Milliseconds since the epoch, for a `Retry-After` date.
   * @returns Milliseconds to wait before the next attempt, or `undefined` for none.
   */
  delay(
    failed: FailedAttempt,
    now: number,
    wallTime: number = Date.now(),
  ): number | undefined {
    if (!failed.replayable) return undefined;
    if (failed.status === undefined) {
      if (!failed.idempotent && !failed.neverSent) return undefined;
      if (!PASSING.has(failed.code ?? "")) return undefined;
      if (failed.reused) return 0;
    } else if (!failed.idempotent || !this.#statuses.has(failed.status)) {
      return undefined;
    }
    if (failed.attempts >= this.#options.attempts) return undefined;
    const wait = this.#wait(failed, wallTime);
    return wait !== undefined && this.#spend(now) ? wait : undefined;
  }

  /** Whether one more retry stays within the budget; counts it if so. */
  #spend(now: number): boolean {
    this.#window.move(now);
    const { requests, retries } = this.#window;
    const allowed = Math.max(
      this.#options.minimumRetries,
      Math.floor(requests * this.#options.budget),
    );
    if (retries >= allowed) return false;
    this.#window.countRetry(now);
    return true;
  }

  #wait(failed: FailedAttempt, wallTime: number): number | undefined {
    const { baseDelay, maxDelay, maxRetryAfter } = this.#options;
    const asked = failed.retryAfter === undefined
      ? undefined
      : parseRetryAfter(failed.retryAfter, wallTime);
    if (asked !== undefined) return asked <= maxRetryAfter ? asked : undefined;
    const top = Math.min(maxDelay, baseDelay * 2 ** (failed.attempts - 1));
    return this.#random() * top;
  }
}
