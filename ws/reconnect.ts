/**
 * A WebSocket that connects again.
 *
 * @module
 */

import type {
  ReconnectHandler,
  ReconnectOptions,
} from "./_reconnect_options.ts";
import { ReconnectingWs } from "./_reconnect_socket.ts";

export type {
  ReconnectEvent,
  ReconnectHandler,
  ReconnectOptions,
  ReconnectState,
  ReconnectTarget,
} from "./_reconnect_options.ts";
export type { ReconnectCause } from "./_reconnect_policy.ts";
export type { ReconnectingWs };

/**
 * Opens a WebSocket, and opens it again whenever it is lost.
 *
 * When a connection is lost, or cannot be made, the next attempt begins after a
 * time drawn by lot, up to `baseDelay` times two for each attempt before it, and
 * up to `maxDelay`. A server that answers 429 or 503 with `Retry-After` is given
 * that time, too, up to `maxRetryAfter`.
 *
 * It is over, with a `close` event, when the server closes with 1000 or 1008; when
 * it refuses with a status that will not change (all but 408, 425, 429 and those
 * from 500 on); when the program is at fault (an invalid URL, a missing
 * permission, a handler that throws); after `maxAttempts`; and on `close`, `abort`
 * or the signal.
 *
 * @param url Where to, as for {@linkcode connect}.
 * @param options Waiting times, what becomes of messages in between, and all that
 * {@linkcode connect} takes.
 * @param handler Gets the events of all connections. Left out: `messages` gives
 * the messages.
 * @returns At once, with the first attempt about to begin.
 * @throws {RangeError} If an option of its own is out of its range.
 *
 * @example A server that hangs up, and a client that goes on where it was
 * ```ts
 * import { reconnect, serve } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   (event, conn) => {
 *     if (event.type !== "message") return;
 *     conn.send(`${Number(event.data) + 1}`);
 *     conn.close(1001, "Restarting");
 *   },
 * );
 * const { port } = server.addr as Deno.NetAddr;
 *
 * let cursor = 0;
 * const socket = reconnect(
 *   `ws://127.0.0.1:${port}/`,
 *   { baseDelay: 10 },
 *   (event) => {
 *     if (event.type === "open") socket.send(`${cursor}`);
 *     if (event.type === "message") cursor = Number(event.data);
 *     if (event.type === "reconnecting" && cursor === 3) socket.close();
 *   },
 * );
 * await socket.closed;
 * assertEquals(cursor, 3);
 * ```
 */
export function reconnect(
  url: string | URL,
  options: ReconnectOptions = {},
  handler?: ReconnectHandler,
): ReconnectingWs {
  return new ReconnectingWs(url, options, handler);
}
