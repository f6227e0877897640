/**
 * One message to many connections.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import { PreparedMessage } from "./machine/prepared.ts";
import type { WsConn } from "./ws_conn.ts";

/** Options of {@linkcode broadcast}. */
export interface BroadcastOptions {
  /**
   * What to do with a connection whose send queue is over its high mark: queue
   * the message all the same, as far as the connection's `maxBuffered` reaches
   * (`"queue"`); leave the message out for it (`"skip"`); or close it, with 1013
   * (`"close"`).
   *
   * @default {"queue"}
   */
  slow?: "queue" | "skip" | "close";
  /** A connection that does not get the message: the one that it came from. */
  except?: WsConn;
}

/** What became of a message. */
export interface BroadcastResult {
  /** Connections that got it into their send queue. */
  sent: number;
  /**
   * Connections for which it was left out: they are slow, are sending a message in
   * fragments, or have become something else.
   */
  skipped: number;
  /** Connections that were closed because they are slow. */
  closed: number;
}

/**
 * Sends a message to many connections. It is encoded once, compressed once for
 * each set of parameters that connections have agreed on, and large ones are
 * queued by reference. Connections that are closing are passed over.
 *
 * @param conns The connections.
 * @param message The message; a {@linkcode PreparedMessage} if it goes out more
 * than once.
 * @param options What to do with slow ones.
 * @returns How many got it.
 *
 * @example A room
 * ```ts
 * import { broadcast, connect, serve, type WsConn } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * const room = new Set<WsConn>();
 * await using server = serve({ hostname: "127.0.0.1", port: 0 }, (event, conn) => {
 *   if (event.type === "open") room.add(conn);
 *   if (event.type === "message") broadcast(room, event.data);
 *   if (event.type === "close") room.delete(conn);
 * });
 * const { port } = server.addr as Deno.NetAddr;
 * await using one = await connect(`ws://127.0.0.1:${port}`);
 * await using two = await connect(`ws://127.0.0.1:${port}`);
 * one.send("hello");
 * for (const conn of [one, two]) {
 *   assertEquals((await conn.messages().next()).value, "hello");
 * }
 * ```
 */
export function broadcast(
  conns: Iterable<WsConn>,
  message: string | Uint8Array | PreparedMessage,
  options: BroadcastOptions = {},
): BroadcastResult {
  const { slow = "queue", except } = options;
  const prepared = message instanceof PreparedMessage
    ? message
    : new PreparedMessage(message);
  const result: BroadcastResult = { sent: 0, skipped: 0, closed: 0 };
  for (const conn of conns) {
    if (conn === except) continue;
    try {
      sendTo(conn, prepared, slow, result);
    } catch (error) {
      // One that cannot take it must not keep it from the others.
      if (!(error instanceof ConnError)) throw error;
      result.skipped++;
    }
  }
  return result;
}

function sendTo(
  conn: WsConn,
  message: PreparedMessage,
  slow: "queue" | "skip" | "close",
  result: BroadcastResult,
): void {
  if (slow === "queue" || !conn.needsDrain) {
    // Over the high mark it is queued all the same.
    if (conn.send(message) || conn.state === "open") result.sent++;
  } else if (conn.state === "open") {
    if (slow === "close") {
      conn.close(tooSlow());
      result.closed++;
    } else {
      result.skipped++;
    }
  }
}

function tooSlow(): ConnError {
  return new ConnError("The peer is too slow for what is sent to it", {
    code: "too_slow",
    side: "remote",
    reply: 1013,
  });
}
