/**
 * What a hub is inside: its engine, its topics and its clients.
 *
 * @module
 */

import { type Clock, systemClock } from "../conn/clock.ts";
import { ConnError } from "../conn/error.ts";
import { type TimerWheel, wheelFor } from "../conn/wheel.ts";
import type { HubClient, Named } from "./delivery/client.ts";
import { Expiries } from "./delivery/expiries.ts";
import type { Feed } from "./delivery/feed.ts";
import { anewInEpoch, type Since, startOf } from "./delivery/recovery.ts";
import {
  EverySubscription,
  LatestSubscription,
} from "./delivery/subscription.ts";
import { TopicStore } from "./delivery/topic_store.ts";
import type { Engine, EngineListener } from "./engine/engine.ts";
import { memoryEngine } from "./engine/memory.ts";
import { unavailable } from "./engine/unavailable.ts";
import { formatCursor } from "./model/cursor.ts";
import { checkKey } from "./model/key.ts";
import { type HubSettings, resolveHubLimits } from "./model/limits.ts";
import { checkTopic, isPattern } from "./model/topic_name.ts";
import { TopicRules } from "./model/topic_rules.ts";
import type { Grant, HubOptions } from "./options.ts";
import { Presence } from "./presence/presence.ts";
import { Watchers } from "./presence/watchers.ts";
import type { Published } from "./published.ts";
import { randomName } from "./random_name.ts";
import { EncodingSet } from "./transport/encoding_set.ts";
import { wallTime } from "./wall_time.ts";
import type { Member, Mode } from "./wire/protocol.ts";

/** How a client subscribes. */
export interface SubscribeOptions {
  readonly mode: Mode;
  readonly since: Since;
  readonly delta: boolean;
  readonly presence: boolean;
  /**
   * Is told before anything is sent; with a cursor if there is nothing to send
   * that would tell one.
   */
  readonly begun?: (cursor: string | undefined) => void;
}

/** The parts of a hub, put together. */
export class HubCore {
  readonly options: HubOptions;
  readonly settings: HubSettings;
  readonly rules: TopicRules;
  readonly store: TopicStore;
  readonly presence: Presence;
  readonly watchers: Watchers;
  readonly encodings: EncodingSet;
  /** How many clients may yet be let in. */
  arriving = 0;
  readonly clients: Set<HubClient> = new Set();
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  /** Letters and digits; no other hub has them. */
  readonly id: string;
  readonly #engine: Engine;
  readonly #expiries: Expiries;
  #lastClient = 0;
  #isClosed = false;

  private constructor(options: HubOptions) {
    const { clock = systemClock, engine = memoryEngine() } = options;
    this.options = options;
    this.clock = clock;
    this.settings = resolveHubLimits(options.limits);
    this.rules = new TopicRules(options.topics);
    this.now = wallTime(options.clock);
    this.wheel = wheelFor(clock);
    this.#expiries = new Expiries(this.wheel);
    this.id = randomName();
    this.#engine = engine;
    this.store = new TopicStore({
      rules: this.rules,
      limits: this.settings,
      whenBehind: options.whenBehind ?? "drop",
      maxMatches: this.settings.matches,
      trimmed: (topic, offset) => engine.trim(topic, offset),
      failed: (error) => this.report(error),
    });
    this.encodings = new EncodingSet(() => this.store.epoch);
    this.watchers = new Watchers((topic) => this.presence.members(topic));
    this.presence = new Presence({
      hub: this.id,
      signal: (message) => engine.signal(message),
      changed: (topic, joined, left) => this.watchers.tell(topic, joined, left),
      clock,
    });
  }

  /** Opens the engine, and takes what it keeps. */
  static async open(options: HubOptions): Promise<HubCore> {
    checkTopic(options.defaultTopic ?? DEFAULT_TOPIC);
    const core = new HubCore(options);
    const state = await core.#engine.open(core.#listener());
    core.store.load(state);
    core.presence.start();
    return core;
  }

  /** The topic of clients that name none. */
  get defaultTopic(): string {
    return this.options.defaultTopic ?? DEFAULT_TOPIC;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Reports what went wrong where nobody waits for it. */
  report(error: unknown): void {
    (this.options.onError ?? console.error)(error);
  }

  #listener(): EngineListener {
    return {
      versions: (versions) => this.store.add(versions),
      reload: (state) => this.store.load(state, restart),
      removed: (topic) => void this.store.remove(topic),
      signal: (message) => this.presence.receive(message),
      reachable: (reachable, error) => {
        if (!reachable) {
          this.report(error ?? unavailable("The engine is out of reach"));
        }
      },
    };
  }

