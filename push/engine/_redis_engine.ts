import type { Buffer } from "node:buffer";
import type { Clock } from "../../conn/clock.ts";
import type { ConnError } from "../../conn/error.ts";
import type {
  Engine,
  EngineListener,
  EnginePublish,
  EnginePublished,
  EngineState,
} from "./engine.ts";
import { Connection } from "./_redis_connection.ts";
import { randomName } from "../random_name.ts";
import { Follower } from "./_redis_follower.ts";
import { parseMessage } from "./_redis_lines.ts";
import { isReply, type RedisLink } from "./_redis_link.ts";
import { type Batch, Publisher } from "./_redis_publisher.ts";
import { type BatchResult, type Item, RedisStore } from "./_redis_store.ts";
import { Recovery } from "./_redis_recovery.ts";
import { RedisTrims } from "./_redis_trims.ts";
import { unavailable } from "./unavailable.ts";

/** How often the store is asked whether something was missed, in milliseconds. */
const CHECK_INTERVAL = 1_000;
/** Answers of a Redis that may become, or be replaced by, one that can write. */
const NOT_NOW = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH"];

const LOST = "Cannot publish: Redis has lost what it had";

/** How the engine works. */
export interface RedisEngineSettings {
  readonly prefix: string;
  readonly timeout: number;
  readonly logLength: number;
  readonly logBytes: number;
  readonly keyTtl: number;
  readonly clock: Clock;
}

/**
 * Holds the parts together. The connection is made again whenever it is lost, and
 * the recovery brings the hub to where the store is. Then the follower tells it
 * what comes, and the publisher sends what the hub has to say.
 */
export class RedisEngine implements Engine {
  readonly name = "redis";
  readonly #url: URL;
  readonly #settings: RedisEngineSettings;
  readonly #hub = randomName();
  readonly #store: RedisStore;
  readonly #follower: Follower;
  readonly #publisher: Publisher;
  readonly #connection: Connection;
  readonly #recovery: Recovery;
  readonly #trims: RedisTrims;
  readonly #abort = new AbortController();
  #listener: EngineListener | undefined;
  #state: "new" | "opening" | "open" | "closed" = "new";
  #closing: Promise<void> | undefined;
  /** The link over which all was caught up: Redis is within reach. */
  #reached: RedisLink | undefined;
  /** What the listener was told. */
  #reachable = true;
  #recovering = false;
  /** While it recovers, something more was missed. */
  #again = false;
  #timer: unknown;

