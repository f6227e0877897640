/**
 * The sending half of a connection.
 *
 * @module
 */

import { SendQueue } from "./_queue.ts";
import type { Transport } from "./transport.ts";
import { TurnEnd } from "./_turn_end.ts";

const resolved = Promise.resolve();
/** Writes for every connection that queued something in this turn. */
const writing = new TurnEnd<Output>((output) => output.flush());

/** While no more than this is queued, all that goes ahead is queued, too. */
const AHEAD_FREELY = 4096;

/** What the owner of an {@linkcode Output} is told. */
export interface OutputOwner {
  /** The queue fell to the low mark after it had been over the high one. */
  outputDrained(): void;
  /** The transport has taken all that was queued. */
  outputEmptied(): void;
  /** All that was queued is sent, and so is the end of the stream. */
  outputEnded(): void;
  /** A write failed. */
  outputFailed(cause: unknown): void;
}

/**
 * Queues what is sent in one turn of the event loop and hands it to the
 * transport in one write. While that is under way, more piles up for the next.
 */
export class Output {
  /** Bytes that the transport took. */
  sent = 0;
  /** Whether the program was told to wait, and not to go on since. */
  told = false;
  readonly #queue = new SendQueue();
  readonly #transport: Transport;
  readonly #owner: OutputOwner;
  #highMark = Infinity;
  #lowMark = Infinity;
  /** What goes ahead once the write under way is done: the newest of each name. */
  #ahead: Map<string, Uint8Array> | undefined;
  #writing = false;
  #flushQueued = false;
  #drained: PromiseWithResolvers<void> | undefined;
  #end: "no" | "wanted" | "sent" = "no";
  #closed = false;

  constructor(transport: Transport, owner: OutputOwner) {
    this.#transport = transport;
    this.#owner = owner;
  }

  /** Bytes queued and not yet taken. */
  get size(): number {
    return this.#queue.size;
  }

  /** Whether a write is under way. */
  get writing(): boolean {
    return this.#writing;
  }

  /** Whether the end of the stream has been sent. */
  get ended(): boolean {
    return this.#end === "sent";
  }

  /** Sets where the program is told to wait, and where it may go on. */
  setMarks(highMark: number, lowMark: number): void {
    this.#highMark = highMark;
    this.#lowMark = lowMark;
  }

  /** Queues data; ignored once the stream's end is wanted. */
  write(data: Uint8Array | string, goesOn = false): void {
    if (this.#end !== "no" || this.#closed) return;
    if (typeof data === "string") this.#queue.pushText(data, !goesOn);
    else this.#queue.push(data, !goesOn);
    this.#flushSoon();
  }

  /** Queues bytes that other outputs queue, too; see {@linkcode Sink.writeShared}. */
  writeShared(bytes: Uint8Array): void {
    if (this.#end !== "no" || this.#closed) return;
    this.#queue.pushShared(bytes);
    this.#flushSoon();
  }

  /** Queues bytes ahead of others; see {@linkcode Sink.writeAhead}. */
  writeAhead(bytes: Uint8Array, name: string): void {
    if (this.#end !== "no" || this.#closed) return;
    if (this.#queue.size <= AHEAD_FREELY) {
      this.#queue.pushAhead(bytes, this.#writing);
    } else {
      (this.#ahead ??= new Map()).set(name, bytes);
    }
    this.#flushSoon();
  }

  /** Notes that the program is told to wait, if it has to, and says so. */
  overHighMark(): boolean {
    return this.told ||= this.#queue.size > this.#highMark;
  }

  /** Resolves below the low mark; at once if the high one was not passed. */
  drain(): Promise<void> {
    if (!this.told || this.#closed) return resolved;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** Sends the stream's end after what is queued. */
  end(): void {
    if (this.#end !== "no") return;
    this.settleAhead();
    this.#end = "wanted";
    this.#flushSoon();
  }

  /** Forgets what is queued; whoever waits for a drain goes on. */
  close(): void {
    this.#closed = true;
    this.#queue.clear();
    this.#drained?.resolve();
  }

  /** Starts writing, unless a write is under way that will go on by itself. */
  flush(): void {
    this.#flushQueued = false;
    if (this.#writing || this.#closed) return;
    this.settleAhead();
    const bytes = this.#queue.peek();
    try {
      if (bytes !== undefined) {
        this.#writing = true;
        this.#transport.write(bytes).then(this.#onWritten, this.#onFailed);
      } else if (this.#end === "wanted") {
        this.#writing = true;
        this.#transport.closeWrite().then(this.#onEnded, this.#onFailed);
      }
    } catch (error) {
      // A transport that throws must not stop the other connections' turn.
      this.#onFailed(error);
    }
  }

  /** What goes ahead finds its place; see {@linkcode Sink.settleAhead}. */
  settleAhead(): void {
    if (this.#ahead === undefined) return;
    for (const bytes of this.#ahead.values()) {
      this.#queue.pushAhead(bytes, this.#writing);
    }
    this.#ahead = undefined;
  }

  #flushSoon(): void {
    if (this.#flushQueued || this.#writing) return;
    this.#flushQueued = true;
    writing.add(this);
  }

  // Callbacks, not an async function: this runs for every answer.
  readonly #onWritten = (count: number): void => {
    this.#writing = false;
    if (this.#closed) return;
    this.sent += count;
    this.#queue.advance(count);
    if (this.told && this.#queue.size <= this.#lowMark) this.#low();
    if (this.#queue.size === 0) this.#owner.outputEmptied();
    this.flush();
  };

  readonly #onFailed = (cause: unknown): void => {
    this.#writing = false;
    if (!this.#closed) this.#owner.outputFailed(cause);
  };

  readonly #onEnded = (): void => {
    this.#writing = false;
    this.#end = "sent";
    if (!this.#closed) this.#owner.outputEnded();
  };

  #low(): void {
    this.told = false;
    this.#drained?.resolve();
    this.#drained = undefined;
    this.#owner.outputDrained();
  }
}