  /**
   * Publishes a value.
   *
   * @param topic The topic.
   * @param data The value, as compact JSON text.
   * @param key Publishing again with the same key does nothing.
   */
  async publish(
    topic: string,
    data: string,
    key: string | undefined,
  ): Promise<Published> {
    this.#checkPublish(topic, data);
    if (key !== undefined) checkKey(key);
    const { offset, duplicate } = await this.#engine.publish(
      key === undefined ? { topic, data } : { topic, data, key },
    );
    return { cursor: formatCursor(this.store.epoch, offset), duplicate };
  }

  #checkPublish(topic: string, data: string): void {
    if (this.#isClosed) throw closed();
    const { message, topics } = this.settings;
    if (data.length > message) {
      throw new ConnError(
        `Cannot publish a value of ${data.length} characters: expected at most ${message}`,
        { code: "message_too_large", side: "remote", reply: 413 },
      );
    }
    if (this.store.get(topic) !== undefined) return;
    checkTopic(topic);
    if (this.store.size < topics) return;
    throw new ConnError(
      `Cannot publish to a new topic: there are ${topics} already`,
      { code: "too_many_topics", side: "local", reply: 507 },
    );
  }

  /** Drops a topic and all its versions. */
  remove(topic: string): Promise<void> {
    return this.#engine.remove(topic);
  }

  /** An id for a client. */
  nextClientId(): string {
    return `${this.id}-${++this.#lastClient}`;
  }

  /** Whether another client can be let in. */
  get hasRoom(): boolean {
    const { size } = this.clients;
    return !this.#isClosed && size + this.arriving < this.settings.clients;
  }

  /** Lets a client in. */
  join(client: HubClient): void {
    this.clients.add(client);
    this.watchExpiry(client);
    if (client.transport !== "poll") this.options.onJoin?.(client);
  }

  /** Ends a client's stay when its grant does. */
  watchExpiry(client: HubClient): void {
    this.#expiries.set(client, this.expiresIn(client.grant));
  }

  /** How long a grant is good, in milliseconds; `undefined` if it has no end. */
  expiresIn({ expires }: Grant): number | undefined {
    if (expires === undefined || expires === Infinity) return undefined;
    // What is no number is over.
    return Math.max(0, expires - this.now()) || 0;
  }

  /** A client has left. */
  leave(client: HubClient): void {
    if (!this.clients.delete(client)) return;
    client.hasLeft = true;
    this.#expiries.delete(client);
    const { subscriptions } = client;
    client.subscriptions = [];
    for (const named of subscriptions) this.#end(client, named);
    if (client.transport !== "poll") this.options.onLeave?.(client);
  }

  /**
   * Subscribes a client to a set of filters, under a name. What it begins with is
   * sent before this returns.
   *
   * @returns What that cost: 1, and more if there was a new feed to fill.
   * @throws {ConnError} With code `"too_many_matches"`.
   */
  subscribe(
    client: HubClient,
    name: string,
    filters: readonly string[],
    options: SubscribeOptions,
  ): number {
    const { mode, since, delta } = options;
    const feed = this.store.feed(filters);
    feed.flush();
    feed.passed(this.store.offset);
    this.store.trim(feed, this.now());
    const start = startOf(feed, mode, since, this.store.epoch);
    const encoding = client.encodings[delta ? "delta" : "whole"];
    const subscription = mode === "every"
      ? new EverySubscription(client, feed, encoding)
      : new LatestSubscription(client, feed, encoding);
    feed.addSubscription(subscription);
    options.begun?.(this.#cursorBehind(feed, since));
    const joined = this.#joinedBy(client, filters);
    const watches = joined !== undefined && options.presence;
    const named = { name, subscription, joined, watches };
    client.subscriptions = [...client.subscriptions, named];
    if (joined !== undefined) this.#enter(client, joined, watches);
    subscription.begin(start);
    return feed.size === 1 ? 1 + feed.places.size / 2000 : 1;
  }

  /** The topic that a client becomes a member of by subscribing. */
  #joinedBy(
    client: HubClient,
    filters: readonly string[],
  ): string | undefined {
    const [topic] = filters;
    if (topic === undefined || filters.length > 1) return undefined;
    const joins = !isPattern(topic) && this.rules.for(topic).presence &&
      client.transport !== "poll";
    return joins ? topic : undefined;
  }

  /** Where to go on, if nothing is newer than what the client has. */
  #cursorBehind(feed: Feed, since: Since): string | undefined {
    const { epoch, offset } = this.store;
    const isOurs = typeof since !== "string" && since.epoch === epoch;
    const known = isOurs ? since.offset : 0;
    return feed.places.firstAfter(known) === undefined
      ? formatCursor(epoch, Math.max(known, offset))
      : undefined;
  }

  /** Ends a subscription; `false` if there is none of that name. */
  unsubscribe(client: HubClient, name: string): boolean {
    const named = client.find(name);
    if (named === undefined) return false;
    client.subscriptions = client.subscriptions.filter((each) =>
      each !== named
    );
    this.#end(client, named);
    return true;
  }

  #end(client: HubClient, { subscription, joined, watches }: Named): void {
    const { feed } = subscription;
    feed.removeSubscription(subscription);
    this.store.release(feed);
    if (joined === undefined) return;
    if (watches) this.watchers.delete(joined, client);
    this.presence.leave(joined, client.id);
  }

  #enter(client: HubClient, topic: string, watches: boolean): void {
    const { user } = client.grant;
    const member: Member = { client: client.id };
    if (user !== undefined) member.user = user;
    this.presence.join(topic, member);
    if (watches) this.watchers.add(topic, client);
  }

  /** A client's outlet has room again. */
  drained(client: HubClient): void {
    client.drained();
    this.watchers.drained(client);
  }

  /** Closes the engine; nothing can be published any more. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.presence.stop();
    await this.#engine.close();
  }
}

const DEFAULT_TOPIC = "default";

function restart(feed: Feed): void {
  const start = anewInEpoch(feed);
  for (const subscription of feed.subscriptions()) subscription.begin(start);
}

function closed(): ConnError {
  return new ConnError("Cannot publish: the hub is closed", {
    code: "closed",
    side: "local",
    reply: 503,
  });
}
