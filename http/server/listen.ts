/**
 * The server for handlers of events.
 *
 * @module
 */

import type { Handler } from "../../conn/conn.ts";
import {
  listen as listenConn,
  type ListenOptions,
  type Server,
} from "../../conn/listen.ts";
import { HttpMachine } from "../machine/machine.ts";
import { type HttpMachineOptions, resolveOptions } from "../codec/limits.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";

/** Options of {@linkcode listen}: where, and within what limits. */
export interface HttpListenOptions extends ListenOptions, HttpMachineOptions {}

/**
 * Serves HTTP/1.1 with a handler of events: every head, piece of body and end as
 * it comes, for full control at the least cost.
 *
 * A handler answers with `response` commands, in the order of the requests. One
 * that returns a promise pauses reading, so the next request comes after it.
 *
 * @param options Where to listen, limits and time-outs.
 * @param handler Gets the events of every connection.
 * @returns The server; disposing of it shuts it down.
 * @throws {RangeError} If a limit is not a number, or too small to make sense.
 *
 * @example Hello
 * ```ts
 * import { listen } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = listen({ hostname: "127.0.0.1", port: 0 }, (event, conn) => {
 *   if (event.type !== "request") return;
 *   conn.send({
 *     type: "response",
 *     status: 200,
 *     fields: { "content-type": "text/plain" },
 *     body: `Hello ${event.head.target}`,
 *   });
 * });
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await fetch(`http://127.0.0.1:${port}/world`);
 * assertEquals(await response.text(), "Hello /world");
 * ```
 */
export function listen(
  options: HttpListenOptions,
  handler: Handler<HttpEvent, HttpCommand>,
): Server {
  const settings = resolveOptions("server", options);
  return listenConn(
    { ...options, machine: () => new HttpMachine("server", settings) },
    handler,
  );
}
