/**
 * The hub, as programs see it.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import type { ServeHandler, ServeInfo } from "../http/server/serve.ts";
import type { Subscription } from "./client/subscription.ts";
import type { SubscribeOptions } from "./client/updates.ts";
import { HubCore } from "./core.ts";
import { formatCursor } from "./model/cursor.ts";
import type { HubOptions } from "./options.ts";
import { attachProducer } from "./producer/attach_producer.ts";
import type { Published, PublishOptions } from "./published.ts";
import { LocalSubscriptions } from "./transport/local.ts";
import { type HandlerOptions, Routes } from "./transport/routes.ts";
import { type Member, SERVICE_RESTART } from "./wire/protocol.ts";

export type { HandlerOptions };

/** The newest version of a topic. */
export interface Newest {
  /** Its cursor. */
  readonly cursor: string;
  /** Its value. */
  readonly value: unknown;
  /** When it was published, in milliseconds since the epoch. */
  readonly at: number;
}

/** How much a hub has to do. */
export interface HubStats {
  /** Clients that are connected. */
  readonly clients: number;
  /** Their subscriptions. */
  readonly subscriptions: number;
  /** Topics that have a value. */
  readonly topics: number;
}

/** Options of `shutdown` of {@linkcode Hub}. */
export interface HubShutdownOptions {
  /**
   * Each client is told to come back after a time of its own, by lot, of up to so
   * many milliseconds.
   *
   * @default {10000}
   */
  spread?: number;
}

/**
 * Opens a hub.
 *
 * @param options The engine, topics, limits, and who may do what.
 * @returns The hub, which knows all that its engine keeps.
 * @throws {ConnError} With code `"engine_unavailable"` if the engine cannot be
 * opened; `"topic_invalid"` if the default topic is none.
 * @throws {RangeError} If a limit or a pattern makes no sense.
 *
 * @example A value, and who asks for it
 * ```ts
 * import { serve } from "@meerkat/net/http";
 * import { openHub } from "@meerkat/net/push";
 * import { assertEquals } from "@std/assert";
 *
 * await using hub = await openHub();
 * await using server = serve({ hostname: "127.0.0.1", port: 0 }, hub.handler());
 * await hub.publish("plant/temperature", 21.5);
 *
 * const { port } = server.addr as Deno.NetAddr;
 * const url = `http://127.0.0.1:${port}/push?topic=plant/temperature`;
 * const response = await fetch(url);
 * assertEquals(await response.json(), 21.5);
 * ```
 */
export async function openHub(options: HubOptions = {}): Promise<Hub> {
  return new Hub(await HubCore.open(options));
}

/**
 * Topics, and the clients that are told of their values: over WebSocket, as event
 * streams, and by polling. Made by {@linkcode openHub}.
 */
export class Hub implements AsyncDisposable {
  readonly #core: HubCore;
  readonly #local: LocalSubscriptions;

  /** Use {@linkcode openHub}. */
  constructor(core: HubCore) {
    this.#core = core;
    this.#local = new LocalSubscriptions(core);
  }

  /** Names the sequence that cursors belong to. */
  get epoch(): string {
    return this.#core.store.epoch;
  }

  /** How much there is to do. */
  get stats(): HubStats {
    const { clients, store } = this.#core;
    const { subscriptions, size } = store;
    return { clients: clients.size, subscriptions, topics: size };
  }

  /**
   * Publishes a value: it becomes the topic's newest version.
   *
   * @param topic The topic: levels separated by `/`, at most 256 bytes.
   * @param value Anything that JSON can say.
   * @param options A key, so that it is published once.
   * @returns When the engine has kept it.
   * @throws {ConnError} With code `"topic_invalid"`, `"value_invalid"`,
   * `"key_invalid"`, `"message_too_large"`, `"too_many_topics"`,
   * `"engine_unavailable"` or `"closed"`.
   *
   * @example Once, though asked twice
   * ```ts
   * import { openHub } from "@meerkat/net/push";
   * import { assertEquals } from "@std/assert";
   *
   * await using hub = await openHub();
   * const first = await hub.publish("order", { id: 7 }, { key: "order-7" });
   * const again = await hub.publish("order", { id: 7 }, { key: "order-7" });
   * assertEquals(again, { cursor: first.cursor, duplicate: true });
   * ```
   */
  publish(
    topic: string,
    value: unknown,
    options: PublishOptions = {},
  ): Promise<Published> {
    let data: string | undefined;
    let cause: unknown;
    try {
      data = JSON.stringify(value);
    } catch (error) {
      cause = error;
    }
    if (data === undefined) return Promise.reject(noJson(topic, cause));
    return this.#core.publish(topic, data, options.key);
  }

