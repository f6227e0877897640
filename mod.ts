/**
 * A protocol toolkit: one event-driven connection that speaks raw bytes,
 * HTTP/1.1 or WebSocket, over TCP, TLS, Unix sockets or memory, and changes its
 * protocol while it lives; and made of it, a load balancer and a push hub.
 *
 * Each module has an entry point of its own, which is the better import for a
 * program that needs one of them: `@meerkat/net/conn`, `@meerkat/net/http`,
 * `@meerkat/net/ws`, `@meerkat/net/balancer`, `@meerkat/net/push`.
 *
 * @example All modules at once
 * ```ts
 * import { http } from "@meerkat/net";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = http.serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   () => new Response("Hello"),
 * );
 * await using client = new http.Client();
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await client.request(`http://127.0.0.1:${port}/`);
 * assertEquals(await response.text(), "Hello");
 * ```
 *
 * @module
 */

export * as balancer from "./balancer/mod.ts";
export * as conn from "./conn/mod.ts";
export * as http from "./http/mod.ts";
export * as push from "./push/mod.ts";
export * as ws from "./ws/mod.ts";
