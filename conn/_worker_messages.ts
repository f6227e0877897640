/**
 * What the main thread and its workers tell each other.
 *
 * @module
 */

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
  /** Its server has stopped and its connections have closed. */
  | { type: "finished" };

/** To a worker. */
export type ToWorker =
  | { type: "start"; context: unknown }
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
