import { Buffer } from "node:buffer";
import type { createClient } from "@redis/client";
import type { Clock } from "../../conn/clock.ts";
import type { Script } from "./_redis_scripts.ts";

/** What a link needs. */
export interface LinkOptions {
  /** Where Redis is: `redis:` or `rediss:`. */
  readonly url: string;
  /** How long an answer may take, in milliseconds. */
  readonly timeout: number;
  /** The clock that it is taken by. */
  readonly clock: Clock;
}

/** Who listens to a channel. */
export interface LinkListener {
  /** The channel. */
  readonly channel: string;
  /** A message came. */
  message(bytes: Buffer): void;
  /** The connection is gone: told once, and not after `end`. */
  lost(error: Error): void;
}

type Client = ReturnType<typeof createClient>;

/**
 * One connection to Redis, which is never made again: it speaks RESP3, so that
 * answers and the messages of a channel come over it in the order that they were
 * made. An answer that takes too long ends it.
 */
export class RedisLink {
  readonly #client: Client;
  readonly #options: LinkOptions;
  readonly #abort: AbortController;
  readonly #listener: LinkListener | undefined;
  /** Whether it was opened: from then on the listener is told of its loss. */
  #open = false;
  /** Why the connection ended. */
  #error: Error | undefined;

  private constructor(
    client: Client,
    options: LinkOptions,
    abort: AbortController,
    listener?: LinkListener,
  ) {
    this.#client = client;
    this.#options = options;
    this.#abort = abort;
    this.#listener = listener;
    client.on("error", (error: Error) => this.fail(error));
  }

  /**
   * Connects, and subscribes if there is a listener.
   *
   * @param signal Gives up when it aborts.
   */
  static async open(
    options: LinkOptions,
    signal: AbortSignal,
    listener?: LinkListener,
  ): Promise<RedisLink> {
    const { createClient, RESP_TYPES } = await import("@redis/client");
    signal.throwIfAborted();
    // The client can give up a connection that is made only by this.
    const abort = new AbortController();
    const client = createClient({
      url: options.url,
      RESP: 3,
      disableClientInfo: true,
      maintNotifications: "disabled",
      commandOptions: {
        timeout: 0,
        typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer },
      },
      socket: {
        reconnectStrategy: false,
        connectTimeout: 0,
        signal: abort.signal,
      },
    }) as unknown as Client;
    const link = new RedisLink(client, options, abort, listener);
    const aborted = () => link.fail(signal.reason);
    signal.addEventListener("abort", aborted);
    try {
      await link.#connect();
      link.#open = true;
    } finally {
      signal.removeEventListener("abort", aborted);
    }
    return link;
  }

  /** Whether the connection is gone. */
  get ended(): boolean {
    return this.#error !== undefined;
  }

  /** Sends a command. Strings of Redis are bytes. Rejects with what Redis, or the connection, has to say. */
  call(...args: (string | Buffer)[]): Promise<unknown> {
    return this.#timed(() => this.#client.sendCommand(args));
  }

  /** Runs a script; sends its text only if Redis does not know it. */
  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<Buffer[]> {
    const rest = [String(keys.length), ...keys, ...args];
    let reply;
    try {
      reply = await this.call("EVALSHA", script.sha, ...rest);
    } catch (error) {
      if (!isReply(error, "NOSCRIPT")) throw error;
      reply = await this.call("EVAL", script.text, ...rest);
    }
    return reply as Buffer[];
  }

  /** Ends the connection because of an error. */
  fail(error: Error): void {
    if (this.#error !== undefined) return;
    this.end(error);
    if (this.#open) this.#listener?.lost(error);
  }

  /** Ends the connection; what was asked and not answered is rejected. */
  end(error: Error = new Error("The connection was ended")): void {
    this.#error ??= error;
    this.#client.destroy();
    this.#abort.abort();
  }

  async #connect(): Promise<void> {
    try {
      await this.#timed(() => this.#client.connect());
      const listener = this.#listener;
      if (listener === undefined) return;
      await this.#timed(() =>
        this.#client.subscribe(
          listener.channel,
          (bytes) => listener.message(bytes),
          true,
        )
      );
    } catch (error) {
      this.end();
      throw error;
    }
  }

  /** Awaits an answer; ends the connection if there is none in time. */
  async #timed<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#error !== undefined) throw this.#error;
    const { clock, timeout } = this.#options;
    const timer = clock.setTimeout(() => {
      this.fail(new Error(`Redis has not answered in ${timeout} ms`));
    }, timeout);
    try {
      return await ask();
    } catch (error) {
      throw this.#error ?? error;
    } finally {
      clock.clearTimeout(timer);
    }
  }
}

/** Whether an error is what Redis has answered, with a code. */
export function isReply(error: unknown, code: string): boolean {
  return error instanceof Error && error.message.startsWith(code);
}
