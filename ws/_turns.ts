// Who may send, while messages are sent as streams: fragments of one message
// cannot go between those of another (RFC 6455 §5.4).

import type { Conn } from "../conn/conn.ts";
import { ConnError } from "../conn/error.ts";
import { MAX_COPIED } from "../conn/machine.ts";
import type {
  FragmentCommand,
  WholeCommand,
  WsCommand,
  WsEvent,
} from "./machine/message.ts";

/** The most bytes that may wait for a stream to end. */
const MAX_HELD = 64 * 1024 * 1024;

/** What the owner of {@linkcode Turns} is asked and told. */
export interface TurnsOwner {
  /** Whether messages can be sent. */
  isOpen(): boolean;
  /**
   * Nothing waits any more.
   *
   * @param held Whether something had to.
   */
  over(held: boolean): void;
}

/** A stream that has its turn, or waits for it. */
export interface Turn {
  /** Its turn has come. */
  begin(): void;
  /** It can send no more. */
  fail(error: ConnError): void;
}

type Waiting = { turn: Turn } | { message: WholeCommand };

/** The order of streams, and of the messages that wait for them to end. */
export class Turns {
  readonly #conn: Conn<WsEvent, WsCommand>;
  readonly #owner: TurnsOwner;
  readonly #waiting: Waiting[] = [];
  readonly #finished = Promise.withResolvers<void>();
  #current: Turn | undefined;
  #size = 0;
  #held = false;

  constructor(conn: Conn<WsEvent, WsCommand>, owner: TurnsOwner) {
    this.#conn = conn;
    this.#owner = owner;
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#owner.isOpen();
  }

  /** Bytes, or characters, that wait. */
  get size(): number {
    return this.#size;
  }

  /** Resolves when nothing waits any more. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Gives a stream its turn, now or later. */
  request(turn: Turn): void {
    if (this.#current !== undefined) {
      this.#waiting.push({ turn });
      return;
    }
    this.#current = turn;
    turn.begin();
  }

  /** Keeps a message until its turn. */
  hold(message: WholeCommand): void {
    this.#held = true;
    this.#size += sizeOf(message);
    this.#waiting.push({ message: kept(message) });
    if (this.#size <= MAX_HELD) return;
    this.#conn.abort(
      new ConnError(
        `Cannot hold more than ${MAX_HELD} bytes until a stream ends`,
        { code: "send_queue_full", side: "local" },
      ),
    );
  }

  /**
   * Sends for the stream whose turn it is.
   *
   * @returns Resolves when there is room for more.
   * @throws {ConnError} With code `"closed"` or `"fragment_invalid"`.
   */
  send(command: FragmentCommand): void | Promise<void> {
    if (!this.isOpen) throw connClosed();
    if (!this.#conn.send(command)) return this.#conn.drain();
  }

  /** A stream is done: sends what waits, up to the next one. */
  end(turn: Turn): void {
    if (turn !== this.#current) {
      const index = this.#waiting.findIndex((next) =>
        "turn" in next && next.turn === turn
      );
      if (index >= 0) this.#waiting.splice(index, 1);
      return;
    }
    let next;
    while ((next = this.#waiting.shift()) !== undefined) {
      if ("turn" in next) {
        this.#current = next.turn;
        return next.turn.begin();
      }
      this.#size -= sizeOf(next.message);
      this.#conn.send(next.message);
    }
    this.#finish();
  }

  /** Closes the connection because of the stream whose turn it is. */
  break(error: ConnError): void {
    this.#conn.close(error);
  }

  /** The connection has closed. */
  cancel(error: ConnError): void {
    this.#current?.fail(error);
    for (const next of this.#waiting.splice(0)) {
      if ("turn" in next) next.turn.fail(error);
    }
    this.#size = 0;
    this.#finish();
  }

  #finish(): void {
    this.#current = undefined;
    this.#finished.resolve();
    this.#owner.over(this.#held);
  }
}

/** What is sent at once is copied if it is small; so is what has to wait. */
function kept(message: WholeCommand): WholeCommand {
  const small = message instanceof Uint8Array && message.length <= MAX_COPIED;
  return small ? message.slice() : message;
}

function sizeOf(message: WholeCommand): number {
  return typeof message === "string" || message instanceof Uint8Array
    ? message.length
    : message.size;
}

/** What who wants to send on a closed connection gets. */
export function connClosed(): ConnError {
  return new ConnError("Cannot send: the connection is closed", {
    code: "closed",
    side: "local",
  });
}
