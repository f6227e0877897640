import type { EngineState } from "./engine.ts";
import { randomName } from "../random_name.ts";
import type { Follower } from "./_redis_follower.ts";
import { type LinkOptions, RedisLink } from "./_redis_link.ts";
import type { Head, RedisStore } from "./_redis_store.ts";

/** What a recovery works on. */
export interface RecoveryOptions {
  readonly store: RedisStore;
  readonly follower: Follower;
  readonly link: LinkOptions;
  /** Gives up when it aborts. */
  readonly signal: AbortSignal;
  /** The store that the hub knew is gone; there is another. */
  lost(): void;
}

/** Brings a hub to where its store is. */
export class Recovery {
  readonly #options: RecoveryOptions;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Reads all that there is, for a hub that begins. */
  async begin(link: RedisLink): Promise<EngineState> {
    const { store, follower } = this.#options;
    const head = await store.meet(link, follower.position, randomName());
    const state = await this.#read((reader) => store.state(reader, head));
    follower.restart(head);
    return state;
  }

  /** Tells the hub what is in the log, or all anew if that is not enough. */
  async catchUp(link: RedisLink): Promise<void> {
    const { store, follower, lost } = this.#options;
    const known = follower.position;
    const head = await store.meet(link, known, randomName());
    if (head.epoch !== known.epoch) {
      lost();
      return await this.#read((reader) => this.#reload(reader, head));
    }
    follower.note(head.seq);
    if (!follower.isBehind) return;
    await this.#read(async (reader) => {
      while (follower.isBehind) {
        const entries = await store.read(reader, follower.position);
        if (entries === undefined) return await this.#reload(reader, head);
        follower.read(entries);
      }
    });
  }

  async #reload(reader: RedisLink, head: Head): Promise<void> {
    const { store, follower } = this.#options;
    follower.reload(head, await store.state(reader, head));
  }

  /**
   * Reads over a connection of its own: Redis cuts one that is subscribed when
   * too much waits to be sent over it.
   */
  async #read<T>(read: (reader: RedisLink) => Promise<T>): Promise<T> {
    const { link, signal } = this.#options;
    const reader = await RedisLink.open(link, signal);
    const end = () => reader.end();
    signal.addEventListener("abort", end);
    try {
      signal.throwIfAborted();
      return await read(reader);
    } finally {
      signal.removeEventListener("abort", end);
      reader.end();
    }
  }
}
