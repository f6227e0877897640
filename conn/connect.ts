/**
 * Opening a transport to somewhere else.
 *
 * @module
 */

import { closeQuietly } from "./_close.ts";
import { formatHostPort } from "./addr.ts";
import { bounded } from "./_bounded.ts";
import { connectError, tlsError } from "./_connect_error.ts";
import { uninspected } from "./_inspected.ts";
import { type Clock, systemClock } from "./clock.ts";
import { ConnError } from "./error.ts";
import { inspected, type InspectHook } from "./inspect.ts";
import {
  connectSocket,
  connectTlsSocket,
  type SocketTarget,
  startTlsSocket,
  type TlsClientOptions,
  type TlsSocket,
} from "./_net.ts";
import type { Transport } from "./transport.ts";

export type { TlsClientOptions };

/** The steps of connecting. */
export type ConnectPhase = "connect" | "tls";

/** What {@linkcode connect} and {@linkcode startTls} have in common. */
export interface CommonConnectOptions {
  /**
   * How long a TLS handshake may take, in milliseconds.
   *
   * @default {10000}
   */
  tlsTimeout?: number;
  /** Aborts the attempt. */
  signal?: AbortSignal;
  /** Gets all traffic, outside TLS. */
  inspect?: InspectHook;
  /** Is told of each step that is done, and how many milliseconds it took. */
  onPhase?: (phase: ConnectPhase, duration: number) => void;
  /** The clock of all time-outs. */
  clock?: Clock;
}

/** Options of {@linkcode connect}. */
export interface ConnectOptions extends CommonConnectOptions {
  /**
   * The host to connect to, a name or an address.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /** The port to connect to. */
  port?: number;
  /** A Unix socket to connect to, in place of host name and port. */
  path?: string;
  /**
   * Speak TLS. Not over a Unix socket.
   *
   * @default {false}
   */
  tls?: boolean | TlsClientOptions;
  /**
   * How long finding the host and connecting to it may take, in milliseconds.
   *
   * @default {10000}
   */
  connectTimeout?: number;
}

/** Options of {@linkcode startTls}. */
export interface StartTlsOptions extends CommonConnectOptions {
  /** The name that the server's certificate must be for. */
  hostname: string;
  /** TLS options; without a client certificate. */
  tls?: TlsClientOptions;
}

/** An open transport, with no protocol on it yet. */
export interface Connected {
  /** The transport. */
  readonly transport: Transport;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
  /** The protocol that both sides chose in the TLS handshake (ALPN), if any. */
  readonly alpnProtocol?: string;
  /** What took how long, in milliseconds; finding the host is in `connect`. */
  readonly timings: { readonly connect: number; readonly tls: number };
}

/**
 * Opens a transport and puts no protocol on it; {@linkcode attach} does that.
 *
 * @param options Where to, TLS, time-outs.
 * @returns The transport.
 * @throws {ConnError} As {@linkcode dial}.
 *
 * @example A protocol of choice
 * ```ts
 * import { attach, connect, listen, RawMachine } from "@meerkat/net/conn";
 *
 * await using server = listen({ hostname: "127.0.0.1", port: 0 }, () => {});
 * const { hostname, port } = server.addr as Deno.NetAddr;
 * const { transport } = await connect({ hostname, port });
 * await using _conn = attach(transport, new RawMachine(), () => {});
 * ```
 */
export async function connect(options: ConnectOptions): Promise<Connected> {
  const target = targetOf(options);
  const tls = options.tls === true ? {} : options.tls || undefined;
  if (tls === undefined) {
    const { value, duration } = await connectPhase(
      options,
      (signal) => connectSocket(target, signal),
    );
    return {
      transport: withHook(value, options.inspect),
      secure: false,
      timings: { connect: duration, tls: 0 },
    };
  }
  if ("path" in target) {
    throw new ConnError(
      `Cannot speak TLS over the Unix socket "${target.path}": only over TCP`,
      { code: "tls_failed", side: "local" },
    );
  }
  const withCert = tls.cert !== undefined || tls.key !== undefined;
  const { value, duration } = await connectPhase<Transport>(
    options,
    (signal) =>
      withCert ? connectTlsSocket(target, tls) : connectSocket(target, signal),
  );
  const { hostname } = target;
  const secured = await secure(
    withCert
      ? () => Promise.resolve(value as TlsSocket)
      : () => startTlsSocket(value, hostname, tls),
    value,
    { ...options, hostname: tls.serverName ?? hostname },
  );
  return { ...secured, timings: { ...secured.timings, connect: duration } };
}

