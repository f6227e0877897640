/**
 * What the main thread and its workers tell each other.
 *
 * @module
 */

import { ConnError, type ConnErrorOptions } from "./error.ts";

/** Marks our messages among a program's own. */
const MARK = "@meerkat/net/worker";

/** From a worker. */
export type FromWorker =
  /** It has loaded and waits for `start`. */
  | { type: "loaded" }
  /** It accepts connections. */
  | { type: "listening"; addr: Deno.Addr }
  /** Its program could not start a server. */
  | { type: "failed"; message: string }
  /** What its program answered to a request. */
  | { type: "reply"; id: number; reply: unknown }
  /** Its program failed to answer a request. */
  | { type: "refused"; id: number; refusal: WorkerRefusal }
  /** Its server has stopped and its connections have closed. */
  | { type: "finished" };

/** What is left of an error on its way between threads. */
export interface WorkerRefusal {
  readonly message: string;
  readonly options: ConnErrorOptions;
}

/** To a worker. */
export type ToWorker =
  | { type: "start"; context: unknown }
  | { type: "request"; id: number; message: unknown }
  | { type: "shutdown"; timeout: number }
  | { type: "close" };

/** Puts a message in its envelope. */
export function pack(message: FromWorker | ToWorker): unknown {
  return { mark: MARK, message };
}

/** Takes a message from its envelope; `undefined` if it is not one of ours. */
export function unpack<T extends FromWorker | ToWorker>(
  data: unknown,
): T | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { mark, message } = data as { mark?: unknown; message?: T };
  return mark === MARK ? message : undefined;
}

/** Makes of an error what can be sent. */
export function packError(error: unknown): WorkerRefusal {
  if (error instanceof ConnError) {
    const { message, code, side, reply } = error;
    return {
      message,
      options: { code, side, ...(reply === undefined ? {} : { reply }) },
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, options: { code: "worker_failed", side: "local" } };
}
