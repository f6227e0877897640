/**
 * The sending half of a connection.
 *
 * @module
 */

import { SendQueue } from "./_queue.ts";
import type { Sink } from "./machine.ts";
import type { Transport } from "./transport.ts";

const resolved = Promise.resolve();
/** Who queued something in this turn. Emptied in place: it fills every turn. */
const dirty: (Output | undefined)[] = [];
let dirtyCount = 0;

/** Writes for every connection that queued something in this turn. */
function flushDirty(): void {
  for (let i = 0; i < dirtyCount; i++) {
    dirty[i]!.flush();
    dirty[i] = undefined;
  }
  dirtyCount = 0;
}

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
  readonly #queue = new SendQueue();
  readonly #transport: Transport;
  readonly #owner: OutputOwner;
  #highMark: number;
  #lowMark: number;
  /** What goes ahead of the queue, by name: the newest of each. */
  #ahead: Map<string, Uint8Array> | undefined;
  #writing = false;
  #flushQueued = false;
  #overHigh = false;
  #drained: PromiseWithResolvers<void> | undefined;
  #end: "no" | "wanted" | "sent" = "no";
  #closed = false;

  constructor(
    transport: Transport,
    owner: OutputOwner,
    highMark: number,
    lowMark: number,
  ) {
    this.#transport = transport;
    this.#owner = owner;
    this.#highMark = highMark;
    this.#lowMark = lowMark;
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
    // It is ahead of what comes now in any case.
    if (this.#ahead !== undefined) this.#moveAhead();
    if (typeof data === "string") this.#queue.pushText(data, !goesOn);
    else this.#queue.push(data, !goesOn);
    this.#flushSoon();
  }

  /** Queues bytes ahead of others; see {@linkcode Sink.writeAhead}. */
  writeAhead(bytes: Uint8Array, name: string): void {
    if (this.#end !== "no" || this.#closed) return;
    (this.#ahead ??= new Map()).set(name, bytes);
    this.#flushSoon();
  }

  /** Notes that the program was told to wait, if it is, and says so. */
  overHighMark(): boolean {
    if (this.#queue.size > this.#highMark) this.#overHigh = true;
    return this.#overHigh;
  }

  /** Resolves below the low mark; at once if the high one was not passed. */
  drain(): Promise<void> {
    if (!this.#overHigh || this.#closed) return resolved;
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** Sends the stream's end after what is queued. */
  end(): void {
    if (this.#end !== "no") return;
    if (this.#ahead !== undefined) this.#moveAhead();
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
    if (this.#ahead !== undefined) this.#moveAhead();
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

  /** What goes ahead finds its place; from here on no other one replaces it. */
  #moveAhead(): void {
    for (const bytes of this.#ahead!.values()) {
      this.#queue.pushAhead(bytes, this.#writing);
    }
    this.#ahead = undefined;
  }

  #flushSoon(): void {
    if (this.#flushQueued || this.#writing) return;
    this.#flushQueued = true;
    dirty[dirtyCount++] = this;
    if (dirtyCount === 1) resolved.then(flushDirty);
  }

  // Callbacks, not an async function: this runs for every answer.
  readonly #onWritten = (count: number): void => {
    this.#writing = false;
    if (this.#closed) return;
    this.sent += count;
    this.#queue.advance(count);
    if (this.#overHigh && this.#queue.size <= this.#lowMark) this.#low();
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
    this.#overHigh = false;
    this.#drained?.resolve();
    this.#drained = undefined;
    this.#owner.outputDrained();
  }
}