/**
 * Puts TLS on an open TCP connection, as a client: after a proxy's CONNECT, or
 * a protocol's own start of TLS. The transport belongs to the result, and is
 * closed on failure.
 *
 * @param transport A TCP connection, inspected or not; nothing is being read from
 * it or written to it. TLS inside TLS is not possible.
 * @param options The server's name, TLS options and time-outs.
 * @returns The transport to use from now on, inspected if the old one was.
 * @throws {ConnError} With code `"tls_failed"`, `"tls_timeout"` or `"aborted"`.
 *
 * @example What cannot carry TLS
 * ```ts
 * import { ConnError, memoryPair, startTls } from "@meerkat/net/conn";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const [transport] = memoryPair();
 * const error = await assertRejects(
 *   () => startTls(transport, { hostname: "example.com" }),
 *   ConnError,
 * );
 * assertEquals(error.code, "tls_failed");
 * ```
 */
export function startTls(
  transport: Transport,
  options: StartTlsOptions,
): Promise<Connected> {
  const { hostname, tls = {} } = options;
  const inspect = options.inspect ?? uninspected(transport).hook;
  return secure(() => startTlsSocket(transport, hostname, tls), transport, {
    ...options,
    hostname: tls.serverName ?? hostname,
    ...(inspect && { inspect }),
  });
}

/** Runs the TLS handshake; closes the transport if it fails. */
async function secure(
  start: () => Promise<TlsSocket>,
  plain: Transport,
  options: CommonConnectOptions & { hostname: string },
): Promise<Connected> {
  const { hostname, clock = systemClock, tlsTimeout = 10_000 } = options;
  const started = clock.now();
  let socket: TlsSocket | undefined;
  try {
    const { alpnProtocol } = await bounded(
      `The TLS handshake with "${hostname}"`,
      async () => (socket = await start()).handshake(),
      {
        clock,
        timeout: tlsTimeout,
        signal: options.signal,
        timeoutError: () =>
          new ConnError(
            `Cannot start TLS with "${hostname}": no answer within ${tlsTimeout} ms`,
            { code: "tls_timeout", side: "transport" },
          ),
        discard: () => {},
      },
    );
    const tls = clock.now() - started;
    options.onPhase?.("tls", tls);
    return {
      transport: withHook(socket!, options.inspect),
      secure: true,
      ...(alpnProtocol !== null && { alpnProtocol }),
      timings: { connect: 0, tls },
    };
  } catch (error) {
    closeQuietly(socket ?? plain);
    throw tlsError(hostname, error);
  }
}

/** Connects within the time that it may take. */
async function connectPhase<T extends Transport>(
  options: ConnectOptions,
  step: (signal: AbortSignal) => Promise<T>,
): Promise<{ value: T; duration: number }> {
  const { clock = systemClock, connectTimeout = 10_000, signal } = options;
  const name = nameOf(options);
  const started = clock.now();
  try {
    const value = await bounded(`Connecting to "${name}"`, step, {
      clock,
      timeout: connectTimeout,
      signal,
      timeoutError: () =>
        new ConnError(
          `Cannot connect to "${name}": no answer within ${connectTimeout} ms`,
          { code: "connect_timeout", side: "transport" },
        ),
      discard: closeQuietly,
    });
    const duration = clock.now() - started;
    options.onPhase?.("connect", duration);
    return { value, duration };
  } catch (error) {
    throw connectError(name, error);
  }
}

function targetOf(options: ConnectOptions): SocketTarget {
  const { path, hostname = "127.0.0.1", port } = options;
  if (path !== undefined) return { path };
  if (port === undefined) {
    throw new ConnError('Cannot connect: expected "port" or "path"', {
      code: "connect_failed",
      side: "local",
    });
  }
  return { hostname, port };
}

function nameOf(options: ConnectOptions): string {
  const { path, hostname = "127.0.0.1", port = 0 } = options;
  return path ?? formatHostPort(hostname, port);
}

function withHook(
  transport: Transport,
  hook: InspectHook | undefined,
): Transport {
  return hook === undefined ? transport : inspected(transport, hook);
}
