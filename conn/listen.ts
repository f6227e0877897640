/**
 * Connections from elsewhere.
 *
 * @module
 */

import { ConnServer } from "./_server.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Conn, Handler } from "./conn.ts";
import { ConnError } from "./error.ts";
import { inspected, type InspectHook } from "./inspect.ts";
import { attach, type AttachOptions } from "./loop.ts";
import type { Machine } from "./machine.ts";
import {
  openListener,
  replaceStaleSocket,
  type SocketListenOptions,
} from "./_net.ts";
import { RawMachine, type TcpCommand, type TcpEvent } from "./raw.ts";
import type { Transport } from "./transport.ts";

export type { SocketListenOptions };

/**
 * Where a server's connections come from, if not from a socket that
 * {@linkcode listen} opens itself: another TLS stack, or memory in a test. A
 * `Deno.Listener` is one as it is.
 *
 * @example A server in memory
 * ```ts
 * import {
 *   attach,
 *   listen,
 *   type Listener,
 *   memoryPair,
 *   RawMachine,
 *   type Transport,
 * } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const arrivals = new TransformStream<Transport, Transport>();
 * const writer = arrivals.writable.getWriter();
 * const reader = arrivals.readable.getReader();
 * const listener: Listener = {
 *   addr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
 *   accept: async () => {
 *     const { value } = await reader.read();
 *     if (value === undefined) throw new Deno.errors.BadResource("Closed");
 *     return value;
 *   },
 *   close: () => void writer.close(),
 * };
 * await using _server = listen({ listener }, (event, conn) => {
 *   if (event.type === "bytes") conn.send(event.bytes);
 * });
 * const [here, there] = memoryPair();
 * await writer.write(there);
 * await using conn = attach(here, new RawMachine());
 * conn.send("hello");
 * for await (const event of conn) {
 *   if (event.type !== "bytes") continue;
 *   assertEquals(new TextDecoder().decode(event.bytes), "hello");
 *   break;
 * }
 * ```
 */
export interface Listener {
  /** Where it listens. */
  readonly addr: Deno.Addr;
  /**
   * Whether what it accepts speaks TLS already.
   *
   * @default {false}
   */
  readonly secure?: boolean;
  /**
   * Gives the next connection; it belongs to the server from then on. There is
   * at most one call under way.
   *
   * What has a `handshake`, as a `Deno.TlsConn`, speaks TLS after it. The server
   * calls it, and accepts others meanwhile; it must reject when the transport is
   * closed.
   *
   * @returns A promise that must settle when the listener is closed.
   */
  accept(): Promise<
    & Transport
    & { handshake?(): Promise<{ alpnProtocol: string | null }> }
  >;
  /** Stops listening. The server calls it once, when it stops. */
  close(): void;
  /** Lets the listener keep the process alive again. */
  ref?(): void;
  /** Stops the listener from keeping the process alive. */
  unref?(): void;
}

/** Options of {@linkcode listen}. All times are in milliseconds. */
export interface ListenOptions
  extends
    SocketListenOptions,
    Omit<AttachOptions, "secure" | "unread" | "onError"> {
  /**
   * Accepts the connections, in place of a socket that is opened: with none of
   * `hostname`, `port`, `path`, `cert`, `key`, `alpnProtocols`, `reusePort` and
   * `backlog`. The server closes it.
   */
  listener?: Listener;
  /**
   * How many connections may be open. Beyond it accepting pauses, so others wait
   * in the system's queue; none is dropped. Over TLS, Deno keeps the socket of a
   * connection that was aborted while a write waited until its peer leaves.
   *
   * @default {Infinity}
   */
  maxConnections?: number;
  /**
   * How long a TLS handshake may take. Others are accepted meanwhile. Deno keeps
   * the socket of one that was given up until its peer sends or leaves.
   *
   * @default {10000}
   */
  tlsHandshakeTimeout?: number;
  /** Aborting it closes the server at once. */
  signal?: AbortSignal;
  /** Gets all traffic of all connections, outside TLS. */
  inspect?: InspectHook;
  /** Is called when the server listens, with its address. */
  onListen?: (addr: Deno.Addr) => void;
  /**
   * Gets errors of accepting, which the server survives (it waits a little), and
   * what handlers threw. If it is given, it gets failed TLS handshakes too.
   *
   * @default {console.error}
   */
  onError?: (error: unknown) => void;
  /** The clock of all time-outs. */
  clock?: Clock;
}

/** An accepted transport, with no protocol on it yet. */
export interface Accepted {
  /** The transport, after the TLS handshake if there is one. */
  readonly transport: Transport;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
  /** The protocol that both sides chose in the TLS handshake (ALPN), if any. */
  readonly alpnProtocol?: string;
}

/** Options of {@linkcode listen} for another protocol than raw bytes. */
export interface ListenMachineOptions<E, C> extends ListenOptions {
  /** Makes the machine of each connection. */
  machine: (accepted: Accepted) => Machine<E, C>;
}

/** Options of {@linkcode Server.shutdown}. */
export interface ShutdownOptions {
  /**
   * How long connections may take to end, in milliseconds; what is left then is
   * aborted. `Infinity` for no bound.
   *
   * @default {30000}
   */
  timeout?: number;
}

