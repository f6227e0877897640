/**
 * The WebSocket client.
 *
 * @module
 */

import { type Clock, systemClock } from "../conn/clock.ts";
import type { TlsClientOptions } from "../conn/connect.ts";
import type { InspectHook } from "../conn/inspect.ts";
import { Client } from "../http/client/client.ts";
import type {
  ClientOptions,
  Connector,
} from "../http/client/client_options.ts";
import type { Proxy } from "../http/client/proxy.ts";
import type { FieldsInit } from "../http/codec/fields.ts";
import type { HttpLimits } from "../http/codec/limits.ts";
import {
  aborted,
  ClientHandshake,
  type Handshaken,
} from "./_client_handshake.ts";
import { acceptResponse, offer } from "./deflate/negotiate.ts";
import type { DeflateAgreement, DeflateOptions } from "./deflate/params.ts";
import { resolveLimits, type WsOptions } from "./machine/limits.ts";
import { WsMachine } from "./machine/machine.ts";
import { type WsConn, wsConn, type WsHandler } from "./ws_conn.ts";

/** Options of {@linkcode connect}. All times are in milliseconds. */
export interface ConnectOptions extends WsOptions {
  /** The subprotocols to offer, the best one first. @default {[]} */
  protocols?: string | readonly string[];
  /**
   * Further fields of the request: `Origin`, `Cookie`, `Authorization`. Without
   * an `Origin` field the request has none. The last two, and `Host`, do not
   * follow a redirect to another origin.
   */
  fields?: FieldsInit;
  /** Whether, and how, to offer compression (RFC 7692). @default {true} */
  deflate?: boolean | DeflateOptions;
  /** Most redirects to follow; 0 for none. @default {5} */
  redirects?: number;
  /**
   * The proxy to go through, its URL or its parts: `http:` and `https:` ones are
   * asked for a tunnel, whether the URL is `ws:` or `wss:` (RFC 6455 §4.1).
   */
  proxy?: string | Proxy;
  /** Hosts to go to without the proxy, as for `Client`. */
  noProxy?: readonly string[];
  /** The path of a Unix socket to connect to, whatever the URL's host. */
  unix?: string;
  /** CAs, client certificate and so on for `wss:`. */
  tls?: TlsClientOptions;
  /**
   * How long all of it may take, from the look-up of the name to the 101,
   * redirects included. Beyond it: `"handshake_timeout"`.
   *
   * @default {10000}
   */
  handshakeTimeout?: number;
  /**
   * How long finding the host and connecting to it may take; and again a tunnel.
   *
   * @default {Infinity} What `handshakeTimeout` leaves.
   */
  connectTimeout?: number;
  /**
   * How long the TLS handshake may take.
   *
   * @default {Infinity} What `handshakeTimeout` leaves.
   */
  tlsTimeout?: number;
  /** Gives the attempt up; and later aborts the connection. */
  signal?: AbortSignal;
  /** Limits on the head of the response. */
  limits?: HttpLimits;
  /** Sees all bytes of the connection, for a hexdump. */
  inspect?: InspectHook;
  /** The clock of all time-outs. */
  clock?: Clock;
  /** Opens connections in place of sockets, for tests. */
  connect?: Connector;
}

