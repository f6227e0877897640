// Opens the transport of a connection: directly, or through a proxy.

import type { Clock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import type { TlsClientOptions } from "../../conn/connect.ts";
import type { Transport } from "../../conn/transport.ts";
import { handshake } from "./_handshake.ts";
import type { HttpLimits } from "../codec/limits.ts";
import { HttpMachine } from "../machine/machine.ts";
import type { HttpEvent } from "../codec/message.ts";
import { type Proxy, proxyAuthorization } from "./proxy.ts";
import { Socks5Machine } from "./_socks5.ts";

/** Where to connect to. */
export interface ConnectRequest {
  /** The host's name or address. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
  /** The Unix socket to connect to in place of host and port. */
  readonly unix: string | undefined;
  /** TLS options, or `undefined` for none. */
  readonly tls: TlsClientOptions | undefined;
  /** How long connecting may take, in milliseconds. */
  readonly connectTimeout: number;
  /** How long the TLS handshake may take, in milliseconds. */
  readonly tlsTimeout: number;
  /** Aborts when nobody needs the connection any more. */
  readonly signal: AbortSignal;
}

/** An open transport. */
export interface Connected {
  /** The transport, after the TLS handshake if there is one. */
  readonly transport: Transport;
  /** What took how long, in milliseconds. */
  readonly timings: { readonly connect: number; readonly tls: number };
}

/** What opens transports: sockets, or what a test puts in their place. */
export interface Connector {
  /** Opens a transport. */
  connect(request: ConnectRequest): Promise<Connected>;
  /** Puts TLS on a transport that has carried other bytes before. */
  startTls(
    transport: Transport,
    request: ConnectRequest & { readonly tls: TlsClientOptions },
  ): Promise<Connected>;
}

/** The place that an origin's connections lead to. */
export interface Place {
  readonly hostname: string;
  readonly port: number;
  readonly unix: string | undefined;
  /** TLS with the origin itself. */
  readonly tls: TlsClientOptions | undefined;
  readonly proxy: Proxy | undefined;
  /** Whether a proxy must not forward the requests, so that it opens a tunnel. */
  readonly tunnel: boolean;
}

/** How to get there. */
export interface RouteOptions {
  readonly connector: Connector;
  readonly connectTimeout: number;
  readonly tlsTimeout: number;
  readonly proxyTls: TlsClientOptions;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** A transport, and what was read from it on the way. */
export interface Opened extends Connected {
  readonly unread: Uint8Array | undefined;
}

/** Whether requests to that place are told to the proxy in absolute-form. */
export function isForwarded(place: Place): boolean {
  return place.proxy !== undefined && place.proxy.kind !== "socks5" &&
    place.tls === undefined && !place.tunnel;
}

/** Opens a transport to a place. */
export async function openTransport(
  place: Place,
  options: RouteOptions,
): Promise<Opened> {
  const { connector, connectTimeout, tlsTimeout, signal } = options;
  const { proxy, tls, hostname, port, unix } = place;
  const common = { connectTimeout, tlsTimeout, signal };
  if (proxy === undefined) {
    const request = { hostname, port, unix, tls, ...common };
    return { ...await connector.connect(request), unread: undefined };
  }
  if (proxy.kind === "https" && tls !== undefined) throw nestedTls();
  const first = await connector.connect({
    hostname: proxy.hostname,
    port: proxy.port,
    unix: undefined,
    tls: proxy.kind === "https" ? options.proxyTls : undefined,
    ...common,
  });
  if (isForwarded(place)) return { ...first, unread: undefined };
  const start = options.clock.now();
  const unread = await openTunnel(first.transport, place, proxy, options);
  const connect = first.timings.connect + options.clock.now() - start;
  if (tls === undefined) {
    return { ...first, timings: { connect, tls: 0 }, unread };
  }
  if (unread.length > 0) {
    first.transport.close();
    throw proxyError("it sent bytes ahead of the TLS handshake");
  }
  const request = { hostname, port, unix, tls, ...common };
  const secured = await connector.startTls(first.transport, request);
  return {
    transport: secured.transport,
    timings: { connect, tls: secured.timings.tls },
    unread: undefined,
  };
}

function openTunnel(
  transport: Transport,
  place: Place,
  proxy: Proxy,
  options: RouteOptions,
): Promise<Uint8Array> {
  const { clock, signal, connectTimeout: timeout } = options;
  const { hostname, port } = place;
  if (proxy.kind === "socks5") {
    const { username, password } = proxy;
    return handshake(transport, new Socks5Machine(), {
      command: {
        type: "connect",
        hostname,
        port,
        ...(username !== undefined && { username, password: password ?? "" }),
      },
      done: (event) => event.type === "established",
      clock,
      signal,
      timeout,
    });
  }
  const authority = `${
    hostname.includes(":") ? `[${hostname}]` : hostname
  }:${port}`;
  const login = proxyAuthorization(proxy);
  return handshake(transport, new HttpMachine("client", options.limits), {
    command: {
      type: "request",
      method: "CONNECT",
      target: authority,
      fields: login === undefined
        ? { Host: authority }
        : { Host: authority, "Proxy-Authorization": login },
      body: "",
    },
    done: tunnelStands,
    clock,
    signal,
    timeout,
  });
}

/** Any 2xx opens the tunnel (RFC 9110 §9.3.6). */
function tunnelStands(event: HttpEvent): boolean {
  if (event.type !== "response" || event.head.status < 200) return false;
  const { status, reason } = event.head;
  if (status < 300) return true;
  throw proxyError(`it answered ${status}${reason && ` ${reason}`}`);
}

function proxyError(why: string): ConnError {
  return new ConnError(`Cannot open a tunnel through the proxy: ${why}`, {
    code: "proxy_failed",
    side: "remote",
  });
}

function nestedTls(): ConnError {
  return new ConnError(
    "Cannot open a tunnel through an https proxy: TLS inside TLS is not supported, expected an http or socks5 proxy",
    { code: "proxy_unsupported", side: "local" },
  );
}
