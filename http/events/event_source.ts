/**
 * Server-sent events: a client that reconnects.
 *
 * @module
 */

import { type Clock, systemClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { parseRetryAfter } from "../client/retry.ts";
import { EventStreamParser, type ServerSentEvent } from "./sse.ts";

/** Options of {@linkcode EventSourceStream}. */
export interface EventSourceOptions {
  /** Header fields of every request: credentials, for example. */
  headers?: HeadersInit;
  /**
   * The id of the event that was received last, in an earlier run.
   *
   * @default {""}
   */
  lastEventId?: string;
  /** Sends a request. By default this module's `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
  /** Ends the iteration with the signal's reason. */
  signal?: AbortSignal;
  /** Where the waiting time comes from; for tests. */
  clock?: Clock;
  /**
   * How long to wait before connecting again, in milliseconds, until the server
   * says otherwise.
   *
   * @default {3000}
   */
  retryDelay?: number;
  /**
   * The longest wait after failures in a row, in milliseconds, unless the server
   * asks for a longer one.
   *
   * @default {60000}
   */
  maxRetryDelay?: number;
  /**
   * Most failures in a row; the next one ends the iteration with its error.
   *
   * @default {Infinity}
   */
  maxFailures?: number;
  /**
   * Most characters of an event's data, and of any line.
   *
   * @default {1048576}
   */
  maxEventLength?: number;
  /** Called with each response whose events are about to be read. */
  onOpen?: (response: Response) => void;
}

/** What an {@linkcode EventSourceStream} is doing. */
export type EventSourceState = "idle" | "connecting" | "open" | "closed";

// What passes by itself. All others are final (HTML §9.2.2 has no others).
const PASSING: ReadonlySet<number> = new Set([
  408,
  425,
  429,
  500,
  502,
  503,
  504,
]);

/**
 * The events of a URL, over as many connections as that takes (HTML §9.2).
 *
 * It connects when the iteration begins. When a connection ends or fails, or the
 * server is in trouble (408, 425, 429, 500, 502, 503, 504), it waits and connects
 * again, and names the last event it has seen (`Last-Event-ID`; not if the id has
 * control characters). It waits as long
 * as the server's `retry` field or `Retry-After` says, longer after each failure
 * in a row, and up to half as long again at random, so that the clients of a
 * restarted server do not all come at once. A 204 response ends the iteration,
 * and so does leaving the loop.
 *
 * Unlike the `EventSource` of browsers it sends header fields of your choice, and
 * a slow reader slows the server down. A connection on which nothing comes for as
 * long as `fetch` allows counts as failed; servers send comments to prevent that.
 *
 * @throws {ConnError} In the iteration: with code `"bad_status"` for any other
 * status but 200, `"bad_content_type"` if the response is no `text/event-stream`,
 * `"event_too_large"` over the limit.
 *
 * @example Two connections, one stream
 * ```ts
 * import { EventSourceStream } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const answers = ["retry: 1\nid: 7\ndata: one\n\n", "data: two\n\n", null];
 * const asked: (string | null)[] = [];
 * const source = new EventSourceStream("http://localhost/ticks", {
 *   headers: { authorization: "Bearer abc" },
 *   fetch: (request) => {
 *     asked.push(request.headers.get("last-event-id"));
 *     const body = answers.shift() ?? null;
 *     return Promise.resolve(
 *       new Response(body, {
 *         status: body === null ? 204 : 200,
 *         headers: { "content-type": "text/event-stream" },
 *       }),
 *     );
 *   },
 * });
 *
 * const seen: string[] = [];
 * for await (const { data } of source) seen.push(data);
 * assertEquals(seen, ["one", "two"]);
 * assertEquals(asked, [null, "7", "7"]);
 * ```
 */
export class EventSourceStream
  implements AsyncIterable<ServerSentEvent>, AsyncDisposable {
  /** What the events come from. */
  readonly url: string;
  readonly #options: EventSourceOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #signal: AbortSignal;
  readonly #events: AsyncGenerator<ServerSentEvent, void, void>;
  #state: EventSourceState = "idle";
  #lastEventId: string;
  #retryDelay: number;
  #failures = 0;
  #notBefore = 0;

  /**
   * Prepares the stream; nothing is sent yet.
   *
   * @param url What the events come from.
   * @param options Header fields, waiting times, limits.
   * @throws {TypeError} If the URL or a header field is invalid.
   */
  constructor(url: string | URL, options: EventSourceOptions = {}) {
    this.url = new URL(url).href;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#signal = options.signal === undefined
      ? this.#closing.signal
      : AbortSignal.any([this.#closing.signal, options.signal]);
    this.#lastEventId = options.lastEventId ?? "";
    this.#retryDelay = options.retryDelay ?? 3000;
    this.#events = this.#run();
    this.#request(); // throws now what would throw later
  }

  /** What it is doing; `"connecting"` also while it waits to. */
  get state(): EventSourceState {
    return this.#state;
  }

  /** The id that the next request names; may be empty. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** Ends the connection and the iteration. */
  close(): void {
    this.#state = "closed";
    this.#closing.abort();
  }

  /** Closes, and waits for the end of the iteration. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#events.return();
  }

  /** The events. There is one sequence of them, whoever asks. */
  [Symbol.asyncIterator](): AsyncGenerator<ServerSentEvent, void, void> {
    return this.#events;
  }

  async *#run(): AsyncGenerator<ServerSentEvent, void, void> {
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        this.#state = "connecting";
        const response = await this.#connect();
        if (response?.status === 204) return;
        if (response !== undefined) yield* this.#read(response);
        this.#signal.throwIfAborted();
        this.#state = "connecting";
        await this.#wait();
      }
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#options.signal?.throwIfAborted();
      throw error;
    } finally {
      this.close();
    }
  }

  #request(): Request {
    const headers = new Headers(this.#options.headers);
    if (!headers.has("accept")) headers.set("accept", "text/event-stream");
    if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    if (this.#lastEventId !== "" && !/\p{Cc}/u.test(this.#lastEventId)) {
      headers.set("last-event-id", utf8Bytes(this.#lastEventId));
    }
    return new Request(this.url, { headers, signal: this.#signal });
  }

  /** Resolves with a response to read or to end on, or `undefined` to try again. */
  async #connect(): Promise<Response | undefined> {
    const send = this.#options.fetch ?? defaultFetch;
    let response: Response;
    try {
      response = await send(this.#request());
    } catch (error) {
      this.#signal.throwIfAborted();
      // Trying again would not change that.
      if (isNotPermitted(error)) throw error;
      this.#fail(error);
      return undefined;
    }
    const { status } = response;
    const type = response.headers.get("content-type");
    if (status === 200 && isEventStream(type)) return response;
    await response.body?.cancel();
    if (status === 204) return response;
    if (status === 200) {
      throw new ConnError(
        `Cannot read events of "${this.url}": their type is "${type}", expected "text/event-stream"`,
        { code: "bad_content_type", side: "remote" },
      );
    }
    const error = new ConnError(
      `Cannot read events of "${this.url}": the status is ${status}, expected 200`,
      { code: "bad_status", side: "remote" },
    );
    if (!PASSING.has(status)) throw error;
    const retryAfter = response.headers.get("retry-after");
    this.#notBefore = parseRetryAfter(retryAfter ?? "", Date.now()) ?? 0;
    this.#fail(error);
    return undefined;
  }

  async *#read(
    response: Response,
  ): AsyncGenerator<ServerSentEvent, void, void> {
    const { onOpen, maxEventLength } = this.#options;
    const reader = response.body?.getReader();
    // Ends a read that is under way, also where `fetch` does not.
    const stop = (): void => void reader?.cancel().catch(() => {});
    this.#signal.addEventListener("abort", stop);
    try {
      this.#signal.throwIfAborted();
      this.#state = "open";
      onOpen?.(response);
      const parser = new EventStreamParser({
        lastEventId: this.#lastEventId,
        ...(maxEventLength === undefined ? {} : { maxEventLength }),
      });
      let failure: unknown;
      let received = false;
      for (;;) {
        let bytes: Uint8Array | undefined;
        try {
          bytes = (await reader?.read())?.value;
        } catch (error) {
          failure = error;
        }
        this.#signal.throwIfAborted();
        if (bytes === undefined) break;
        if (bytes.length === 0) continue;
        received = true;
        this.#failures = 0;
        yield* this.#take(parser, bytes);
      }
      if (!received) this.#fail(failure ?? this.#emptyStream());
    } finally {
      this.#signal.removeEventListener("abort", stop);
      stop();
    }
  }

  *#take(
    parser: EventStreamParser,
    bytes: Uint8Array,
  ): Generator<ServerSentEvent, void, void> {
    const events = parser.push(bytes);
    this.#retryDelay = parser.retry ?? this.#retryDelay;
    for (const event of events) {
      this.#lastEventId = event.id;
      yield event;
      // The program may have closed the stream while it had the event.
      this.#signal.throwIfAborted();
    }
    this.#lastEventId = parser.lastEventId;
  }

  #emptyStream(): ConnError {
    return new ConnError(
      `Cannot read events of "${this.url}": the response is empty`,
      { code: "empty_stream", side: "remote" },
    );
  }

  #fail(error: unknown): void {
    this.#failures++;
    if (this.#failures > (this.#options.maxFailures ?? Infinity)) throw error;
  }

  /** Waits for the time to connect again. */
  async #wait(): Promise<void> {
    const delay = Math.max(this.#backOff(), this.#notBefore) *
      (1 + Math.random() / 2);
    this.#notBefore = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimeout(resolve, delay);
    const wake = (): void => resolve();
    this.#signal.addEventListener("abort", wake);
    await promise;
    this.#signal.removeEventListener("abort", wake);
    this.#clock.clearTimeout(timer);
    this.#signal.throwIfAborted();
  }

  #backOff(): number {
    const least = this.#retryDelay;
    if (this.#failures < 2) return least;
    const { maxRetryDelay = 60_000 } = this.#options;
    // A server may ask for no delay at all; failures must slow down even so.
    const grown = Math.max(least, 100) * 2 ** (this.#failures - 1);
    return Math.max(least, Math.min(grown, maxRetryDelay));
  }
}

// Loaded when it is needed: who brings a fetch of their own needs no client.
const defaultFetch = async (request: Request): Promise<Response> => {
  const { fetch } = await import("../client/client.ts");
  return await fetch(request);
};

/** Whether `error`, or what it wraps, is about Deno's permissions. */
function isNotPermitted(error: unknown): boolean {
  if (error instanceof Deno.errors.NotCapable) return true;
  return error instanceof Error && isNotPermitted(error.cause);
}

function isEventStream(type: string | null): boolean {
  return type?.split(";", 1)[0]?.trim().toLowerCase() === "text/event-stream";
}

/** The UTF-8 bytes of `text`, a character each, as header fields take them. */
function utf8Bytes(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
