import type { Clock } from "../../conn/clock.ts";
import type { ConnError } from "../../conn/error.ts";
import type {
  Engine,
  EngineListener,
  EnginePublish,
  EnginePublished,
  EngineState,
} from "./engine.ts";
import { newEpoch } from "./_epoch.ts";
import { Follower } from "./_redis_follower.ts";
import { parseMessage } from "./_redis_lines.ts";
import { isReply, type LinkListener, RedisLink } from "./_redis_link.ts";
import { type Batch, Publisher } from "./_redis_publisher.ts";
import {
  type BatchResult,
  type Head,
  type Item,
  RedisStore,
} from "./_redis_store.ts";
import { RedisTrims } from "./_redis_trims.ts";
import { unavailable } from "./_unavailable.ts";

/** How often the store is asked whether something was missed, in milliseconds. */
const CHECK_INTERVAL = 1_000;
/** How long it takes to connect again, in milliseconds, at first and at most. */
const RETRY_FIRST = 50;
const RETRY_MOST = 1_000;
/** Answers of a Redis that may become, or be replaced by, one that can write. */
const NOT_NOW = ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH"];

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
 * Holds the parts together: a link to Redis, made again whenever it is lost; the
 * follower, which tells the hub of the log; the publisher.
 */
export class RedisEngine implements Engine {
  readonly name = "redis";
  readonly #url: URL;
  readonly #settings: RedisEngineSettings;
  readonly #hub = newEpoch();
  readonly #store: RedisStore;
  readonly #follower: Follower;
  readonly #publisher: Publisher;
  readonly #trims: RedisTrims;
  readonly #abort = new AbortController();
  #listener: EngineListener | undefined;
  #state: "new" | "opening" | "open" | "closed" = "new";
  #closing: Promise<void> | undefined;
  #link: RedisLink | undefined;
  /** The link over which all was caught up: Redis is within reach. */
  #reached: RedisLink | undefined;
  /** What the listener was told. */
  #reachable = true;
  #recovering = false;
  /** While it recovers, something more was missed. */
  #again = false;
  #attempts = 0;
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
    this.#follower = new Follower({
      listener: {
        versions: (versions) => {
          this.#trims.grow(versions, this.#follower.position.seq);
          this.#listener?.versions(versions);
        },
        removed: (topic) => this.#listener?.removed(topic),
        reload: (state) => this.#listener?.reload(state),
      },
      behind: () => this.#recover(),
      moved: () => this.#publisher.told(),
    });
    this.#publisher = new Publisher({
      clock,
      timeout,
      send: (batch) => this.#send(batch),
      told: () => this.#follower.position.seq,
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
    this.#link?.end();
    this.#link = this.#reached = undefined;
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
    this.#link = await this.#connect();
    const { position } = this.#follower;
    const head = await this.#store.meet(this.#link, position, newEpoch());
    const state = await this.#read((link) => this.#store.state(link, head));
    this.#follower.restart(head);
    this.#trims.restart(head.offset);
    this.#abort.signal.throwIfAborted();
    if (this.#link === undefined) throw new Error("The connection was lost");
    return state;
  }

  /** The hub may be told from here on. */
  #start(listener: EngineListener): void {
    if (this.#state === "closed") return;
    this.#listener = listener;
    if (this.#link !== undefined) this.#reach(this.#link);
  }

  /** All was caught up: goes on with what comes over the channel. */
  #reach(link: RedisLink): void {
    this.#reached = link;
    this.#attempts = 0;
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
    if (link === this.#link) this.#checkLater(link);
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
      if (link !== this.#link) return undefined;
      throw error;
    }
  }

  #connect(): Promise<RedisLink> {
    const listener: LinkListener = {
      channel: this.#store.channel,
      message: (text) => this.#receive(text),
      lost: (error) => this.#lose(error),
    };
    return RedisLink.open(this.#linkOptions(), this.#abort.signal, listener);
  }

  #linkOptions() {
    const { timeout, clock } = this.#settings;
    return { url: this.#url.href, timeout, clock };
  }

  /**
   * Reads over a connection of its own: Redis cuts one that is subscribed when
   * too much waits to be sent over it.
   */
  async #read<T>(read: (link: RedisLink) => Promise<T>): Promise<T> {
    const { signal } = this.#abort;
    const link = await RedisLink.open(this.#linkOptions(), signal);
    const end = () => link.end();
    signal.addEventListener("abort", end);
    try {
      return await read(link);
    } finally {
      signal.removeEventListener("abort", end);
      link.end();
    }
  }

  #receive(text: string): void {
    const message = parseMessage(text);
    if (message?.type === "entries") this.#follower.receive(message);
    else if (message?.type === "signal") {
      if (message.hub === this.#hub || this.#reached === undefined) return;
      this.#listener?.signal(message.text);
    } else if (message?.type === "epoch") {
      if (message.epoch === this.#follower.position.epoch) return;
      if (this.#reached !== undefined) this.#recover();
    }
  }

  /** The link was lost: it is made again until the engine is closed. */
  #lose(error: Error): void {
    this.#link = undefined;
    this.#publisher.pause();
    this.#follower.pause();
    this.#settings.clock.clearTimeout(this.#timer);
    if (this.#state === "closed") {
      this.#publisher.fail(
        unavailable("Cannot publish: Redis is out of reach"),
      );
    } else if (this.#state === "open") {
      if (this.#reachable && this.#listener !== undefined) {
        this.#reachable = false;
        this.#listener.reachable(false, error);
      }
      this.#retry();
    }
    this.#reached = undefined;
  }

  #retry(): void {
    const most = Math.min(RETRY_FIRST * 2 ** this.#attempts++, RETRY_MOST);
    // Hubs that were cut off together do not come back together.
    const delay = most * (0.5 + Math.random() / 2);
    this.#timer = this.#settings.clock.setTimeout(
      () => this.#reconnect(),
      delay,
    );
  }

  async #reconnect(): Promise<void> {
    try {
      this.#link = await this.#connect();
    } catch {
      // Said when it was lost; the next attempt may be luckier.
      if (this.#state === "open") this.#retry();
      return;
    }
    await this.#recover();
  }

  /** Tells the hub all that it has missed, and goes on from there. */
  async #recover(): Promise<void> {
    this.#again = true;
    const link = this.#link;
    if (this.#recovering || link === undefined) return;
    this.#recovering = true;
    this.#follower.pause();
    this.#publisher.pause();
    try {
      while (this.#again || this.#follower.isBehind) {
        this.#again = false;
        await this.#catchUp(link);
      }
    } catch (error) {
      link.fail(asError(error));
    }
    this.#recovering = false;
    if (link === this.#link) this.#reach(link);
    // The next link was there before this one was given up.
    else if (this.#link !== undefined) await this.#recover();
  }

  async #catchUp(link: RedisLink): Promise<void> {
    const follower = this.#follower;
    const known = follower.position;
    const head = await this.#store.meet(link, known, newEpoch());
    if (head.epoch !== known.epoch) {
      const lost = unavailable("Cannot publish: Redis has lost what it had");
      this.#publisher.lose(lost);
      return await this.#reload(head);
    }
    follower.note(head.seq);
    if (!follower.isBehind) return;
    await this.#read(async (reader) => {
      while (follower.isBehind) {
        const entries = await this.#store.read(reader, follower.position);
        if (entries === undefined) return await this.#reload(head);
        follower.read(entries);
      }
    });
  }

  /** Tells the hub everything anew. */
  async #reload(head: Head): Promise<void> {
    const state = await this.#read((link) => this.#store.state(link, head));
    this.#trims.restart(head.offset);
    this.#follower.reload(head, state);
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
