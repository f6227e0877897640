// Asks hubs that may die meanwhile, over HTTP.

import { ConnError } from "../conn/error.ts";
import { Client } from "../http/client/client.ts";
import type { RequestOptions } from "../http/client/client_options.ts";
import { TOKEN } from "./hub_program_test_util.ts";
import { valueOf } from "./witness_test_util.ts";
import type { Mode } from "./wire/protocol.ts";

/** A response that was read. */
export interface Answer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly text: string;
}

/** Where clients ask for a topic or a pattern, in messages. */
export function queryUrl(
  url: string,
  { topic, mode, since }: { topic: string; mode: Mode; since: string },
): URL {
  const asked = httpOf(url);
  const { searchParams } = asked;
  searchParams.set("topic", topic);
  searchParams.set("mode", mode);
  searchParams.set("format", "envelope");
  if (since !== "newest") searchParams.set("since", since);
  return asked;
}

function httpOf(url: string): URL {
  return new URL(url.replace(/^ws:/, "http:"));
}

/** Asks until there is an answer, or once. */
export class HubHttp implements AsyncDisposable {
  readonly #patient: Client;
  readonly #once: Client;
  readonly #signal: AbortSignal;

  /** @param signal Ends all requests. */
  constructor(signal: AbortSignal) {
    const pool = { connectionsPerOrigin: 100 };
    // Comes back as fast as clients do that have connections.
    const retry = {
      ...{ attempts: 1000, baseDelay: 5, maxDelay: 50 },
      ...{ budget: 1e6, minimumRetries: 1e6, statuses: [502, 503] },
    };
    this.#patient = new Client({ pool, retry });
    this.#once = new Client({ pool, retry: false });
    this.#signal = signal;
  }

  /** What event streams come by. */
  stream(request: Request): Promise<Response> {
    return this.#once.fetch(request);
  }

  /** Asks for what is newer than a tag. */
  poll(url: URL, etag: string | undefined): Promise<Answer> {
    const fields = etag === undefined ? {} : { "If-None-Match": etag };
    return this.#reached(() => this.#ask(this.#patient, url, { fields }));
  }

  /** Publishes the n-th value of a topic, as often as it takes. */
  post(url: string, topic: string, n: number, key: string): Promise<Answer> {
    return this.#reached(() =>
      this.#ask(this.#patient, ...posted(url, topic, n, key))
    );
  }

  /** The same, once. */
  tryPost(url: string, topic: string, n: number, key: string): Promise<Answer> {
    return this.#ask(this.#once, ...posted(url, topic, n, key));
  }

  /** Closes all connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#patient.close(), this.#once.close()]);
  }

  async #ask(
    client: Client,
    url: URL,
    options: RequestOptions,
  ): Promise<Answer> {
    const signal = this.#signal;
    const response = await client.request(url, { ...options, signal });
    const { status, fields } = response;
    const text = await response.text();
    return { status, etag: fields.get("etag") ?? undefined, text };
  }

  /** Asks again if the hub died in the middle of its answer. */
  async #reached<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        const isLost = error instanceof ConnError && error.side === "transport";
        if (this.#signal.aborted || !isLost) throw error;
      }
    }
  }
}

/** The request that publishes the n-th value of a topic. */
function posted(
  url: string,
  topic: string,
  n: number,
  key: string,
): [URL, RequestOptions] {
  const publish = new URL(
    `/publish?${new URLSearchParams({ topic })}`,
    httpOf(url),
  );
  return [publish, {
    method: "POST",
    fields: { "Authorization": `Bearer ${TOKEN}`, "Idempotency-Key": key },
    body: JSON.stringify(valueOf(n)),
    // There is a key.
    idempotent: true,
  }];
}
