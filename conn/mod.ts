/**
 * The connection: one event interface for every protocol, over TCP, TLS, Unix
 * sockets or memory.
 *
 * A connection is three parts. A {@linkcode Transport} moves bytes, a
 * {@linkcode Machine} turns bytes into events and commands into bytes, and a
 * {@linkcode Handler} is the program's function. {@linkcode listen} and
 * {@linkcode dial} put them together, {@linkcode Conn.become} exchanges the
 * protocol of a living connection.
 *
 * @example A greeting over TCP
 * ```ts
 * import { dial, listen } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = listen({ hostname: "127.0.0.1", port: 0 }, (event, conn) => {
 *   if (event.type !== "open") return;
 *   conn.send("hello\n");
 *   conn.close();
 * });
 * const { hostname, port } = server.addr as Deno.NetAddr;
 * let text = "";
 * await using conn = await dial({ hostname, port });
 * for await (const event of conn) {
 *   if (event.type === "bytes") text += new TextDecoder().decode(event.bytes);
 * }
 * assertEquals(text, "hello\n");
 * ```
 *
 * @module
 */

export * from "./clock.ts";
export * from "./compose.ts";
export * from "./conn.ts";
export * from "./dial.ts";
export * from "./error.ts";
export * from "./inspect.ts";
export * from "./listen.ts";
export { attach, type AttachOptions } from "./loop.ts";
export * from "./machine.ts";
export * from "./pair.ts";
export * from "./raw.ts";
export * from "./splice.ts";
export * from "./transport.ts";
export * from "./workers.ts";
