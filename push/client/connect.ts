/**
 * Connects to a hub.
 *
 * @module
 */

import type { PushClientOptions } from "./_client_options.ts";
import { PushClient } from "./client.ts";

export type { PushClientOptions, TokenSource } from "./_client_options.ts";
export type { PushClient, PushClientState } from "./client.ts";
export type { Subscription } from "./subscription.ts";
export type * from "./updates.ts";

/**
 * Connects to a hub, and again whenever the connection is lost: as
 * `ws.reconnect`, and not before the hub wants it. Subscriptions go on where they
 * were, and what was published and not answered is published again, once.
 *
 * It is over when the hub refuses the client for good (401, 403), closes with one
 * of `stopCodes`, or the program closes it; then all iterations end, with an error
 * if it was not the program.
 *
 * @param url Where the hub is: a `ws:`, `wss:`, `http:` or `https:` URL.
 * @param options Token, limits, and what `ws.reconnect` takes.
 * @returns At once, with the first attempt about to begin.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example The values of some topics
 * ```ts
 * import { serve } from "@meerkat/net/http";
 * import { connect, openHub } from "@meerkat/net/push";
 * import { assertEquals } from "@std/assert";
 *
 * await using hub = await openHub();
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   hub.handler(),
 * );
 * const { port } = server.addr as Deno.NetAddr;
 * await hub.publish("plant/1/temperature", 20.5);
 *
 * await using client = connect(`ws://127.0.0.1:${port}/push`);
 * for await (const update of client.subscribe<number>("plant/+/temperature")) {
 *   if (update.type !== "value") continue;
 *   assertEquals(update.topic, "plant/1/temperature");
 *   assertEquals(update.value, 20.5);
 *   break;
 * }
 * ```
 */
export function connect(
  url: string | URL,
  options: PushClientOptions = {},
): PushClient {
  return new PushClient(url, options);
}