/**
 * Opens a WebSocket.
 *
 * The connection keeps a program running until it is closed.
 *
 * @param url Where to: an absolute `ws:` or `wss:` URL without a fragment (RFC
 * 6455 §3); `http:` and `https:` stand for these. User information in it becomes
 * an `Authorization` field.
 * @param options Fields, subprotocols, compression, the way there, time-outs.
 * @param handler Gets the events, first `open`, which comes before this function
 * returns. Left out: the connection is iterated.
 * @returns The connection, once it is open.
 * @throws {WsRefusedError} If the server answers with something else than a
 * correct 101.
 * @throws {ConnError} If there is no answer: with code `"url_invalid"`,
 * `"handshake_timeout"`, `"aborted"`, those of `dial`, of redirects
 * (`"too_many_redirects"`, `"redirect_loop"`, `"redirect_invalid"`, and
 * `"redirect_insecure"` for one that leads from `wss:` out of TLS), or of proxies
 * (`"proxy_failed"`, `"proxy_invalid"`, `"proxy_unsupported"`); with code
 * `"subprotocol_invalid"` or `"reserved_field"` if the request would be wrong.
 * @throws {RangeError} If a limit is out of its range.
 *
 * @example A question and an answer
 * ```ts
 * import { connect, serve } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   (event, conn) => {
 *     if (event.type === "message") conn.send(`${event.data} to you`);
 *   },
 * );
 * const { port } = server.addr as Deno.NetAddr;
 * await using conn = await connect(`ws://127.0.0.1:${port}/`);
 * conn.send("hello");
 * for await (const message of conn.messages()) {
 *   assertEquals(message, "hello to you");
 *   break;
 * }
 * ```
 */
export async function connect(
  url: string | URL,
  options: ConnectOptions = {},
  handler?: WsHandler,
): Promise<WsConn> {
  // What is wrong with them costs no connection.
  resolveLimits(options);
  // One for each call: it holds no more than this attempt's connections.
  const client = new Client(clientOptions(options));
  try {
    const done = await handshake(client, url, options).run();
    const conn = open(done, options, handler);
    if (options.signal !== undefined) abortWith(options.signal, conn);
    return conn;
  } finally {
    await client.close();
  }
}

type Agreement = DeflateAgreement | undefined;

function clientOptions(options: ConnectOptions): ClientOptions {
  const { proxy, noProxy, unix, tls, limits, inspect, clock, connect } =
    options;
  return {
    retry: false,
    // Its total is `handshakeTimeout`.
    timeouts: {
      queue: Infinity,
      connect: options.connectTimeout ?? Infinity,
      tls: options.tlsTimeout ?? Infinity,
      head: Infinity,
      bodyIdle: Infinity,
    },
    // A refusal's body is given as it came.
    decode: false,
    ...(proxy !== undefined && { proxy }),
    ...(noProxy && { noProxy }),
    ...(unix !== undefined && { unix }),
    ...(tls && { tls }),
    ...(limits && { limits }),
    ...(inspect && { inspect }),
    ...(clock && { clock }),
    ...(connect && { connect }),
  };
}

function handshake(
  client: Client,
  url: string | URL,
  options: ConnectOptions,
): ClientHandshake<Agreement> {
  const { protocols = [], deflate = true } = options;
  const offered = deflate === false
    ? undefined
    : offer(deflate === true ? {} : deflate);
  return new ClientHandshake(url, {
    client,
    protocols: typeof protocols === "string" ? [protocols] : protocols,
    extensions: offered?.header,
    agree: (extensions) => acceptResponse(extensions, offered),
    fields: options.fields,
    redirects: options.redirects ?? 5,
    timeout: options.handshakeTimeout ?? 10_000,
    clock: options.clock ?? systemClock,
    signal: options.signal,
  });
}

/** Makes the HTTP connection a WebSocket. */
function open(
  { conn, head, subprotocol, agreement }: Handshaken<Agreement>,
  options: ConnectOptions,
  handler: WsHandler | undefined,
): WsConn {
  let machine: WsMachine | undefined;
  try {
    machine = new WsMachine("client", options, agreement);
    const handshake = { head, subprotocol, deflate: agreement };
    const made = wsConn(machine, handshake, handler);
    conn.become(machine, made.handler);
    return made.ws;
  } catch (error) {
    // It has broken meanwhile.
    machine?.release();
    conn.abort();
    throw error;
  }
}

/** Aborts the connection with the signal, which forgets it when it closes. */
function abortWith(signal: AbortSignal, conn: WsConn): void {
  const abort = () => conn.abort(aborted(signal));
  signal.addEventListener("abort", abort);
  conn.closed.then(() => signal.removeEventListener("abort", abort));
  // It may have been aborted by the connection's first event.
  if (signal.aborted) abort();
}
