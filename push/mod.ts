/**
 * Pushes the newest data to any number of clients: a hub of topics with versions,
 * over WebSocket, event streams and polling, and its clients.
 *
 * {@linkcode openHub} makes a hub, whose `handler` goes into `serve` of
 * `@meerkat/net/http`. {@linkcode connect} is the client; browsers get theirs from
 * the hub, at `/push.js`. {@linkcode producer} publishes from a Worker.
 * {@linkcode memoryEngine}, {@linkcode sqliteEngine} and {@linkcode redisEngine}
 * keep the values.
 *
 * @example A reading that reaches who listens
 * ```ts
 * import { serve } from "@meerkat/net/http";
 * import { connect, openHub } from "@meerkat/net/push";
 * import { assertEquals } from "@std/assert";
 *
 * await using hub = await openHub();
 * await using server = serve({ hostname: "127.0.0.1", port: 0 }, hub.handler());
 * const { port } = server.addr as Deno.NetAddr;
 *
 * await using client = connect(`ws://127.0.0.1:${port}/push`);
 * const readings = client.subscribe<number>("plant/+/temperature");
 * await hub.publish("plant/boiler/temperature", 71.5);
 * for await (const value of readings.values()) {
 *   assertEquals(value, 71.5);
 *   break;
 * }
 * ```
 *
 * @module
 */

export * from "./auth/jwt.ts";
export * from "./client/connect.ts";
export type * from "./client/updates.ts";
export type * from "./engine/engine.ts";
export * from "./engine/memory.ts";
export * from "./engine/redis.ts";
export * from "./engine/sqlite.ts";
export * from "./hub.ts";
export type * from "./options.ts";
export * from "./producer/producer.ts";
export type * from "./published.ts";
export * from "./wire/protocol.ts";
