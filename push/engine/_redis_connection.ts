import type { Buffer } from "node:buffer";
import { type LinkOptions, RedisLink } from "./_redis_link.ts";

/** How long it takes to connect again, in milliseconds, at first and at most. */
const RETRY_FIRST = 50;
const RETRY_MOST = 1_000;

/** What a connection needs, and whom it tells. */
export interface ConnectionOptions {
  readonly link: LinkOptions;
  /** The channel to listen to. */
  readonly channel: string;
  /** Ends it when it aborts. */
  readonly signal: AbortSignal;
  /** A message came. */
  message(bytes: Buffer): void;
  /** The link is gone; another one is tried for. */
  lost(error: Error): void;
  /** There is another link. */
  made(link: RedisLink): void;
}

/** Keeps a link to Redis: makes another one whenever it is lost. */
export class Connection {
  readonly #options: ConnectionOptions;
  #link: RedisLink | undefined;
  #attempts = 0;
  #timer: unknown;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => {
      options.link.clock.clearTimeout(this.#timer);
      this.#link?.end();
      this.#link = undefined;
    });
  }

  /** The link, while there is one. */
  get link(): RedisLink | undefined {
    return this.#link;
  }

  /** Makes the first link. */
  async open(): Promise<RedisLink> {
    return this.#link = await this.#connect();
  }

  /** The link does what it is for: the next one is tried for soon. */
  proven(): void {
    this.#attempts = 0;
  }

  async #connect(): Promise<RedisLink> {
    const { link: options, signal, channel, message } = this.#options;
    const lost = (error: Error) => this.#lose(error);
    const listener = { channel, message, lost };
    const link = await RedisLink.open(options, signal, listener);
    if (signal.aborted) link.end();
    signal.throwIfAborted();
    return link;
  }

  #lose(error: Error): void {
    this.#link = undefined;
    if (this.#options.signal.aborted) return;
    this.#retry();
    this.#options.lost(error);
  }

  #retry(): void {
    const most = Math.min(RETRY_FIRST * 2 ** this.#attempts++, RETRY_MOST);
    // Hubs that were cut off together do not come back together.
    const delay = most * (0.5 + Math.random() / 2);
    const { clock } = this.#options.link;
    this.#timer = clock.setTimeout(() => this.#reconnect(), delay);
  }

  async #reconnect(): Promise<void> {
    let link;
    try {
      link = await this.#connect();
    } catch {
      // It was said why when the link was lost; the next attempt may do better.
      if (!this.#options.signal.aborted) this.#retry();
      return;
    }
    // If it was lost again already, the next attempt is under way.
    if (link.ended) return;
    this.#link = link;
    this.#options.made(link);
  }
}
