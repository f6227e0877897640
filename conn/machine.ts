/**
 * What turns bytes into events and commands into bytes.
 *
 * @module
 */

import type { ConnError } from "./error.ts";

/** Arrays up to this size are copied by {@linkcode Sink.write}, in bytes. */
export const MAX_COPIED: number = 32 * 1024;

/**
 * Where a {@linkcode Machine} puts what it makes: events for the handler, bytes
 * for the transport. The I/O loop implements it.
 */
export interface Sink<E> {
  /** Milliseconds on the connection's clock when the present call began. */
  readonly now: number;
  /**
   * Bytes that were written here and that the transport has not taken yet. When
   * it has taken all, input that a machine has left is offered again.
   */
  readonly buffered: number;
  /** Whether the handler has paused input. */
  readonly paused: boolean;
  /**
   * Hands an event to the handler.
   *
   * @returns `false` if the machine must stop making events and return from
   * `receive` at once: the handler paused reading, put another machine in this
   * one's place, or closed the connection. What the machine does not consume is
   * offered again.
   */
  emit(event: E): boolean;
  /**
   * Queues bytes, or a string that is sent as UTF-8. Arrays of up to
   * {@linkcode MAX_COPIED} bytes are copied; larger ones are sent from where they
   * are, so the caller gives them away.
   *
   * @param data What to send.
   * @param goesOn What belongs together is not complete yet: the next call goes
   * on with it, and nothing may come between.
   */
  write(data: Uint8Array | string, goesOn?: boolean): void;
  /**
   * Queues bytes that are queued on other connections, too, by reference. They
   * must never change. What is queued on many connections one after the other is
   * put together for a write once, and not for each.
   */
  writeShared(bytes: Uint8Array): void;
  /**
   * Queues a few bytes ahead of what waits, behind what is being written (up to
   * 64 KiB of small pieces) and what belongs together with it.
   *
   * @param bytes What to send.
   * @param name Once more than 4 KiB is queued, only the newest of each name waits.
   */
  writeAhead(bytes: Uint8Array, name: string): void;
  /** Puts what waits to go ahead where nothing that is written later can pass it. */
  settleAhead(): void;
  /**
   * Ends the connection in order: what is queued is sent, this side of the
   * stream ends, and the peer gets a bounded time to do the same. With an error,
   * the handler's `close` event carries it; {@linkcode Machine.fail} is not
   * called for it.
   */
  close(error?: ConnError): void;
  /** Ends the connection at once; what is queued is lost. */
  abort(error?: ConnError): void;
  /**
   * Goes on offering input also while the handler has paused: nothing that comes
   * from here on is for it.
   */
  readOn(): void;
}

/**
 * A protocol, as a state machine: bytes to events, commands to bytes. It does no
 * I/O, holds no timer and never awaits, so it runs the same over a socket and in
 * a test.
 *
 * @typeParam E The events that it makes.
 * @typeParam C The commands that it takes.
 */
export interface Machine<E, C> {
  /** The protocol's name, as {@linkcode Conn.protocol} shows it. */
  readonly protocol: string;
  /**
   * Whether the peer may end its side of the stream and still be there for the
   * answer. If it is not set, the end of the peer's stream aborts
   * {@linkcode Conn.signal} at once, even while a handler is at work.
   */
  readonly halfOpen?: boolean;
  /**
   * The most bytes that the machine may leave unconsumed while it waits for
   * more, by default 256 KiB.
   */
  readonly lookahead?: number;
  /**
   * Above this many queued bytes, {@linkcode Conn.send} returns `false`; in place
   * of what the connection was made with.
   */
  readonly highMark?: number;
  /**
   * How long an orderly close waits for the peer's end of stream, in milliseconds;
   * in place of what the connection was made with.
   */
  readonly closeTimeout?: number;
  /**
   * Takes input. Events that carry bytes carry copies: `bytes` is only valid
   * during the call, and the machine may change what it consumes of it.
   *
   * @param bytes All input that is not consumed yet, in one piece.
   * @param sink Where events and answers go.
   * @returns How many bytes were consumed. The rest is offered again in front of
   * what comes next, after the handler's pause, or after a command.
   */
  receive(bytes: Uint8Array, sink: Sink<E>): number;
  /**
   * Makes the events that were held back because `emit` returned `false` and to
   * which no more input belongs. Called when the handler's pause is over, before
   * what is unconsumed is offered again. Not needed by a machine that makes one
   * event of each piece of input.
   */
  resume?(sink: Sink<E>): void;
  /**
   * Takes the end of the peer's stream, after all that could be consumed was.
   *
   * @param rest The bytes that were not consumed.
   * @param sink Where events and answers go.
   * @returns `false` if a command is needed before the rest can be consumed: the
   * input is offered again after one, and the end told again. Otherwise the end
   * is told once, and the rest is lost.
   */
  receiveEnd(rest: Uint8Array, sink: Sink<E>): boolean | void;
  /**
   * Takes a command from the program and writes it. May run inside `receive`,
   * from a handler.
   *
   * @returns `false` if it was dropped, because the protocol has said goodbye.
   * @throws {ConnError} If the command is invalid, or out of place.
   */
  send(command: C, sink: Sink<E>): boolean | void;
  /**
   * Writes the protocol's last words before the connection closes because of
   * `error`: an HTTP error answer, a WebSocket close frame.
   */
  fail(error: ConnError, sink: Sink<E>): void;
  /** Finishes what is under way, takes nothing new, and then closes the sink. */
  drain(sink: Sink<E>): void;
  /**
   * Says the protocol's goodbye for {@linkcode Conn.close}, and closes the sink
   * when that is done. Left out: the sink is closed at once.
   */
  close?(sink: Sink<E>): void;
  /**
   * When the machine wants {@linkcode Machine.tick}, in milliseconds on the
   * sink's clock; `Infinity` for never. Asked after every call of a method above.
   */
  deadline?(): number;
  /** Runs what is due: a time-out, a heartbeat. */
  tick?(sink: Sink<E>): void;
  /**
   * Makes the `close` event, for a protocol that has more to say than why the
   * connection failed. Its `error` is also what {@linkcode Conn.closed} gives.
   *
   * @param error Why it failed, if it did.
   */
  closeEvent?(error: ConnError | undefined): E & { error?: ConnError };
  /**
   * Frees what the machine holds outside itself. Called once, when the connection
   * has closed or another machine has taken this one's place.
   */
  release?(): void;
}
