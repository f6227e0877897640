/**
 * Opening a WebSocket from a function of `Request` to `Response`.
 *
 * @module
 */

import type { ServeInfo } from "../http/server/serve.ts";
import { type AcceptOptions, resolveAccept } from "./_grant.ts";
import { refusalResponse, takeOver } from "./_take_over.ts";
import { checkRequest } from "./handshake/server.ts";
import type { WsConn, WsHandler } from "./ws_conn.ts";

/** What {@linkcode upgrade} has made of a request. */
export interface Upgraded {
  /** What the handler of the request must return. */
  readonly response: Response;
  /**
   * The connection; `undefined` if the request was refused, or the client has
   * left.
   */
  readonly conn: WsConn | undefined;
}

/**
 * Answers a request to open a WebSocket, in a handler of `http.serve`.
 *
 * If it is in order (RFC 6455 §4.2), the answer is a 101, which is sent at once,
 * and the connection becomes a WebSocket. Otherwise it is the refusal that
 * belongs to what is wrong: 400, 403, 405 or 426.
 *
 * @param request The request.
 * @param info What came with it.
 * @param options Subprotocols, origins, compression, limits.
 * @param handler Gets the events, first `open`, before this function returns.
 * @returns The response, which the handler must return.
 * @throws {RangeError} If a limit is out of its range, or an origin is invalid.
 * @throws {ConnError} If a subprotocol or a field is invalid; with code
 * `"subprotocol_not_offered"` if the program chose such a one.
 *
 * @example An echo next to a page
 * ```ts
 * import { serve } from "@meerkat/net/http";
 * import { upgrade } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   (request, info) => {
 *     if (!request.url.endsWith("/echo")) return new Response("A page");
 *     return upgrade(request, info, {}, (event, conn) => {
 *       if (event.type === "message") conn.send(event.data);
 *     });
 *   },
 * );
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
export function upgrade(
  request: Request,
  info: ServeInfo,
  options: AcceptOptions | undefined,
  handler: WsHandler,
): Response;
/**
 * The same for a connection that is iterated.
 *
 * @param request The request.
 * @param info What came with it.
 * @param options Subprotocols, origins, compression, limits.
 * @returns The response, which the handler must return, and the connection.
 */
export function upgrade(
  request: Request,
  info: ServeInfo,
  options?: AcceptOptions,
): Upgraded;
export function upgrade(
  _request: Request,
  info: ServeInfo,
  options: AcceptOptions = {},
  handler?: WsHandler,
): Response | Upgraded {
  const settings = resolveAccept(options);
  const checked = checkRequest(info.head, settings.handshake);
  const upgraded = "subprotocol" in checked
    ? takeOver(info, checked, settings, handler)
    : { response: refusalResponse(checked), conn: undefined };
  return handler === undefined ? upgraded : upgraded.response;
}
