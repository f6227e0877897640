/**
 * Connections to somewhere else.
 *
 * @module
 */

import { closeQuietly } from "./_close.ts";
import { connect, type Connected, type ConnectOptions } from "./connect.ts";
import type { Conn, Handler } from "./conn.ts";
import { ConnError } from "./error.ts";
import { attach, type AttachOptions } from "./loop.ts";
import type { Machine } from "./machine.ts";
import { RawMachine, type TcpCommand, type TcpEvent } from "./raw.ts";

export {
  type CommonConnectOptions,
  connect,
  type Connected,
  type ConnectOptions,
  type ConnectPhase,
  startTls,
  type StartTlsOptions,
  type TlsClientOptions,
} from "./connect.ts";

/** Options of {@linkcode dial}. */
export interface DialOptions
  extends ConnectOptions, Omit<AttachOptions, "secure" | "unread" | "clock"> {
  /** Aborts the attempt, and later the connection. */
  signal?: AbortSignal;
}

/** Options of {@linkcode dial} for another protocol than raw bytes. */
export interface DialMachineOptions<E, C> extends DialOptions {
  /** Makes the protocol's machine, once the transport is open. */
  machine: (connected: Connected) => Machine<E, C>;
}

/**
 * Connects to a server that speaks the machine's protocol; otherwise as the
 * other form.
 *
 * @param options Where to, TLS, time-outs, and the machine.
 * @param handler Gets the events. Left out: `for await`.
 * @returns The connection, once it is open.
 */
export function dial<E, C>(
  options: DialMachineOptions<E, C>,
  handler?: Handler<E, C>,
): Promise<Conn<E, C>>;
/**
 * Connects to a server.
 *
 * @param options Where to, TLS, time-outs.
 * @param handler Gets the events. Left out: `for await`.
 * @returns The connection, once it is open.
 * @throws {ConnError} With code `"connect_refused"`, `"connect_timeout"`,
 * `"connect_failed"`, `"dns_failed"`, `"tls_failed"`, `"tls_timeout"` or
 * `"aborted"`; what the system said is its `cause`.
 *
 * @example A refused connection
 * ```ts
 * import { ConnError, dial, listen } from "@meerkat/net/conn";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const server = listen({ hostname: "127.0.0.1", port: 0 }, () => {});
 * const { hostname, port } = server.addr as Deno.NetAddr;
 * await server.shutdown();
 * const error = await assertRejects(() => dial({ hostname, port }), ConnError);
 * assertEquals(error.code, "connect_refused");
 * ```
 */
export function dial(
  options: DialOptions,
  handler?: Handler<TcpEvent, TcpCommand>,
): Promise<Conn<TcpEvent, TcpCommand>>;
export async function dial<E, C>(
  options: DialOptions & Partial<DialMachineOptions<E, C>>,
  handler?: Handler<E, C>,
): Promise<Conn<E, C>> {
  const connected = await connect(options);
  const { transport, secure } = connected;
  let machine: Machine<E, C>;
  try {
    machine = options.machine?.(connected) ??
      new RawMachine() as unknown as Machine<E, C>;
  } catch (error) {
    closeQuietly(transport);
    throw error;
  }
  const conn = attach(transport, machine, handler, { ...options, secure });
  const { signal } = options;
  if (signal !== undefined) {
    const abort = () => conn.abort(aborted(signal));
    signal.addEventListener("abort", abort);
    conn.closed.then(() => signal.removeEventListener("abort", abort));
    // It may have been aborted by the connection's first event.
    if (signal.aborted) abort();
  }
  return conn;
}

function aborted(signal: AbortSignal): ConnError {
  return new ConnError("The connection was aborted", {
    code: "aborted",
    side: "local",
    cause: signal.reason,
  });
}