  constructor(url: URL, settings: RedisEngineSettings) {
    const { prefix, keyTtl, logLength, clock, timeout, logBytes } = settings;
    const database = Number(url.pathname.slice(1));
    this.#url = url;
    this.#settings = settings;
    this.#store = new RedisStore({
      ...{ prefix, keyTtl, logLength, database },
      hub: this.#hub,
    });
    this.#trims = new RedisTrims(logBytes);
    this.#follower = this.#makeFollower();
    const link = { url: url.href, timeout, clock };
    const { signal } = this.#abort;
    this.#connection = new Connection({
      ...{ link, signal, channel: this.#store.channel },
      message: (bytes) => this.#receive(bytes),
      lost: (error) => this.#lose(error),
      made: () => this.#recover(),
    });
    this.#recovery = new Recovery({
      ...{ link, signal, store: this.#store, follower: this.#follower },
      lost: () => this.#publisher.lose(unavailable(LOST)),
    });
    this.#publisher = new Publisher({
      clock,
      timeout,
      send: (batch) => this.#send(batch),
      told: () => this.#follower.position.seq,
    });
  }

  /** What the hub is told, the trims are told first: it may trim at once. */
  #makeFollower(): Follower {
    return new Follower({
      listener: {
        versions: (versions) => {
          this.#trims.grow(versions, this.#follower.position.seq);
          this.#listener?.versions(versions);
        },
        removed: (topic) => {
          this.#trims.remove(topic);
          this.#listener?.removed(topic);
        },
        reload: (state) => {
          this.#trims.restart(state.versions);
          this.#listener?.reload(state);
        },
      },
      behind: () => this.#recover(),
      moved: () => this.#publisher.told(),
    });
  }

  async open(listener: EngineListener): Promise<EngineState> {
    if (this.#state !== "new") {
      throw unavailable("Cannot open the engine: a hub has opened it before");
    }
    this.#state = "opening";
    try {
      const state = await this.#begin();
      this.#state = "open";
      // Nothing may be told before the caller has the state.
      queueMicrotask(() => queueMicrotask(() => this.#start(listener)));
      return state;
    } catch (error) {
      await this.close();
      throw this.#cannotOpen(error);
    }
  }

  async publish(publish: EnginePublish): Promise<EnginePublished> {
    return await this.#add(publish);
  }

  trim(topic: string, offset: number): void {
    if (this.#state === "open") this.#trims.add(topic, offset);
  }

  async remove(topic: string): Promise<void> {
    await this.#add({ topic });
  }

  signal(message: string): void {
    const link = this.#reached;
    if (link === undefined || this.#state !== "open") return;
    this.#store.signal(link, message).catch(() => {
      // Signals may be lost.
    });
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#state = "closed";
    const closed = unavailable("Cannot publish: the engine was closed");
    if (this.#reached === undefined) this.#publisher.fail(closed);
    await this.#publisher.idle();
    await this.#trim().catch(() => {
      // The next hub does it.
    });
    this.#listener = undefined;
    this.#settings.clock.clearTimeout(this.#timer);
    this.#abort.abort(closed);
    this.#reached = undefined;
  }

  async #add(item: Item): Promise<EnginePublished> {
    if (this.#state !== "open") {
      throw unavailable("Cannot publish: the engine is not open");
    }
    const outcome = await this.#publisher.add(item);
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  /** Connects for the first time. What comes from the channel is held. */
  async #begin(): Promise<EngineState> {
    const link = await this.#connection.open();
    const state = await this.#recovery.begin(link);
    this.#trims.restart(state.versions);
    this.#abort.signal.throwIfAborted();
    if (link.ended) throw new Error("The connection was lost");
    return state;
  }

  /** The hub may be told from here on. */
  #start(listener: EngineListener): void {
    if (this.#state === "closed") return;
    this.#listener = listener;
    const { link } = this.#connection;
    if (link !== undefined) this.#reach(link);
  }

  /** All was caught up: goes on with what comes over the channel. */
  #reach(link: RedisLink): void {
    this.#reached = link;
    this.#connection.proven();
    this.#follower.resume();
    if (!this.#reachable) {
      this.#reachable = true;
      this.#listener?.reachable(true);
    }
    this.#publisher.resume();
    this.#checkLater(link);
  }

  #checkLater(link: RedisLink): void {
    const { clock } = this.#settings;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => this.#check(link), CHECK_INTERVAL);
  }

  /** Finds out whether something was missed, and whether Redis is there at all. */
  async #check(link: RedisLink): Promise<void> {
    const before = this.#follower.position;
    try {
      const head = await this.#store.look(link);
      const { epoch, seq } = this.#follower.position;
      const isOther = head.epoch !== epoch && epoch === before.epoch;
      if (isOther || head.seq > seq || head.seq < before.seq) this.#recover();
      await this.#trim();
    } catch (error) {
      link.fail(asError(error));
    }
    if (link === this.#connection.link) this.#checkLater(link);
  }

  /** Drops what is not needed any more. */
  async #trim(): Promise<void> {
    const link = this.#reached;
    if (link === undefined) return;
    const trims = this.#trims.take();
    if (trims === undefined) return;
    await this.#store.trim(link, this.#follower.position.epoch, trims);
  }

  /** Publishes a batch, unless it has to wait until Redis can be reached. */
  async #send(batch: Batch): Promise<BatchResult | undefined> {
    const link = this.#reached;
    if (link === undefined) return undefined;
    try {
      const { position } = this.#follower;
      const result = await this.#store.publish(link, position, batch);
      if (result === undefined) this.#recover();
      return result;
    } catch (error) {
      if (NOT_NOW.some((code) => isReply(error, code))) {
        link.fail(asError(error));
      }
      if (link !== this.#connection.link) return undefined;
      throw error;
    }
  }

  #receive(bytes: Buffer): void {
    const message = parseMessage(bytes);
    if (message?.type === "entries") this.#follower.receive(message);
    else if (message?.type === "signal") {
      if (message.hub === this.#hub || this.#reached === undefined) return;
      this.#listener?.signal(message.text);
    } else if (message?.type === "epoch") {
      if (message.epoch === this.#follower.position.epoch) return;
      if (this.#reached !== undefined) this.#recover();
    }
  }

  /** Redis is out of reach; what is published waits until it is back. */
  #lose(error: Error): void {
    this.#reached = undefined;
    this.#publisher.pause();
    this.#follower.pause();
    this.#settings.clock.clearTimeout(this.#timer);
    if (this.#state === "closed") {
      const message = "Cannot publish: Redis is out of reach";
      this.#publisher.fail(unavailable(message, error));
    } else if (this.#reachable && this.#listener !== undefined) {
      this.#reachable = false;
      this.#listener.reachable(false, error);
    }
  }

  /** Tells the hub all that it has missed, and goes on from there. */
  async #recover(): Promise<void> {
    this.#again = true;
    const { link } = this.#connection;
    if (this.#recovering || link === undefined) return;
    this.#recovering = true;
    this.#follower.pause();
    this.#publisher.pause();
    try {
      while (this.#again || this.#follower.isBehind) {
        this.#again = false;
        await this.#recovery.catchUp(link);
      }
    } catch (error) {
      link.fail(asError(error));
    }
    this.#recovering = false;
    if (link === this.#connection.link) this.#reach(link);
    // The next link may have been there before this one was given up.
    else await this.#recover();
  }

  #cannotOpen(cause: unknown): ConnError {
    const { host } = this.#url;
    const { prefix } = this.#settings;
    const reason = isReply(cause, "WRONGTYPE")
      ? `something else has keys that begin with "${prefix}"`
      : asError(cause).message;
    return unavailable(
      `Cannot open the engine with Redis at "${host}": ${reason}`,
      cause,
    );
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
