/**
 * The sending half of the drop-in class.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import type { CloseArguments, Outgoing } from "./_websocket_arguments.ts";
import type { WsConn } from "./ws_conn.ts";

/** A message that is on its way, and where in the connection's output it ends. */
interface Mark {
  readonly end: number;
  readonly size: number;
}

/**
 * Sends messages in order, though a `Blob` has to be read first, and counts the
 * bytes of payload that have not left yet.
 */
export class BufferedSender {
  #conn: WsConn | undefined;
  /** What comes behind a `Blob` that is being read, that one included. */
  #waiting: (Outgoing | { close: CloseArguments })[] = [];
  #waitingSize = 0;
  #marks: Mark[] = [];
  #markedSize = 0;
  /** Bytes that will never leave; the standard counts them all the same. */
  #lost = 0;

  /** The connection is there. */
  open(conn: WsConn): void {
    this.#conn = conn;
  }

  /** The connection is closed: what has not left is lost. */
  closed(): void {
    this.#prune();
    this.#lost += this.#markedSize + this.#waitingSize;
    this.#markedSize = this.#waitingSize = 0;
    this.#marks = [];
    this.#waiting = [];
    this.#conn = undefined;
  }

  /** Bytes of payload that were given to `send` and have not left. */
  get bufferedAmount(): number {
    this.#prune();
    return this.#lost + this.#markedSize + this.#waitingSize;
  }

  /** Counts a message that comes too late to be sent. */
  drop(size: number): void {
    this.#lost += size;
  }

  /** Sends a message after those before it. */
  send(message: Outgoing): void {
    if (this.#waiting.length === 0 && !(message.data instanceof Blob)) {
      return this.#write(message.data, message.size);
    }
    const { data, size } = message;
    this.#waitingSize += size;
    // The program may change its bytes before their turn comes.
    const kept = data instanceof Uint8Array ? data.slice() : data;
    this.#wait({ data: kept, size });
  }

  /** Begins the closing handshake after all messages. */
  close(close: CloseArguments): void {
    if (this.#waiting.length === 0) this.#writeClose(close);
    else this.#wait({ close });
  }

  #wait(item: Outgoing | { close: CloseArguments }): void {
    if (this.#waiting.push(item) === 1) this.#sendWaiting();
  }

  async #sendWaiting(): Promise<void> {
    while (this.#waiting[0] !== undefined) {
      const item = this.#waiting[0];
      if ("close" in item) {
        this.#writeClose(item.close);
        this.#waiting.shift();
        continue;
      }
      const data = item.data instanceof Blob
        ? await this.#read(item.data)
        : item.data;
      // The connection may have closed meanwhile, and the list is another one.
      if (this.#waiting[0] !== item) return;
      this.#waitingSize -= item.size;
      if (data === undefined) this.#lost += item.size;
      else this.#write(data, item.size);
      this.#waiting.shift();
    }
  }

  /** Reads a `Blob`; one that cannot be read, a deleted file's, is a failure. */
  async #read(blob: Blob): Promise<Uint8Array | undefined> {
    try {
      return new Uint8Array(await blob.arrayBuffer());
    } catch (cause) {
      this.#conn?.abort(
        new ConnError(`Cannot read a Blob of ${blob.size} bytes to send it`, {
          code: "blob_unreadable",
          side: "local",
          cause,
        }),
      );
      return undefined;
    }
  }

  #write(data: string | Uint8Array, size: number): void {
    const conn = this.#conn;
    // The peer has begun to close, and the program has not been told yet.
    if (conn?.state !== "open") {
      this.#lost += size;
      return;
    }
    if (this.#marks.length > 0) this.#prune();
    conn.send(data);
    if (size === 0) return;
    this.#marks.push({ end: conn.stats.bytesOut + conn.buffered, size });
    this.#markedSize += size;
  }

  #writeClose(close: CloseArguments): void {
    if (this.#conn?.state === "open") {
      this.#conn.send({ type: "close", ...close });
    }
  }

  /** Forgets the messages that have left. */
  #prune(): void {
    if (this.#conn === undefined) return;
    const { bytesOut } = this.#conn.stats;
    let count = 0;
    for (const { end, size } of this.#marks) {
      if (end > bytesOut) break;
      this.#markedSize -= size;
      count++;
    }
    if (count > 0) this.#marks.splice(0, count);
  }
}
