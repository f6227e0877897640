// Clients of hubs that are killed: who publishes, and who watches, by every
// transport.

import { assert, assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../conn/clock.ts";
import { EventSourceStream } from "../http/events/event_source.ts";
import { connect, type PushClient } from "./client/connect.ts";
import type { SubscribeOptions } from "./client/updates.ts";
import { HubHttp, queryUrl } from "./hub_http_test_util.ts";
import { type Sight, valueOf, Witness } from "./witness_test_util.ts";
import type { Mode, ServerMessage } from "./wire/protocol.ts";

/** The longest that anything may take, in milliseconds. */
const LIMIT = 30_000;

/** So many topics each publisher has. */
const TOPICS = 2;

/** So many values of a publisher wait for their answers. */
const WINDOW = 8;

/** A clock on which nobody waits for long. */
const hurried: Clock = {
  ...systemClock,
  setTimeout: (callback, delay) =>
    systemClock.setTimeout(callback, Math.min(delay, 50)),
};

/** How to watch over HTTP; by default every value, from the oldest on. */
interface WatchOptions {
  mode?: Mode;
  since?: string | "oldest" | "newest";
}

/** Clients, which come back by themselves. */
export class Crowd implements AsyncDisposable {
  readonly witnesses: Witness[] = [];
  /** What was acknowledged to those who publish. */
  readonly acknowledged: Sight[] = [];
  /** How many values each topic gets. */
  readonly counts = new Map<string, number>();
  readonly #resources = new AsyncDisposableStack();
  readonly #abort = new AbortController();
  readonly #tasks: Promise<void>[] = [];
  readonly #http = this.#resources.use(new HubHttp(this.#abort.signal));
  #changed = Promise.withResolvers<void>();
  /** So that nothing is waited for without end. */
  readonly #end = setTimeout(() => this.#leave(), 2 * LIMIT);
  /** Whoever connects waits for this. */
  #gate = Promise.resolve();
  #release = () => {};
  #failed: { readonly error: unknown } | undefined;

  /** A client over a WebSocket. */
  client(url: string): PushClient {
    const client = connect(url, {
      ...{ baseDelay: 5, maxDelay: 50 },
      token: async () => {
        await this.#gate;
        return "any";
      },
    });
    return this.#resources.use(client);
  }

  /**
   * Keeps clients that have lost their connection, or event stream, away.
   *
   * @returns Lets them come back.
   */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    this.#release = resolve;
    return resolve;
  }

  /** Waits for something that depends on what clients see. */
  async until(condition: () => boolean, what: string): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#notify();
    }, LIMIT);
    try {
      while (!condition()) {
        if (this.#failed !== undefined) throw this.#failed.error;
        assert(!isLate, `Not in time: ${what}. ${this.#summary()}`);
        await this.#changed.promise;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until so many values were acknowledged. */
  async untilAcknowledged(count: number): Promise<void> {
    await this.until(
      () => this.acknowledged.length >= count,
      `${count} acknowledged values`,
    );
  }

  /** Waits until all is published, and all have the newest values. */
  async untilAllSeen(): Promise<void> {
    const counts = [...this.counts];
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    await this.untilAcknowledged(total);
    await this.until(
      () =>
        this.witnesses.every((witness) =>
          counts.every(([topic, count]) => witness.newest(topic) === count)
        ),
      "all have seen the newest values",
    );
  }

  /** Watches through a client. */
  watch(
    client: PushClient,
    filter: string,
    options: SubscribeOptions = {},
  ): Witness {
    const { mode = "latest", delta = false, since } = options;
    const fromOldest = since === "oldest";
    const name = delta ? "differences" : "WebSocket";
    const witness = this.#witness(name, { mode, fromOldest });
    const subscription = client.subscribe(filter, options);
    this.#run(async () => {
      for await (const update of subscription) {
        witness.take(update as ServerMessage);
      }
    });
    return witness;
  }

  /** Watches an event stream. */
  watchStream(
    url: string,
    topic: string,
    { mode = "every", since = "oldest" }: WatchOptions = {},
  ): Witness {
    const fromOldest = since === "oldest";
    const witness = this.#witness("event stream", { mode, fromOldest });
    const source = this.#resources.use(
      new EventSourceStream(queryUrl(url, { topic, mode, since }), {
        clock: hurried,
        fetch: async (request) => {
          await this.#gate;
          return await this.#http.stream(request);
        },
        onOpen: () => {
          witness.isConnected = true;
          this.#notify();
        },
      }),
    );
    this.#run(async () => {
      for await (const { data } of source) witness.take(JSON.parse(data));
    });
    return witness;
  }

  /** Watches by long polls. */
  watchPolls(
    url: string,
    topic: string,
    { mode = "every", since = "oldest" }: WatchOptions = {},
  ): Witness {
    const fromOldest = since === "oldest";
    const witness = this.#witness("polls", { mode, fromOldest });
    const asked = queryUrl(url, { topic, mode, since });
    asked.searchParams.set("wait", "2");
    let etag: string | undefined;
    this.#run(async () => {
      for (;;) {
        const response = await this.#http.poll(asked, etag);
        if (response.status === 200) {
          for (const message of JSON.parse(response.text)) {
            witness.take(message);
          }
        } else assertEquals(response.status, 304, response.text);
        etag = response.etag;
      }
    });
    return witness;
  }

  /** Publishes values to topics of its own, each with a key. */
  publish(client: PushClient, name: string, count: number): void {
    const values = this.#valuesOf(name, count);
    const next = async () => {
      for (const { topic, value, key } of values) {
        const { cursor } = await client.publish(topic, value, { key });
        this.#acknowledge({ topic, n: value.n, cursor });
      }
    };
    for (let i = 0; i < WINDOW; i++) this.#run(next);
  }

  /** Publishes values by POST, each when the one before it was. */
  post(url: string, name: string, count: number): void {
    const values = this.#valuesOf(name, count);
    this.#run(async () => {
      for (const { topic, value, key } of values) {
        await this.postOne(url, topic, value.n, key);
      }
    });
  }

  /** Publishes the n-th value of a topic by POST, as often as it takes. */
  async postOne(
    url: string,
    topic: string,
    n: number,
    key = `${topic} ${n}`,
  ): Promise<void> {
    const response = await this.#http.post(url, topic, n, key);
    assertEquals(response.status, 200, response.text);
    const { cursor } = JSON.parse(response.text);
    this.#acknowledge({ topic, n, cursor });
  }

  /** Tries once to publish the n-th value of a topic; gives the status. */
  async tryPost(url: string, topic: string, n: number): Promise<number> {
    const key = `${topic} ${n}`;
    const { status } = await this.#http.tryPost(url, topic, n, key);
    return status;
  }

  /** All leave. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#end);
    await this.#leave();
    await Promise.all(this.#tasks);
  }

  /** What is under way fails. */
  async #leave(): Promise<void> {
    this.#abort.abort();
    this.#release();
    await this.#resources.disposeAsync();
  }

  #valuesOf(name: string, count: number) {
    for (let i = 0; i < TOPICS; i++) {
      this.counts.set(`t/${name}/${i}`, Math.ceil((count - i) / TOPICS));
    }
    return values(name, count);
  }

  /** Does something until it is done, or all leave. */
  #run(task: () => Promise<void>): void {
    const running = task().catch((error) => {
      if (this.#abort.signal.aborted) return;
      this.#failed ??= { error };
      this.#notify();
    });
    this.#tasks.push(running);
  }

  #summary(): string {
    const witnesses = this.witnesses.map(({ name, seen, notices }) =>
      `${name}: ${seen.length} values, ${notices.join(", ")}`
    );
    return `${this.acknowledged.length} acknowledged; ${witnesses.join("; ")}`;
  }

  #acknowledge(sight: Sight): void {
    this.acknowledged.push(sight);
    this.#notify();
  }

  #witness(
    name: string,
    options: { mode: Mode; fromOldest: boolean },
  ): Witness {
    const witness = new Witness(
      `${name}, ${options.mode}`,
      options,
      () => this.#notify(),
    );
    this.witnesses.push(witness);
    return witness;
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

function* values(name: string, count: number) {
  for (let i = 0; i < count; i++) {
    const topic = `t/${name}/${i % TOPICS}`;
    const n = Math.floor(i / TOPICS) + 1;
    yield { topic, value: valueOf(n), key: `${name} ${i}` };
  }
}
