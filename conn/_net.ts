/**
 * Sockets: the only file of this module that opens any.
 *
 * @module
 */

import { formatHostPort } from "./addr.ts";
import { uninspected } from "./_inspected.ts";
import { ConnError } from "./error.ts";
import type { Transport } from "./transport.ts";

/** How a client speaks TLS. */
export interface TlsClientOptions {
  /** Certificates, as PEM, of authorities that are trusted besides the usual. */
  caCerts?: string[];
  /** The client's own certificate chain, as PEM; needs `key`. */
  cert?: string;
  /** The private key to `cert`, as PEM. */
  key?: string;
  /** Protocols to offer, the preferred one first (RFC 7301). */
  alpnProtocols?: string[];
  /**
   * The name that the server's certificate must be for, and that is sent to it.
   * Together with `cert` it rests on a feature of Deno that is not documented.
   *
   * @default {the host name that was connected to}
   */
  serverName?: string;
  /**
   * Accept a certificate for another name, from an authority that is trusted.
   *
   * @default {false}
   */
  unsafelyDisableHostnameVerification?: boolean;
}

/** Where to connect to. */
export type SocketTarget =
  | { hostname: string; port: number }
  | { path: string };

/** A transport that speaks TLS, or will after its handshake. */
export interface TlsSocket extends Transport {
  /** Runs the handshake; rejects when the transport is closed. */
  handshake(): Promise<{ alpnProtocol: string | null }>;
}

/** Connects over TCP, without Nagle's algorithm, or to a Unix socket. */
export async function connectSocket(
  target: SocketTarget,
  signal: AbortSignal,
): Promise<Transport> {
  if ("path" in target) {
    return await Deno.connect({ transport: "unix", path: target.path });
  }
  const { hostname, port } = target;
  const conn = await Deno.connect({ hostname, port, signal });
  conn.setNoDelay(true);
  return conn;
}

/**
 * Connects over TCP, for a TLS handshake in which the client shows a
 * certificate. Deno offers that only so: the attempt cannot be aborted, and
 * Nagle's algorithm stays on.
 */
export async function connectTlsSocket(
  target: { hostname: string; port: number },
  tls: TlsClientOptions,
): Promise<TlsSocket> {
  const { cert, key, serverName } = tls;
  if (cert === undefined || key === undefined) {
    throw new ConnError(
      'Cannot use a client certificate: "cert" and "key" belong together',
      { code: "tls_failed", side: "local" },
    );
  }
  const options = {
    ...target,
    cert,
    key,
    ...trust(tls),
    ...(serverName !== undefined &&
      { [Symbol.for("unstableServerName")]: serverName }),
  };
  return await Deno.connectTls(options);
}

/** Puts TLS on a TCP connection, which then belongs to the result. */
export async function startTlsSocket(
  transport: Transport,
  hostname: string,
  tls: TlsClientOptions,
): Promise<TlsSocket> {
  const { transport: socket } = uninspected(transport);
  if (!("setNoDelay" in socket)) {
    throw new ConnError(
      "Cannot start TLS: the transport is not a plain TCP connection",
      { code: "tls_failed", side: "local" },
    );
  }
  if (tls.cert !== undefined || tls.key !== undefined) {
    throw new ConnError(
      "Cannot start TLS with a client certificate on an open connection: Deno can do that only while it connects",
      { code: "tls_failed", side: "local" },
    );
  }
  return await Deno.startTls(socket as Deno.TcpConn, {
    hostname: tls.serverName ?? hostname,
    ...trust(tls),
  });
}

function trust(
  tls: TlsClientOptions,
): Pick<
  TlsClientOptions,
  "caCerts" | "alpnProtocols" | "unsafelyDisableHostnameVerification"
> {
  const { caCerts, alpnProtocols, unsafelyDisableHostnameVerification } = tls;
  return {
    ...(caCerts !== undefined && { caCerts }),
    ...(alpnProtocols !== undefined && { alpnProtocols }),
    ...(unsafelyDisableHostnameVerification !== undefined &&
      { unsafelyDisableHostnameVerification }),
  };
}

