/**
 * WebSocket, RFC 6455, with permessage-deflate, RFC 7692: a server and a client.
 *
 * For a server there is {@linkcode serve}; {@linkcode upgrade} in a handler of
 * `http.serve`, and {@linkcode accept} in one of `http.listen`. For a client there
 * are {@linkcode connect}, {@linkcode reconnect}, and the standard
 * {@linkcode WebSocket}. {@linkcode broadcast} sends one message to many.
 * {@linkcode WsMachine} is the protocol itself, for any transport.
 *
 * @example A server and a client
 * ```ts
 * import { connect, serve } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   (event, conn) => {
 *     if (event.type === "message") conn.send(event.data);
 *   },
 * );
 * const { port } = server.addr as Deno.NetAddr;
 * await using conn = await connect(`ws://127.0.0.1:${port}/`);
 * conn.send("echo");
 * assertEquals((await conn.messages().next()).value, "echo");
 * ```
 *
 * @module
 */

export * from "./accept.ts";
export * from "./broadcast.ts";
export * from "./connect.ts";
export { type DeflateBudget, deflateBudget } from "./deflate/budget.ts";
export type {
  DeflateAgreement,
  DeflateOptions,
  DeflateParams,
} from "./deflate/params.ts";
export {
  allowOrigins,
  type AllowOriginsOptions,
  type OriginCheck,
} from "./handshake/origins.ts";
export type { Refusal } from "./handshake/refusal.ts";
export {
  asksForWebSocket,
  type HandshakeOptions,
  type SubprotocolChoice,
} from "./handshake/server.ts";
export * from "./machine/machine.ts";
export type * from "./machine/message.ts";
export type { WsLimits, WsOptions } from "./machine/limits.ts";
export { PreparedMessage } from "./machine/prepared.ts";
export { PreparedBatch } from "./machine/prepared_batch.ts";
export * from "./reconnect.ts";
export * from "./refused.ts";
export * from "./serve.ts";
export * from "./upgrade.ts";
export * from "./websocket.ts";
export type { WsConn, WsHandler, WsHandshake } from "./ws_conn.ts";
