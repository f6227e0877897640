/**
 * What is sent while there is no connection.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import { notConnected } from "./_reconnect_errors.ts";
import { checkNumber } from "./_reconnect_policy.ts";
import { utf8Length } from "./codec/utf8.ts";
import { misuse } from "./machine/misuse.ts";
import { PreparedMessage } from "./machine/prepared.ts";
import type { WsConn } from "./ws_conn.ts";

/** A whole message. */
export type Message = string | Uint8Array | PreparedMessage;

// Empty messages are not for free.
const OVERHEAD = 16;

/**
 * What a program sends, over all connections: it goes to the connection of the
 * moment, or waits for the next one.
 */
export class Outbox {
  readonly #queue: WaitingMessages | undefined;
  readonly #onDrain: () => void;
  #conn: WsConn | undefined;
  /** Whether what has waited is sent. */
  #isReady = false;
  #ready = Promise.withResolvers<void>();
  #drainOwed = false;
  /** Messages go ahead of those that have waited. */
  ahead = false;

  /**
   * @param queue How many bytes may wait; `"reject"`: none.
   * @param onDrain Called when all that has waited is sent, and there is room.
   * @throws {RangeError} If that is not a number of bytes.
   */
  constructor(queue: number | "reject", onDrain: () => void) {
    if (queue !== "reject") {
      checkNumber("queue", queue);
      this.#queue = new WaitingMessages(queue);
    }
    this.#onDrain = onDrain;
  }

  /** There is a connection, which gets nothing yet of what has waited. */
  opened(conn: WsConn): void {
    this.#conn = conn;
  }

  /** The connection is gone. */
  lost(): void {
    this.#conn = undefined;
    if (!this.#isReady) return;
    this.#isReady = false;
    this.#ready = Promise.withResolvers();
  }

  /** It is over: what waits is lost. */
  ended(): void {
    this.#conn = undefined;
    this.#queue?.clear();
    this.#ready.resolve();
  }

  /**
   * Sends a message, or keeps it.
   *
   * @throws {ConnError} With code `"send_queue_full"` or `"not_connected"`.
   */
  send(message: Message): boolean {
    const conn = this.#conn?.state === "open" ? this.#conn : undefined;
    const now = this.#isReady || this.ahead || this.#queue === undefined;
    if (conn !== undefined && now) return conn.send(message);
    if (this.#queue === undefined) throw notConnected("send");
    this.#queue.push(message);
    this.#drainOwed = true;
    return false;
  }

  /**
   * Sends what has waited, if this is still the connection.
   *
   * @throws {ConnError} With code `"message_open"`: it goes on waiting.
   */
  flush(conn: WsConn): void {
    if (conn !== this.#conn || conn.state !== "open" || this.#isReady) return;
    const low = this.#queue?.sendTo(conn) ?? true;
    this.#isReady = true;
    this.#ready.resolve();
    if (!this.#drainOwed) return;
    this.#drainOwed = false;
    // Otherwise the connection will say so.
    if (low) this.#onDrain();
  }

  /**
   * Resolves when nothing waits any more, here or at the connection.
   *
   * The handler of `open` may wait for it: what has waited is sent at once then,
   * not when the handler is done, or each would wait for the other.
   *
   * @throws {ConnError} With code `"message_open"`.
   */
  async drain(): Promise<void> {
    // A handler has come to its first `await` by then.
    await Promise.resolve();
    if (this.#conn !== undefined) this.flush(this.#conn);
    await this.#ready.promise;
    await this.#conn?.drain();
  }
}

/** Messages that wait for a connection, bounded by their size. */
class WaitingMessages {
  readonly #max: number;
  #messages: Message[] = [];
  #size = 0;

  /** @param max In bytes; a message counts its payload and 16 more. */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Adds a message.
   *
   * @throws {ConnError} With code `"send_queue_full"` or `"command_invalid"`.
   */
  push(message: Message): void {
    const size = this.#size + sizeOf(message) + OVERHEAD;
    if (size > this.#max) {
      throw new ConnError(
        `Cannot queue the message: ${size} bytes would wait for a connection, expected at most ${this.#max}`,
        { code: "send_queue_full", side: "local" },
      );
    }
    this.#size = size;
    this.#messages.push(message);
  }

  /**
   * Sends all messages, which wait no more.
   *
   * @returns Whether the connection can take more.
   * @throws {ConnError} If it cannot take one: that and those behind it stay.
   */
  sendTo(conn: WsConn): boolean {
    let low = true;
    let sent = 0;
    try {
      for (const message of this.#messages) {
        low = conn.send(message);
        sent++;
      }
    } finally {
      this.#messages.splice(0, sent);
      this.#size = 0;
      for (const rest of this.#messages) this.#size += sizeOf(rest) + OVERHEAD;
    }
    return low;
  }

  /** Drops all messages. */
  clear(): void {
    this.#messages = [];
    this.#size = 0;
  }
}

function sizeOf(message: Message): number {
  if (typeof message === "string") return utf8Length(message);
  if (message instanceof Uint8Array) return message.length;
  if (message instanceof PreparedMessage) return message.size;
  // Where the types are not checked: a connection would refuse it, too.
  throw misuse("command_invalid", "Cannot queue what is no message");
}