/** A listening socket and its connections. Disposing of it shuts it down. */
export interface Server extends AsyncDisposable {
  /** Where it listens. */
  readonly addr: Deno.Addr;
  /**
   * Resolves when the server has stopped and its last connection has closed.
   * Rejects only if it could not listen on a Unix socket whose file existed.
   */
  readonly finished: Promise<void>;
  /** How many connections are open, those in a TLS handshake included. */
  readonly connections: number;
  /**
   * Stops listening, lets each connection finish what its protocol has under way,
   * and resolves when all have closed.
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** Stops listening and aborts all connections. */
  close(): void;
  /** Lets the listening socket keep the process alive again. */
  ref(): void;
  /**
   * Stops the listening socket from keeping the process alive. Without effect
   * over TLS, where Deno offers no way, and on a {@linkcode Listener} that has
   * no `unref`.
   */
  unref(): void;
}

/**
 * Accepts connections that speak the machine's protocol; otherwise as the other
 * form.
 *
 * @param options Where to listen, TLS, limits and time-outs, and the machine.
 * @param handler Gets the events of every connection.
 * @returns The server, listening.
 */
export function listen<E, C>(
  options: ListenMachineOptions<E, C>,
  handler: Handler<E, C>,
): Server;
/**
 * Accepts connections.
 *
 * Over TCP, Nagle's algorithm is off. Over TLS it stays on, as Deno offers no way
 * to switch it off on a TLS connection that was accepted: on Linux the first answer
 * after a handshake may come some 40 ms late, as it does from `Deno.serve`.
 *
 * On a Unix socket whose file exists already, `listen` finds out in the
 * background whether the file is stale; `onListen` tells when it listens, and
 * {@linkcode Server.finished} rejects if somebody else does.
 *
 * @param options Where to listen, TLS, limits and time-outs.
 * @param handler Gets the events of every connection.
 * @returns The server, listening.
 * @throws {ConnError} With code `"addr_in_use"` or `"listen_failed"`; what the
 * system said is its `cause`.
 *
 * @example An echo server
 * ```ts
 * import { dial, listen } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = listen({ hostname: "127.0.0.1", port: 0 }, (event, conn) => {
 *   if (event.type === "bytes") conn.send(event.bytes);
 * });
 * const { hostname, port } = server.addr as Deno.NetAddr;
 * let reply = "";
 * const conn = await dial({ hostname, port }, (event, conn) => {
 *   if (event.type === "open") conn.send("hello");
 *   if (event.type !== "bytes") return;
 *   reply += new TextDecoder().decode(event.bytes);
 *   conn.close();
 * });
 * await conn.closed;
 * assertEquals(reply, "hello");
 * ```
 */
export function listen(
  options: ListenOptions,
  handler: Handler<TcpEvent, TcpCommand>,
): Server;
export function listen<E, C>(
  options: ListenOptions & Partial<ListenMachineOptions<E, C>>,
  handler: Handler<E, C>,
): Server {
  const { signal, path, inspect } = options;
  const server = new ConnServer(open(options), {
    addr: path === undefined
      ? { transport: "tcp", hostname: "0.0.0.0", port: 0 }
      : { transport: "unix", path },
    maxConnections: options.maxConnections ?? Infinity,
    tlsHandshakeTimeout: options.tlsHandshakeTimeout ?? 10_000,
    clock: options.clock ?? systemClock,
    onListen: options.onListen,
    onError: options.onError ?? printError,
    onTlsError: options.onError ?? (() => {}),
    attach(accepted) {
      const { transport, secure } = accepted;
      const machine = options.machine?.(accepted) ??
        new RawMachine() as unknown as Machine<E, C>;
      return attach(
        inspect === undefined ? transport : inspected(transport, inspect),
        machine,
        handler,
        { ...options, secure },
      ) as unknown as Conn<never, never>;
    },
  });
  if (signal !== undefined) closeOnAbort(server, signal);
  return server;
}

/** What a given listener takes the place of. */
const SOCKET_OPTIONS = [
  "hostname",
  "port",
  "path",
  "cert",
  "key",
  "alpnProtocols",
  "reusePort",
  "backlog",
] as const satisfies (keyof SocketListenOptions)[];

function open(options: ListenOptions): Listener | Promise<Listener> {
  if (options.listener !== undefined) {
    refuseSocketOptions(options);
    return options.listener;
  }
  try {
    return openListener(options);
  } catch (error) {
    const { path } = options;
    if (path === undefined || !(error instanceof ConnError)) throw error;
    if (error.code !== "addr_in_use") throw error;
    return replaceStaleSocket({ ...options, path });
  }
}

/** A certificate that had no effect would be a trap. */
function refuseSocketOptions(options: ListenOptions): void {
  const name = SOCKET_OPTIONS.find((name) => options[name] !== undefined);
  if (name === undefined) return;
  throw new ConnError(
    `Cannot listen: "listener" and "${name}" exclude each other`,
    { code: "listen_failed", side: "local" },
  );
}

function closeOnAbort(server: Server, signal: AbortSignal): void {
  if (signal.aborted) return server.close();
  const close = () => server.close();
  signal.addEventListener("abort", close);
  const forget = () => signal.removeEventListener("abort", close);
  server.finished.then(forget, forget);
}

/** Prints what went wrong, without its stack: to format that may take a file. */
function printError(error: unknown): void {
  console.error(String(error));
}
