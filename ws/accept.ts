/**
 * Opening a WebSocket from a handler of HTTP events.
 *
 * @module
 */

import type { Conn } from "../conn/conn.ts";
import type {
  HttpCommand,
  HttpEvent,
  RequestHead,
} from "../http/codec/message.ts";
import { type AcceptOptions, grant, resolveAccept } from "./_grant.ts";
import { refusalAnswer } from "./handshake/refusal.ts";
import { checkRequest } from "./handshake/server.ts";
import type { WsConn, WsHandler } from "./ws_conn.ts";

export type { AcceptOptions };

/**
 * Answers a request to open a WebSocket, in a handler of HTTP events: in
 * `request`, in `end`, or later, as long as the request is the oldest one
 * without an answer.
 *
 * If it is in order (RFC 6455 §4.2), the answer is a 101, and the connection
 * becomes a WebSocket; what the client sent behind its request is its first
 * input. Otherwise the answer is the refusal that belongs to what is wrong: 400,
 * 403, 405 or 426. HTTP goes on then.
 *
 * @param conn The connection, which speaks HTTP.
 * @param head The request.
 * @param options Subprotocols, origins, compression, limits.
 * @param handler Gets the events, first `open`, before this function returns.
 * Left out: the connection is iterated.
 * @returns The connection; `undefined` if the request was refused, or the client
 * has left.
 * @throws {RangeError} If a limit is out of its range, or an origin is invalid.
 * @throws {ConnError} If a subprotocol or a field is invalid; with code
 * `"subprotocol_not_offered"` if the program chose such a one; with code
 * `"unexpected_upgrade"` if it is another request's turn to be answered.
 *
 * @example An echo next to a page
 * ```ts
 * import { listen } from "@meerkat/net/http";
 * import { accept } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = listen({ hostname: "127.0.0.1", port: 0 }, (event, conn) => {
 *   if (event.type !== "request") return;
 *   if (event.head.target === "/echo") {
 *     accept(conn, event.head, {}, (event, ws) => {
 *       if (event.type === "message") ws.send(event.data);
 *     });
 *   } else conn.send({ type: "response", status: 200, body: "A page" });
 * });
 * const { port } = server.addr as Deno.NetAddr;
 * const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`);
 * const reply = await new Promise((resolve) => {
 *   socket.onopen = () => socket.send("hello");
 *   socket.onmessage = (event) => resolve(event.data);
 * });
 * assertEquals(reply, "hello");
 * const closed = new Promise((resolve) => socket.onclose = resolve);
 * socket.close();
 * await closed;
 * ```
 */
export function accept(
  conn: Conn<HttpEvent, HttpCommand>,
  head: RequestHead,
  options: AcceptOptions = {},
  handler?: WsHandler,
): WsConn | undefined {
  if (conn.state !== "open") return undefined;
  const settings = resolveAccept(options);
  const checked = checkRequest(head, settings.handshake);
  if (!("subprotocol" in checked)) {
    conn.send({ type: "response", ...refusalAnswer(checked) });
    return undefined;
  }
  const { ws, machine, handler: inner } = grant(
    head,
    checked,
    settings,
    handler,
  );
  try {
    conn.send({
      type: "response",
      status: 101,
      fields: checked.fields,
      body: "",
    });
    conn.become(machine, inner);
  } catch (error) {
    machine.release();
    throw error;
  }
  return ws;
}
