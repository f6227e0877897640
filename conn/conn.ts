/**
 * What a program sees of a connection.
 *
 * @module
 */

import type { ConnError } from "./error.ts";
import type { Machine } from "./machine.ts";

/** Events that every protocol's connection has. */
export type LifeEvent =
  /** First: the connection is there, and speaks this protocol from here on. */
  | { type: "open" }
  /** The send queue fell below its low mark after `send` returned `false`. */
  | { type: "drain" }
  /** Last, exactly once; not sent to a handler that `become` replaced. */
  | { type: "close"; error?: ConnError };

/**
 * The user's function. If it returns a promise, reading pauses until that
 * settles: this is all there is to receive back-pressure. `drain` and `close`
 * do not wait for a pause. What it throws closes the connection, after the
 * protocol's error answer.
 *
 * @typeParam E The protocol's events.
 * @typeParam C The protocol's commands.
 */
export type Handler<E, C> = (
  event: E,
  conn: Conn<E, C>,
) => void | Promise<void>;

/** A handler around a handler: logs, limits, authenticates, routes. */
export type Middleware<E, C> = (next: Handler<E, C>) => Handler<E, C>;

/** Counters of one connection. */
export interface ConnStats {
  /** Bytes read from the transport. */
  readonly bytesIn: number;
  /** Bytes that the transport took. */
  readonly bytesOut: number;
  /** When the connection opened, in milliseconds since the epoch. */
  readonly openedAt: number;
}

/**
 * One connection, whatever it speaks: raw bytes, HTTP/1.1, WebSocket.
 *
 * Events come to the handler, or one by one from `for await` if no handler was
 * given.
 *
 * @typeParam E The protocol's events.
 * @typeParam C The protocol's commands.
 */
export interface Conn<E, C> extends AsyncIterable<E>, AsyncDisposable {
  /** Unique in this thread, counted from 1. The same after `become`. */
  readonly id: number;
  /** What it speaks now: `"tcp"`, `"http/1.1"`, `"websocket"`. */
  readonly protocol: string;
  /** Whether the bytes travel inside TLS. */
  readonly secure: boolean;
  /**
   * `"closing"` from the moment on in which nothing more can be sent, `"closed"`
   * when the transport is closed.
   */
  readonly state: "open" | "closing" | "closed";
  /** The address of this end. */
  readonly localAddr: Deno.Addr;
  /** The address of the peer. */
  readonly remoteAddr: Deno.Addr;
  /**
   * Aborts when the connection has closed, when it begins to because of an error,
   * or when the peer has left: it ended its side of the stream, and the protocol
   * has no half-open state.
   */
  readonly signal: AbortSignal;
  /** Bytes that were accepted and not yet given to the kernel. */
  readonly buffered: number;
  /**
   * Whether the send queue went over its high mark, and has not fallen below its
   * low one since. Who finds out here is told by the `drain` event, too.
   */
  readonly needsDrain: boolean;
  /** Counters. */
  readonly stats: ConnStats;
  /** Settles with the `close` event's error, or `undefined`, once that was sent. */
  readonly closed: Promise<ConnError | undefined>;
  /**
   * Sends a command. Does nothing on a closed connection.
   *
   * @returns `false` if the send queue is over its high mark: wait for the
   * `drain` event, or for {@linkcode Conn.drain}.
   * @throws {ConnError} If the command is invalid or out of place, or with code
   * `"detached"` after `become`.
   */
  send(command: C): boolean;
  /**
   * Resolves when the send queue is below its low mark; at once if it never went
   * over the high one, and when the connection closes.
   */
  drain(): Promise<void>;
  /**
   * Puts another protocol in this one's place. Input that this one's machine has
   * not consumed goes to the new one; this view is then detached.
   *
   * @param machine The new protocol.
   * @param handler Gets its events, first `open`. Left out: `for await`.
   * @param unread Bytes that an event of the old protocol gave to the handler
   * and that belong to the new one; they come first.
   * @throws {ConnError} With code `"detached"`, or `"closed"`.
   */
  become<E2, C2>(
    machine: Machine<E2, C2>,
    handler?: Handler<E2, C2>,
    unread?: Uint8Array,
  ): Conn<E2, C2>;
  /** Ends this side of the stream once all that is queued is sent. */
  closeWrite(): void;
  /**
   * Closes in order: the protocol's last words if there is an error, what is
   * queued, end of stream, and a bounded wait for the peer's end of stream.
   */
  close(error?: ConnError): void;
  /** Closes at once; what is queued is lost. */
  abort(error?: ConnError): void;
  /** Lets the connection keep the process alive again. */
  ref(): void;
  /** Stops the connection from keeping the process alive. */
  unref(): void;
}
