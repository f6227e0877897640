/**
 * A step that may take only so long, and may be aborted.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import { ConnError } from "./error.ts";

/** Options of {@linkcode bounded}. */
export interface BoundedOptions<T> {
  readonly clock: Clock;
  /** In milliseconds; `Infinity` for no bound. */
  readonly timeout: number;
  readonly signal?: AbortSignal | undefined;
  /** What to reject with when the time is over. */
  readonly timeoutError: () => ConnError;
  /** Throws away a result that came too late. */
  readonly discard: (value: T) => void;
}

/** The error of an abort. */
export function abortedError(what: string, signal: AbortSignal): ConnError {
  return new ConnError(`${what} was aborted`, {
    code: "aborted",
    side: "local",
    cause: signal.reason,
  });
}

/**
 * Runs a step within its bounds. When it is over time or aborted, the signal
 * that the step got aborts and the promise rejects, without waiting for the step.
 *
 * @param what The step's name, for the message of an abort.
 */
export function bounded<T>(
  what: string,
  step: (signal: AbortSignal) => Promise<T>,
  options: BoundedOptions<T>,
): Promise<T> {
  const { clock, timeout, signal, timeoutError, discard } = options;
  if (signal?.aborted) return Promise.reject(abortedError(what, signal));
  const controller = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let over = false;
  const end = () => {
    over = true;
    if (timer !== undefined) clock.clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  };
  const stop = (error: ConnError) => {
    end();
    reject(error);
    controller.abort(error);
  };
  const onAbort = () => stop(abortedError(what, signal!));
  signal?.addEventListener("abort", onAbort);
  const timer = timeout === Infinity
    ? undefined
    : clock.setTimeout(() => stop(timeoutError()), timeout);
  step(controller.signal).then((value) => {
    if (over) return discard(value);
    end();
    resolve(value);
  }, (error) => {
    if (over) return;
    end();
    reject(error);
  });
  return promise;
}