  /**
   * Follows topics, as a client does: also what other hubs publish that share the
   * engine. No hook is asked, and it is no client of `stats` and no member of
   * `presence`; it counts as a subscription.
   *
   * A program that is slow is a slow client: mode `latest` gives it the newest
   * values, mode `every` all, up to `queueCount` and `queueBytes`; beyond it,
   * `whenBehind` is done. There may be several subscriptions by the same filter;
   * each has values of its own, which the program may change.
   *
   * @typeParam T What the values are; they are not checked.
   * @param filter A topic, or a pattern with `+` for one level and `#` for the rest.
   * @param options Mode, and where to begin.
   * @returns Iterate over it. When the hub shuts down, iterations end behind what
   * was published before; with `whenBehind` `"close"` they end with a
   * {@linkcode ConnError} of code `"too_far_behind"`, and the subscription's cursor
   * is where to go on.
   * @throws {ConnError} With code `"filter_invalid"`, `"cursor_invalid"`,
   * `"too_many_matches"` or `"closed"`.
   *
   * @example Each value of some topics
   * ```ts
   * import { openHub } from "@meerkat/net/push";
   * import { assertEquals } from "@std/assert";
   *
   * await using hub = await openHub();
   * const setPoints = hub.subscribe<number>("+/set-point", { mode: "every" });
   * await hub.publish("boiler/set-point", 65);
   * await hub.publish("boiler/set-point", 70);
   *
   * const seen: number[] = [];
   * for await (const value of setPoints.values()) {
   *   seen.push(value);
   *   if (value === 70) break;
   * }
   * assertEquals(seen, [65, 70]);
   * ```
   */
  subscribe<T = unknown>(
    filter: string,
    options: Pick<SubscribeOptions, "mode" | "since"> = {},
  ): Subscription<T> {
    return this.#local.subscribe(filter, options);
  }

  /** The newest version of a topic; `undefined` if it has none. */
  newest(topic: string): Newest | undefined {
    const newest = this.#core.store.get(topic)?.newest;
    if (newest === undefined) return undefined;
    const { offset, data, at } = newest;
    const cursor = formatCursor(this.epoch, offset);
    return { cursor, value: JSON.parse(data), at };
  }

  /** The names of all topics that have a value. */
  topics(): IterableIterator<string> {
    return this.#core.store.names();
  }

  /**
   * Drops a topic with all its versions. Its subscribers are not told; they get
   * what is published to it later.
   *
   * @throws {ConnError} With code `"engine_unavailable"`.
   */
  remove(topic: string): Promise<void> {
    return this.#core.remove(topic);
  }

  /** How many subscriptions of this hub's clients match a topic. */
  subscribers(topic: string): number {
    return this.#core.store.subscribers(topic);
  }

  /**
   * Who subscribes to a topic by its name, at all hubs that share the engine; for
   * topics with `presence`.
   */
  presence(topic: string): Member[] {
    return this.#core.presence.members(topic);
  }

  /**
   * Makes the handler of requests, for `serve` of `@meerkat/net/http`: clients at
   * `/push`, the module for browsers at `/push.js`, and POSTs at `/publish`.
   *
   * @param options Paths, the token of POSTs, origins, and who answers the rest.
   * @throws {RangeError} If a path or an origin is invalid.
   */
  handler(options: HandlerOptions = {}): ServeHandler {
    return new Routes(this.#core, options).handle;
  }

  /**
   * Answers a client's request, at whatever path it came: for programs that do
   * their own routing.
   *
   * @param request The request.
   * @param info What came with it.
   * @param options Origins and compression.
   * @returns What the handler of the request must return.
   */
  connect(
    request: Request,
    info: ServeInfo,
    options: Pick<HandlerOptions, "origins" | "deflate"> = {},
  ): Promise<Response> {
    return new Routes(this.#core, options).connect(request, info);
  }

  /**
   * Publishes what a Worker publishes by {@linkcode producer}.
   *
   * @param port The Worker, or a port whose other end it has.
   * @returns Disposing of it ends that.
   */
  produce(port: Worker | MessagePort): Disposable {
    return attachProducer(
      port,
      (topic, value, options) => this.publish(topic, value, options),
    );
  }

  /**
   * Closes all clients, each with a time of its own to come back, and the engine.
   *
   * @param options How far apart they come back.
   * @throws {RangeError} If the spread is no time.
   */
  async shutdown(options: HubShutdownOptions = {}): Promise<void> {
    const { spread = 10_000 } = options;
    if (!(spread >= 0 && spread < Infinity)) {
      throw new RangeError(
        `Cannot spread clients over ${spread} ms: expected a number from 0`,
      );
    }
    this.#core.store.flush();
    for (const { outlet } of [...this.#core.clients]) {
      const retry = Math.round(Math.random() * spread);
      try {
        outlet.close(SERVICE_RESTART, "The hub restarts", retry);
      } catch (error) {
        this.#core.report(error);
      }
    }
    this.#local.finish();
    await this.#core.close();
  }

  /** As {@linkcode Hub.shutdown}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

function noJson(topic: string, cause: unknown): ConnError {
  return new ConnError(
    `Cannot publish to "${topic}": the value is nothing that JSON can say`,
    { code: "value_invalid", side: "local", reply: 400, cause },
  );
}
