/**
 * The engine of a server: accepts, counts, drains.
 *
 * @module
 */

import { closeQuietly } from "./_close.ts";
import { bounded } from "./_bounded.ts";
import type { Clock } from "./clock.ts";
import type { Conn } from "./conn.ts";
import { ConnError } from "./error.ts";
import type { Accepted, Listener, Server, ShutdownOptions } from "./listen.ts";
import { drainConn, onceClosed } from "./loop.ts";
import type { TlsSocket } from "./_net.ts";
import type { Transport } from "./transport.ts";

/** After an error of accepting: the first wait and the longest, in ms. */
const MIN_BACK_OFF = 5;
const MAX_BACK_OFF = 1000;

/** Any protocol's connection. */
type AnyConn = Conn<never, never>;

/** What a server needs to know. */
export interface ServerSettings {
  /** Where it listens, or will. */
  readonly addr: Deno.Addr;
  readonly maxConnections: number;
  readonly tlsHandshakeTimeout: number;
  readonly clock: Clock;
  readonly onListen: ((addr: Deno.Addr) => void) | undefined;
  /** Gets errors of accepting. */
  readonly onError: (error: unknown) => void;
  /** Gets failed TLS handshakes. */
  readonly onTlsError: (error: unknown) => void;
  /** Runs the protocol over an accepted transport. */
  readonly attach: (accepted: Accepted) => AnyConn;
}

/** A server over any listener. */
export class ConnServer implements Server {
  readonly #settings: ServerSettings;
  readonly #conns = new Set<AnyConn>();
  readonly #handshaking = new Set<TlsSocket>();
  readonly #finished = Promise.withResolvers<void>();
  #listener: Listener | undefined;
  #accepting = true;
  #stopped = false;
  #unref = false;
  /** Ends the accept loop's wait for room, or after an error. */
  #wake: (() => void) | undefined;

  constructor(
    listener: Listener | Promise<Listener>,
    settings: ServerSettings,
  ) {
    this.#settings = settings;
    if (listener instanceof Promise) {
      listener.then((listener) => this.#start(listener), (error) => {
        this.#stopped = true;
        this.#accepting = false;
        this.#finished.reject(error);
      });
    } else {
      this.#start(listener);
    }
  }

  get addr(): Deno.Addr {
    return this.#listener?.addr ?? this.#settings.addr;
  }

  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  get connections(): number {
    return this.#conns.size + this.#handshaking.size;
  }

  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const { timeout = 30_000 } = options;
    const { clock } = this.#settings;
    this.#stop();
    for (const conn of this.#conns) drainConn(conn);
    const timer = timeout === Infinity
      ? undefined
      : clock.setTimeout(() => this.#abortAll(), timeout);
    try {
      await this.finished;
    } finally {
      if (timer !== undefined) clock.clearTimeout(timer);
    }
  }

  close(): void {
    this.#stop();
    this.#abortAll();
  }

  ref(): void {
    this.#unref = false;
    this.#listener?.ref?.();
  }

  unref(): void {
    this.#unref = true;
    this.#listener?.unref?.();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  #start(listener: Listener): void {
    if (this.#stopped) {
      this.#closeListener(listener);
      this.#accepting = false;
      return this.#finishIfDone();
    }
    this.#listener = listener;
    if (this.#unref) listener.unref?.();
    this.#acceptAll(listener);
    this.#settings.onListen?.(listener.addr);
  }

  /** Accepts no more, and gives up handshakes under way. */
  #stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    if (this.#listener !== undefined) this.#closeListener(this.#listener);
    for (const socket of this.#handshaking) closeQuietly(socket);
    this.#wake?.();
  }

  /** Goes on whatever happens: a listener that was given may be closed already. */
  #closeListener(listener: Listener): void {
    try {
      listener.close();
    } catch (error) {
      if (error instanceof Deno.errors.BadResource) return;
      this.#settings.onError(error);
    }
  }

  #abortAll(): void {
    const error = new ConnError("The server was closed", {
      code: "aborted",
      side: "local",
    });
    for (const conn of this.#conns) conn.abort(error);
  }

  #finishIfDone(): void {
    if (this.#stopped && !this.#accepting && this.connections === 0) {
      this.#finished.resolve();
    }
  }

  async #acceptAll(listener: Listener): Promise<void> {
    let backOff = 0;
    while (!this.#stopped) {
      if (this.connections >= this.#settings.maxConnections) {
        await this.#sleep(Infinity);
        continue;
      }
      try {
        const socket = await listener.accept();
        backOff = 0;
        this.#welcome(socket, listener.secure ?? false);
      } catch (error) {
        // A peer that gave up while it waited is no reason to wait.
        if (this.#stopped || isPeersFault(error)) continue;
        this.#settings.onError(error);
        backOff = Math.min(MAX_BACK_OFF, backOff * 2 || MIN_BACK_OFF);
        await this.#sleep(backOff);
      }
    }
    this.#accepting = false;
    this.#finishIfDone();
  }

  /** Waits until woken, at most for so long. */
  async #sleep(delay: number): Promise<void> {
    const { clock } = this.#settings;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = delay === Infinity
      ? undefined
      : clock.setTimeout(resolve, delay);
    await promise;
    this.#wake = undefined;
    if (timer !== undefined) clock.clearTimeout(timer);
  }

  #welcome(socket: Transport, secure: boolean): void {
    if (this.#stopped) return closeQuietly(socket);
    if (isTlsSocket(socket)) this.#handshake(socket);
    else this.#attach({ transport: socket, secure });
  }

  async #handshake(socket: TlsSocket): Promise<void> {
    this.#handshaking.add(socket);
    const { clock, tlsHandshakeTimeout: timeout } = this.#settings;
    try {
      const { alpnProtocol } = await bounded(
        "The TLS handshake",
        () => socket.handshake(),
        {
          clock,
          timeout,
          timeoutError: () =>
            new ConnError(`The TLS handshake took over ${timeout} ms`, {
              code: "tls_timeout",
              side: "remote",
            }),
          discard: () => {},
        },
      );
      this.#handshaking.delete(socket);
      if (this.#stopped) closeQuietly(socket);
      else {
        const accepted = { transport: socket, secure: true };
        this.#attach(
          alpnProtocol === null ? accepted : { ...accepted, alpnProtocol },
        );
      }
    } catch (error) {
      this.#handshaking.delete(socket);
      closeQuietly(socket);
      if (!this.#stopped) this.#settings.onTlsError(error);
    }
    this.#wake?.();
    this.#finishIfDone();
  }

  #attach(accepted: Accepted): void {
    let conn: AnyConn;
    try {
      conn = this.#settings.attach(accepted);
    } catch (error) {
      closeQuietly(accepted.transport);
      return this.#settings.onError(error);
    }
    this.#conns.add(conn);
    onceClosed(conn, this.#onClosed);
  }

  readonly #onClosed = (conn: AnyConn): void => {
    this.#conns.delete(conn);
    this.#wake?.();
    this.#finishIfDone();
  };
}

function isTlsSocket(socket: Transport): socket is TlsSocket {
  return "handshake" in socket && socket.handshake !== undefined;
}

/** Whether a peer has left before it was accepted, and all of it at once. */
function isPeersFault(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    // Deno asks for the peer's address.
    error instanceof Deno.errors.NotConnected;
}
