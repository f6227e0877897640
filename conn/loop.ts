/**
 * Running a machine over a transport, and what a program holds of it.
 *
 * @module
 */

import type { Clock } from "./clock.ts";
import type { Conn, ConnStats, Handler } from "./conn.ts";
import { ConnError } from "./error.ts";
import { EventQueue, iterate } from "./event_queue.ts";
import { type AnyEvent, type AnyMachine, type AnyView, Link } from "./_link.ts";
import type { Machine } from "./machine.ts";
import type { Transport } from "./transport.ts";

/** How a connection is run. All times are in milliseconds. */
export interface AttachOptions {
  /**
   * Above this many queued bytes, `send` returns `false`.
   *
   * @default {65536}
   */
  highMark?: number;
  /**
   * Below this many queued bytes, `drain` follows.
   *
   * @default A quarter of `highMark`
   */
  lowMark?: number;
  /**
   * Above this many queued bytes the connection is aborted, with code
   * `"send_queue_full"`, if the program goes on sending after it was told to
   * wait. A single message may be larger.
   *
   * @default {67108864}
   */
  maxBuffered?: number;
  /**
   * A connection over which nothing was received for so long is closed, with
   * code `"idle_timeout"`. Time in which the handler has paused it does not
   * count. `Infinity` for never, which is right where the protocol has its own
   * time-outs.
   *
   * @default {Infinity}
   */
  idleTimeout?: number;
  /**
   * A write of which the kernel took nothing for so long aborts the connection,
   * with code `"send_timeout"`. Checked coarsely: it takes up to twice as long.
   *
   * @default {30000}
   */
  sendTimeout?: number;
  /**
   * How long an orderly close waits for the peer's end of stream once all that
   * was queued is sent. After it the connection is cut. A peer that takes nothing
   * of what is queued is a matter of `sendTimeout`.
   *
   * @default {5000}
   */
  closeTimeout?: number;
  /**
   * Whether the bytes travel inside TLS, as {@linkcode Conn.secure} shows it.
   *
   * @default {false}
   */
  secure?: boolean;
  /** Bytes that were already read from the transport; they come first. */
  unread?: Uint8Array;
  /** The clock of all time-outs. */
  clock?: Clock;
  /**
   * Gets what a handler threw, unless that was a {@linkcode ConnError} with a
   * `reply`, which is a way to answer.
   *
   * @default {console.error}
   */
  onError?: (error: unknown) => void;
}

/** A program's hold on a link, until another protocol takes its place. */
class View<E extends AnyEvent, C> implements Conn<E, C> {
  readonly #link: Link;
  readonly #events: EventQueue<E> | undefined;
  /** What the link calls. */
  readonly handler: Handler<E, C>;

  constructor(link: Link, handler: Handler<E, C> | undefined) {
    this.#link = link;
    if (handler === undefined) this.#events = new EventQueue();
    this.handler = handler ?? this.#events!.handler;
  }

  /** Ends an iteration that waits: the events go to another view now. */
  detached(): void {
    this.#events?.end(this.#detachedError());
  }

  /** The link behind a connection, whatever it speaks now. */
  static linkOf<E, C>(conn: Conn<E, C>): Link {
    return (conn as unknown as View<AnyEvent, unknown>).#link;
  }

  get id(): number {
    return this.#link.id;
  }
  get protocol(): string {
    return this.#attached().machine.protocol;
  }
  get secure(): boolean {
    return this.#link.secure;
  }
  get state(): "open" | "closing" | "closed" {
    return this.#link.state;
  }
  get localAddr(): Deno.Addr {
    return this.#link.transport.localAddr;
  }
  get remoteAddr(): Deno.Addr {
    return this.#link.transport.remoteAddr;
  }
  get signal(): AbortSignal {
    return this.#link.signal;
  }
  get buffered(): number {
    return this.#link.output.size;
  }
  get needsDrain(): boolean {
    return this.#link.output.overHighMark();
  }
  get stats(): ConnStats {
    const { bytesIn, output, openedAt } = this.#link;
    return { bytesIn, bytesOut: output.sent, openedAt };
  }
  get closed(): Promise<ConnError | undefined> {
    return this.#link.finished;
  }
  send(command: C): boolean {
    return this.#attached().send(command);
  }
  drain(): Promise<void> {
    return this.#link.output.drain();
  }
  become<E2, C2>(
    machine: Machine<E2, C2>,
    handler?: Handler<E2, C2>,
    unread?: Uint8Array,
  ): Conn<E2, C2> {
    return this.#attached().become(
      machine as AnyMachine,
      handler as Handler<AnyEvent, unknown> | undefined,
      unread,
    ) as unknown as Conn<E2, C2>;
  }
  closeWrite(): void {
    this.#attached().output.end();
  }
  close(error?: ConnError): void {
    this.#attached().closeOrderly(error);
  }
  abort(error?: ConnError): void {
    this.#link.finish(error);
  }
  ref(): void {
    this.#link.transport.ref?.();
  }
  unref(): void {
    this.#link.transport.unref?.();
  }
  [Symbol.asyncIterator](): AsyncIterator<E, undefined> {
    return iterate(this.#events);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#link.closeOrderly();
    await this.#link.finished;
  }

  #attached(): Link {
    if (this.#link.view !== (this as unknown as AnyView)) {
      throw this.#detachedError();
    }
    return this.#link;
  }

  #detachedError(): ConnError {
    return new ConnError(
      `Connection ${this.#link.id} speaks another protocol now: use what "become" returned`,
      { code: "detached", side: "local" },
    );
  }
}

/**
 * Runs a protocol over a transport: how `listen` and `dial` make connections,
 * and how a test makes one without a socket.
 *
 * @param transport Moves the bytes; closed with the connection.
 * @param machine The protocol.
 * @param handler Gets the events, first `open`. Left out: `for await`.
 * @param options Marks, time-outs and the clock.
 * @returns The connection.
 *
 * @example An echo server in memory
 * ```ts
 * import { attach, memoryPair, RawMachine } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const [here, there] = memoryPair();
 * attach(there, new RawMachine(), (event, conn) => {
 *   if (event.type === "bytes") conn.send(event.bytes);
 * });
 * let reply = "";
 * const client = attach(here, new RawMachine(), (event, conn) => {
 *   if (event.type === "open") conn.send("hello");
 *   if (event.type !== "bytes") return;
 *   reply += new TextDecoder().decode(event.bytes);
 *   conn.close();
 * });
 * await client.closed;
 * assertEquals(reply, "hello");
 * ```
 */
export function attach<E, C>(
  transport: Transport,
  machine: Machine<E, C>,
  handler?: Handler<E, C>,
  options: AttachOptions = {},
): Conn<E, C> {
  const link = new Link(
    transport,
    machine as unknown as AnyMachine,
    (link, handler) => new View(link, handler),
    handler as Handler<AnyEvent, unknown> | undefined,
    options,
  );
  link.start();
  return link.view as unknown as Conn<E, C>;
}

/**
 * Calls a function with the connection when that has closed: what
 * {@linkcode Conn.closed} does, without a promise for each connection.
 */
export function onceClosed<E, C>(
  conn: Conn<E, C>,
  listener: (conn: Conn<E, C>) => void,
): void {
  View.linkOf(conn).onFinished(
    listener as (subject: unknown) => void,
    conn,
  );
}

/**
 * Lets a connection finish what its protocol has under way, and then closes it.
 *
 * @param conn The connection; also one that has become another protocol since.
 */
export function drainConn<E, C>(conn: Conn<E, C>): void {
  View.linkOf(conn).drainMachine();
}
