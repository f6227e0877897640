/**
 * WebSocket, RFC 6455 and RFC 7692, as a machine.
 *
 * The opening handshake is not its business: it begins where HTTP has answered
 * 101. Frames come through a `Receiver` and go through a `Sender`; what these
 * share is a `Session`.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import type { Machine, Sink } from "../../conn/machine.ts";
import type { DeflateAgreement } from "../deflate/params.ts";
import { resolveLimits, type WsOptions } from "./limits.ts";
import type { MessageKind, WsCommand, WsEvent } from "./message.ts";
import { Session } from "./_session.ts";

/** Which side of a connection it is: they differ in who masks, and who hangs up. */
export type WsRole = "server" | "client";

/**
 * The WebSocket protocol, for a connection on which the opening handshake is done.
 *
 * @example A WebSocket in memory
 * ```ts
 * import { attach, memoryPair } from "@meerkat/net/conn";
 * import { WsMachine } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * const [here, there] = memoryPair();
 * attach(there, new WsMachine("server"), (event, conn) => {
 *   if (event.type === "message") conn.send(event.data);
 * });
 * const replies: unknown[] = [];
 * const client = attach(here, new WsMachine("client"), (event, conn) => {
 *   if (event.type === "open") conn.send("hello");
 *   if (event.type !== "message") return;
 *   replies.push(event.data);
 *   conn.close();
 * });
 * await client.closed;
 * assertEquals(replies, ["hello"]);
 * ```
 */
export class WsMachine implements Machine<WsEvent, WsCommand> {
  /** `"websocket"`. */
  readonly protocol = "websocket";
  /** See {@linkcode WsLimits.highMark}. */
  readonly highMark?: number;
  /** See {@linkcode WsLimits.closeTimeout}. */
  readonly closeTimeout: number;
  readonly #session: Session;

  /**
   * Creates a machine.
   *
   * @param role The server side of the connection, or the client side.
   * @param options Limits and time-outs.
   * @param deflate What the opening handshake agreed on about compression.
   * @throws {RangeError} If a limit is out of its range.
   */
  constructor(role: WsRole, options?: WsOptions, deflate?: DeflateAgreement) {
    const settings = resolveLimits(options);
    if (settings.highMark !== undefined) this.highMark = settings.highMark;
    this.closeTimeout = settings.closeTimeout;
    this.#session = new Session(role, settings, deflate);
  }

  /** Milliseconds from the last ping that was answered to its pong. */
  get latency(): number | undefined {
    return this.#session.latency;
  }

  /** Whether a close frame was sent: messages are dropped from then on. */
  get closing(): boolean {
    return this.#session.closing;
  }

  /** The kind of the message of which some fragments, but not all, were sent. */
  get sending(): MessageKind | undefined {
    return this.#session.sending;
  }

  /** Takes frames, unmasking them in place. */
  receive(bytes: Uint8Array, sink: Sink<WsEvent>): number {
    return this.#session.receive(bytes, sink);
  }

  /** Takes note that a pause is over. */
  resume(sink: Sink<WsEvent>): void {
    this.#session.resume(sink);
  }

  /** Takes the end of the peer's stream. */
  receiveEnd(_rest: Uint8Array, sink: Sink<WsEvent>): void {
    this.#session.receiveEnd(sink);
  }

  /**
   * Sends a message or a control frame.
   *
   * @returns `false` after a close frame: nothing is sent then.
   * @throws {ConnError} With code `"message_open"`, `"fragment_invalid"`,
   * `"control_too_long"` or `"close_invalid"`.
   */
  send(command: WsCommand, sink: Sink<WsEvent>): boolean {
    return this.#session.send(command, sink);
  }

  /**
   * Sends the close frame that belongs to the error: its `reply` if that is a
   * close code; otherwise 1011 if the fault is here, and 1001 if it is not.
   */
  fail(error: ConnError, sink: Sink<WsEvent>): void {
    this.#session.fail(error, sink);
  }

  /** Closes with 1001: the server is going away. */
  drain(sink: Sink<WsEvent>): void {
    this.#session.close(1001, sink);
  }

  /** Closes with 1000. */
  close(sink: Sink<WsEvent>): void {
    this.#session.close(1000, sink);
  }

  /** When the next ping is due, or the end of some patience. */
  deadline(): number {
    return this.#session.deadline();
  }

  /** Pings, or closes a connection that takes too long. */
  tick(sink: Sink<WsEvent>): void {
    this.#session.tick(sink);
  }

  /** Makes the `close` event, with what the peer's close frame said. */
  closeEvent(error: ConnError | undefined): WsEvent & { type: "close" } {
    return this.#session.closeEvent(error);
  }

  /** Gives the memory of the compression contexts back. */
  release(): void {
    this.#session.release();
  }
}
