/**
 * The options of the client and of its requests.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import type { Handler } from "../../conn/conn.ts";
import type { InspectHook } from "../../conn/inspect.ts";
import type { TlsClientOptions } from "../../conn/connect.ts";
import type { FieldsInit } from "../codec/fields.ts";
import type { HttpLimits } from "../codec/limits.ts";
import type { HttpCommand, HttpEvent, ResponseHead } from "../codec/message.ts";
import type { Connector } from "./_connector.ts";
import type { Proxy } from "./proxy.ts";
import type { RedirectMode } from "./redirect.ts";
import type { RequestBody, StreamBody } from "./_request_body.ts";
import type { RetryOptions } from "./retry.ts";

export type { Connector, RequestBody, StreamBody };
export type { Connected, ConnectRequest } from "./_connector.ts";

/** How long each phase of a request may take, in milliseconds; `Infinity` for any. */
export interface RequestTimeouts {
  /** Waiting for a free connection. @default {30000} */
  queue?: number;
  /** From the end of the request to the head of the reply. @default {60000} */
  head?: number;
  /** Between two pieces of the reply's body. @default {60000} */
  bodyIdle?: number;
  /**
   * Everything: redirects, retries, and the reply's body.
   * @default {Infinity}
   */
  total?: number;
}

/** Those, and what belongs to a connection, which several requests may wait for. */
export interface ClientTimeouts extends RequestTimeouts {
  /** Resolving the name and connecting; and again a tunnel. @default {10000} */
  connect?: number;
  /** The TLS handshake. @default {10000} */
  tls?: number;
}

/** How many connections a client keeps, and how long. */
export interface PoolOptions {
  /** Most connections to one origin. @default {128} */
  connectionsPerOrigin?: number;
  /** Most connections in all. @default {1024} */
  connections?: number;
  /** Most requests that wait for a connection. @default {10000} */
  queueSize?: number;
  /**
   * How long a connection is kept without use, in milliseconds. Less if the
   * server announces less in `Keep-Alive: timeout=`. @default {60000}
   */
  idleTimeout?: number;
  /**
   * How old a connection may get before it takes no more requests, in
   * milliseconds: what a name resolves to is looked up again so often.
   * @default {600000}
   */
  maxAge?: number;
}

/** How far an exchange has come, in bytes of the bodies. */
export interface Progress {
  /** Bytes of the request's body that were given to the connection. */
  sent: number;
  /** Bytes of the reply's body that were received, before decoding. */
  received: number;
  /** The length of the reply's body, if it is known. */
  total: number | undefined;
}

/** What may be set for a client, and again for one request. */
export interface CommonOptions {
  /** What to do with redirects. @default {"follow"} */
  redirect?: RedirectMode;
  /** Most redirects to follow. @default {20} */
  maxRedirects?: number;
  /**
   * Whether to ask for compressed replies and decode them.
   * @default {true}
   */
  decode?: boolean;
  /**
   * Most bytes of a reply's body, as they come over the network and after
   * decoding. @default {Infinity}
   */
  maxResponseSize?: number;
  /**
   * Most bytes that `text()`, `json()` and `bytes()` collect.
   * @default {67108864} (64 MiB)
   */
  maxBufferedSize?: number;
  /** The path of a Unix socket to connect to, whatever the URL's host. */
  unix?: string;
}

/** Options of {@linkcode Client}. */
export interface ClientOptions extends CommonOptions {
  /** Time-outs of every request that does not set them itself. */
  timeouts?: ClientTimeouts;
  /** Fields of every request that does not set them itself. */
  fields?: FieldsInit;
  /** How many connections to keep, and how long. */
  pool?: PoolOptions;
  /**
   * When to try again. `false`: only if a kept connection turned out to be
   * closed, and repeating the request is safe.
   */
  retry?: RetryOptions | false;
  /** The proxy to go through: its URL, or its parts. */
  proxy?: string | Proxy;
  /**
   * Hosts to go to without the proxy: names (`"example.test"` and all that is
   * under it), names with a port (`"example.test:8080"`), addresses, or `"*"`.
   */
  noProxy?: readonly string[];
  /** CAs, client certificate and so on for `https:` origins. */
  tls?: TlsClientOptions;
  /** Limits on what a server may send. */
  limits?: HttpLimits;
  /** Sees all bytes of all connections, for a hexdump. */
  inspect?: InspectHook;
  /** The clock of all time-outs and timings. */
  clock?: Clock;
  /** Opens connections in place of sockets, for tests. */
  connect?: Connector;
}

/** Options of {@linkcode request}. */
export interface RequestOptions extends CommonOptions {
  /** Time-outs; those not given are the client's. */
  timeouts?: RequestTimeouts;
  /** The method. @default {"GET"} */
  method?: string;
  /** The header fields. `Host` and those about the body come by themselves. */
  fields?: FieldsInit;
  /** The body. */
  body?: RequestBody | null;
  /** Trailer fields, or what makes them once the body is sent. */
  trailers?: FieldsInit | (() => FieldsInit);
  /** Gives the request up; its connection closes. */
  signal?: AbortSignal;
  /**
   * Whether the request may be repeated when nobody knows if the server has
   * seen it. By default GET, HEAD, OPTIONS, TRACE, PUT and DELETE may
   * (RFC 9110 §9.2.2).
   */
  idempotent?: boolean;
  /** `false`: not to be tried again, as for {@linkcode ClientOptions.retry}. */
  retry?: false;
  /**
   * Sends the body only when the server has answered `100 Continue`, or has said
   * nothing for so many milliseconds; `true` for 1000 (RFC 9110 §10.1.1).
   */
  expectContinue?: boolean | number;
  /**
   * Gets every event of every connection that the request uses, before anything
   * else is done with it; a promise that it returns pauses the connection. The
   * reply's body goes to it alone.
   */
  onEvent?: Handler<HttpEvent, HttpCommand>;
  /** Gets interim responses: 100, 102, 103 (RFC 9110 §15.2). */
  onInformation?: (head: ResponseHead) => void;
  /** Called when bytes of either body have moved. */
  onProgress?: (progress: Progress) => void;
}
