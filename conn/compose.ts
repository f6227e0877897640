/**
 * Middleware, put together by function.
 *
 * @module
 */

import type { Handler, Middleware } from "./conn.ts";

/**
 * Puts middleware around a handler; the first is the outermost.
 *
 * @param middleware From the outside in.
 * @param handler The innermost handler.
 * @returns One handler.
 *
 * @example Counting the bytes of any raw connection
 * ```ts
 * import {
 *   attach,
 *   compose,
 *   memoryPair,
 *   type Middleware,
 *   RawMachine,
 *   type TcpCommand,
 *   type TcpEvent,
 * } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * let total = 0;
 * const count: Middleware<TcpEvent, TcpCommand> = (next) => (event, conn) => {
 *   if (event.type === "bytes") total += event.bytes.length;
 *   return next(event, conn);
 * };
 * const [here, there] = memoryPair();
 * const server = attach(there, new RawMachine(), compose([count], () => {}));
 * const client = attach(here, new RawMachine(), () => {});
 * client.send("four");
 * client.close();
 * await server.closed;
 * assertEquals(total, 4);
 * ```
 */
export function compose<E, C>(
  middleware: readonly Middleware<E, C>[],
  handler: Handler<E, C>,
): Handler<E, C> {
  return middleware.reduceRight((next, around) => around(next), handler);
}
