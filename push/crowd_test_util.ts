// Clients of hubs that are killed: who publishes, and who watches, by every
// transport.

import { assert, assertEquals } from "@std/assert";
import { type Clock, systemClock } from "../conn/clock.ts";
import { ConnError } from "../conn/error.ts";
import { Client } from "../http/client/client.ts";
import { EventSourceStream } from "../http/events/event_source.ts";
import {
  connect,
  type PushClient,
  type PushClientOptions,
} from "./client/connect.ts";
import type { SubscribeOptions } from "./client/updates.ts";
import { TOKEN } from "./hub_program_test_util.ts";
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
  readonly #http: Client;
  readonly #streams: Client;
  #changed = Promise.withResolvers<void>();
  #failed: { readonly error: unknown } | undefined;

  constructor() {
    const pool = { connectionsPerOrigin: 100 };
    // Comes back as the clients do that have connections.
    const retry = {
      ...{ attempts: 1000, baseDelay: 5, maxDelay: 50 },
      ...{ budget: 1e6, minimumRetries: 1e6, statuses: [502, 503] },
    };
    this.#http = this.#resources.use(
      new Client({ pool, retry, clock: hurried }),
    );
    this.#streams = this.#resources.use(new Client({ pool, retry: false }));
  }

  /** A client over a WebSocket. */
  client(url: string, options: PushClientOptions = {}): PushClient {
    return this.#resources.use(
      connect(url, { baseDelay: 5, maxDelay: 50, ...options }),
    );
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
  watchStream(url: string, topic: string, mode: Mode = "every"): Witness {
    const witness = this.#witness("event stream", { mode, fromOldest: true });
    const query = new URLSearchParams({ topic, mode, format: "envelope" });
    query.set("since", "oldest");
    const source = this.#resources.use(
      new EventSourceStream(`${httpOf(url)}?${query}`, {
        clock: hurried,
        fetch: (request) => this.#streams.fetch(request),
      }),
    );
    this.#run(async () => {
      for await (const { data } of source) witness.take(JSON.parse(data));
    });
    return witness;
  }

  /** Watches by long polls. */
  watchPolls(url: string, topic: string, mode: Mode = "every"): Witness {
    const witness = this.#witness("polls", { mode, fromOldest: true });
    const query = new URLSearchParams({ topic, mode, format: "envelope" });
    query.set("since", "oldest");
    query.set("wait", "2");
    let etag: string | undefined;
    this.#run(async () => {
      for (;;) {
        try {
          const response = await this.#http.request(
            `${httpOf(url)}?${query}`,
            {
              fields: etag === undefined ? {} : { "If-None-Match": etag },
              signal: this.#abort.signal,
            },
          );
          const text = await response.text();
          if (response.status === 200) {
            for (const message of JSON.parse(text)) witness.take(message);
          } else assertEquals(response.status, 304, text);
          etag = response.fields.get("etag") ?? undefined;
        } catch (error) {
          // The hub has died in the middle of its answer.
          if (this.#abort.signal.aborted || !isLoss(error)) throw error;
        }
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
    this.#run(async () => {
      for (const { topic, value, key } of this.#valuesOf(name, count)) {
        const { status, text } = await this.postOne(url, topic, value, key);
        assertEquals(status, 200, text);
        this.#acknowledge({
          topic,
          n: value.n,
          cursor: JSON.parse(text).cursor,
        });
      }
    });
  }

  /** Publishes a value by POST, as often as it takes. */
  async postOne(
    url: string,
    topic: string,
    value: unknown,
    key: string,
  ): Promise<{ status: number; text: string }> {
    const query = new URLSearchParams({ topic });
    const publish = new URL(`/publish?${query}`, httpOf(url));
    for (;;) {
      try {
        const response = await this.#http.request(publish, {
          method: "POST",
          fields: {
            "Authorization": `Bearer ${TOKEN}`,
            "Idempotency-Key": key,
          },
          body: JSON.stringify(value),
          idempotent: true,
          signal: this.#abort.signal,
        });
        return { status: response.status, text: await response.text() };
      } catch (error) {
        if (this.#abort.signal.aborted || !isLoss(error)) throw error;
      }
    }
  }

  /** All leave. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#resources.disposeAsync();
    await Promise.all(this.#tasks);
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

function httpOf(url: string): string {
  return url.replace(/^ws:/, "http:");
}

/** Whether a connection was lost; all else is a mistake. */
function isLoss(error: unknown): boolean {
  return error instanceof ConnError && error.side === "transport";
}