/** Where and how to listen. */
export interface SocketListenOptions {
  /**
   * The address to listen on.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string;
  /**
   * The port; `0` for any free one, which {@linkcode Server.addr} then tells.
   *
   * @default {0}
   */
  port?: number;
  /**
   * A Unix socket to listen on, in place of host name and port. The file is
   * removed when the server stops. One that a program left behind when it died
   * is replaced.
   */
  path?: string;
  /** The certificate chain, as PEM: the server speaks TLS. Needs `key`. */
  cert?: string;
  /** The private key to `cert`, as PEM. */
  key?: string;
  /** Protocols that the server takes over TLS, the preferred one first. */
  alpnProtocols?: string[];
  /**
   * Share the port with other listeners that set this too, for example in other
   * threads; the system spreads connections over them (on Linux). Needs Deno's
   * `--unstable-net`, or `"unstable": ["net"]` in the program's `deno.json`.
   *
   * @default {false}
   */
  reusePort?: boolean;
  /**
   * How many connections may wait to be accepted.
   *
   * @default {511}
   */
  backlog?: number;
}

/** A socket that accepts. */
export interface SocketListener {
  readonly addr: Deno.Addr;
  /** Gives the next connection; a TLS one before its handshake. */
  accept(): Promise<Transport | TlsSocket>;
  close(): void;
  ref(): void;
  unref(): void;
}

/**
 * Opens a listener.
 *
 * @throws {ConnError} With code `"listen_failed"`, or `"addr_in_use"`.
 */
export function openListener(options: SocketListenOptions): SocketListener {
  try {
    if (options.reusePort) requireUnstableNet();
    if (options.path !== undefined) {
      return Deno.listen({ transport: "unix", path: options.path });
    }
    const { hostname = "0.0.0.0", port = 0, reusePort = false } = options;
    const tcp = {
      hostname,
      port,
      reusePort,
      tcpBacklog: options.backlog ?? 511,
    };
    const { cert, key, alpnProtocols } = options;
    if (cert === undefined && key === undefined) {
      return new TcpListener(Deno.listen(tcp));
    }
    return Deno.listenTls({
      ...tcp,
      cert: cert!,
      key: key!,
      ...(alpnProtocols !== undefined && { alpnProtocols }),
    });
  } catch (error) {
    throw listenError(options, error);
  }
}

function listenError(options: SocketListenOptions, cause: unknown): ConnError {
  const { path, hostname = "0.0.0.0", port = 0 } = options;
  const where = path ?? formatHostPort(hostname, port);
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ConnError(`Cannot listen on "${where}": ${text}`, {
    code: cause instanceof Deno.errors.AddrInUse
      ? "addr_in_use"
      : "listen_failed",
    side: "local",
    cause,
  });
}

/** Deno ends the process, without an exception, if the flag is missing. */
function requireUnstableNet(): void {
  // The flag shows in that this function, which needs it too, is there.
  if ("listenDatagram" in Deno) return;
  throw new Deno.errors.NotSupported(
    '"reusePort" needs the flag "--unstable-net", or "unstable": ["net"] in deno.json',
  );
}

/**
 * Accepts without Nagle's algorithm. Deno offers no way to switch it off on a
 * TLS connection that was accepted.
 */
class TcpListener implements SocketListener {
  readonly #listener: Deno.TcpListener;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
  }

  get addr(): Deno.Addr {
    return this.#listener.addr;
  }

  async accept(): Promise<Transport> {
    const conn = await this.#listener.accept();
    try {
      conn.setNoDelay(true);
    } catch {
      // The peer has left already; reading will tell.
    }
    return conn;
  }

  close(): void {
    this.#listener.close();
  }

  ref(): void {
    this.#listener.ref();
  }

  unref(): void {
    this.#listener.unref();
  }
}

/**
 * Opens a listener on a Unix socket whose file is there already, if nobody
 * listens on it any more.
 */
export async function replaceStaleSocket(
  options: SocketListenOptions & { path: string },
): Promise<SocketListener> {
  const { path } = options;
  const stale = await isStaleSocket(path);
  if (stale) {
    await Deno.remove(path).catch((error) => {
      throw listenError(options, error);
    });
  }
  return openListener(options);
}

async function isStaleSocket(path: string): Promise<boolean> {
  try {
    if (!(await Deno.lstat(path)).isSocket) return false;
    (await Deno.connect({ transport: "unix", path })).close();
    return false;
  } catch (error) {
    return error instanceof Deno.errors.ConnectionRefused;
  }
}
