/**
 * What the client answers a request with.
 *
 * @module
 */

import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import type { ClientBody } from "./client_body.ts";
import type { FilledBody } from "./_client_body.ts";
import type { Fields } from "../codec/fields.ts";
import type {
  HttpCommand,
  HttpEvent,
  HttpVersion,
  ResponseHead,
} from "../codec/message.ts";

/** How long each phase took, in milliseconds; of redirects, the last request's. */
export interface RequestTimings {
  /** Waiting for a free connection. */
  readonly queue: number;
  /** Resolving the name, connecting, opening a tunnel; 0 on a kept connection. */
  readonly connect: number;
  /** The TLS handshake; 0 on a kept connection, and without TLS. */
  readonly tls: number;
  /** From the request to the head of the reply. */
  readonly firstByte: number;
  /**
   * From the call of `request` to the end of the body, redirects and retries
   * included; `undefined` until then.
   */
  readonly total: number | undefined;
}

/** What a response asks its request; the request keeps the figures. */
export interface ResponseSource {
  /** The URL of the last request. */
  readonly url: string;
  /** The URLs that redirected, in order. */
  readonly redirects: readonly string[];
  /** Attempts that the last request took. */
  readonly attempts: number;
  /** Whether it went over a kept connection. */
  readonly reused: boolean;
  /** How long each phase took. */
  readonly timings: RequestTimings;
  /** The connection, if it is the program's now. */
  readonly upgraded: Conn<HttpEvent, HttpCommand> | undefined;
}

/**
 * The reply to a request: its head is there, its body comes as it is read.
 *
 * @example Reading a reply
 * ```ts
 * import { Client, serve } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   () => new Response("hello", { headers: { "X-Kind": "greeting" } }),
 * );
 * await using client = new Client();
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await client.request(`http://127.0.0.1:${port}/`);
 * assertEquals(response.status, 200);
 * assertEquals(response.fields.get("x-kind"), "greeting");
 * let size = 0;
 * for await (const piece of response.body) size += piece.length;
 * assertEquals(size, 5);
 * ```
 */
export class ClientResponse {
  readonly #source: ResponseSource;
  readonly #filled: FilledBody;
  /** The whole head, as it came. */
  readonly head: ResponseHead;
  /** The version of the status line. */
  readonly version: HttpVersion;
  /** The status code. */
  readonly status: number;
  /** The reason phrase; may be empty. */
  readonly reason: string;
  /** The header fields, as they came. */
  readonly fields: Fields;
  /** The body. */
  readonly body: ClientBody;

  /**
   * Made by the client.
   *
   * @param source Knows the figures.
   * @param head The head of the reply.
   * @param filled The body as it comes.
   * @param body The body as the program reads it.
   */
  constructor(
    source: ResponseSource,
    head: ResponseHead,
    filled: FilledBody,
    body: ClientBody,
  ) {
    this.#source = source;
    this.#filled = filled;
    this.head = head;
    this.version = head.version;
    this.status = head.status;
    this.reason = head.reason;
    this.fields = head.fields;
    this.body = body;
  }

  /** As {@linkcode ClientBody.text} of the body. */
  text(): Promise<string> {
    return this.body.text();
  }

  /** As {@linkcode ClientBody.json} of the body. */
  json<T = unknown>(): Promise<T> {
    return this.body.json<T>();
  }

  /** As {@linkcode ClientBody.bytes} of the body. */
  bytes(): Promise<Uint8Array> {
    return this.body.bytes();
  }

  /** Whether the status is one of 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The URL of the last request. */
  get url(): string {
    return this.#source.url;
  }

  /** The URLs that redirected, in order. */
  get redirects(): readonly string[] {
    return this.#source.redirects;
  }

  /** Attempts that the last request took. */
  get attempts(): number {
    return this.#source.attempts;
  }

  /** Whether the last request went over a kept connection. */
  get reused(): boolean {
    return this.#source.reused;
  }

  /** How long each phase took. */
  get timings(): RequestTimings {
    return this.#source.timings;
  }

  /**
   * The trailer fields: resolves at the end of the body, which must be read for
   * it to come, and rejects if the body is cut short.
   */
  get trailers(): Promise<Fields> {
    return this.#filled.trailers;
  }

  /**
   * The whole body, if it has arrived already and is not decoded; it counts as
   * read then.
   *
   * @returns The bytes, or `undefined` if the body has to be waited for.
   */
  takeBody(): Uint8Array | undefined {
    return this.body === this.#filled ? this.#filled.takeWhole() : undefined;
  }

  /**
   * The connection after `101 Switching Protocols`, or after a 2xx reply to
   * CONNECT. It belongs to the program now; {@linkcode Conn.become} makes it
   * speak what was agreed. Until then nothing is read of what follows the reply,
   * so nothing of it is lost, and its end is not noticed.
   *
   * @throws {ConnError} With code `"not_upgraded"` if it is still the client's.
   */
  get conn(): Conn<HttpEvent, HttpCommand> {
    const conn = this.#source.upgraded;
    if (conn !== undefined) return conn;
    throw new ConnError(
      `Cannot take the connection: the reply is ${this.status}, expected 101`,
      { code: "not_upgraded", side: "local" },
    );
  }
}
