/**
 * One direction of an in-memory connection.
 *
 * @module
 */

interface Reading extends PromiseWithResolvers<number | null> {
  readonly buffer: Uint8Array;
}

interface Writing extends PromiseWithResolvers<number> {
  readonly bytes: Uint8Array;
}

function closedHere(): Error {
  return new Deno.errors.BadResource("The end is closed");
}

function interrupted(): Error {
  return new Deno.errors.Interrupted("The end was closed meanwhile");
}

function brokenPipe(): Error {
  return new Deno.errors.BrokenPipe("Broken pipe");
}

function wasReset(): Error {
  return new Deno.errors.ConnectionReset("Connection reset by peer");
}

/** A bounded first-in, first-out buffer with one reader and one writer. */
export class Pipe {
  chunk: number | (() => number);
  readonly #capacity: number;
  /** A ring; made by the first write. */
  #ring: Uint8Array | undefined;
  #start = 0;
  #size = 0;
  #reading: Reading | undefined;
  #writing: Writing | undefined;
  #stalled = false;
  /** Nothing more will be written. */
  #ended = false;
  #readerClosed = false;
  #writerClosed = false;
  #reset = false;

  constructor(capacity: number, chunk: number | (() => number)) {
    this.#capacity = capacity;
    this.chunk = chunk;
  }

  read(buffer: Uint8Array): Promise<number | null> {
    if (this.#readerClosed) return Promise.reject(closedHere());
    if (this.#reset) return Promise.reject(wasReset());
    if (this.#reading !== undefined) {
      return Promise.reject(new Deno.errors.Busy("A read is under way"));
    }
    this.#reading = { buffer, ...Promise.withResolvers<number | null>() };
    const { promise } = this.#reading;
    this.#move();
    return promise;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#writerClosed) return Promise.reject(closedHere());
    if (this.#reset) return Promise.reject(wasReset());
    if (this.#ended || this.#readerClosed) return Promise.reject(brokenPipe());
    if (this.#writing !== undefined) {
      return Promise.reject(new Deno.errors.Busy("A write is under way"));
    }
    if (bytes.length === 0) return Promise.resolve(0);
    this.#writing = { bytes, ...Promise.withResolvers<number>() };
    const { promise } = this.#writing;
    this.#move();
    return promise;
  }

  /** What is in the pipe can still be read; then comes the end of stream. */
  endWriting(): void {
    this.#ended = true;
    this.#failWriter(brokenPipe());
    this.#move();
  }

  /** As {@linkcode Pipe.endWriting}, for good. */
  closeWriter(): void {
    if (this.#writerClosed) return;
    this.#writerClosed = this.#ended = true;
    this.#failWriter(interrupted());
    this.#move();
  }

  /** What is in the pipe is lost; writing into it fails. */
  closeReader(): void {
    if (this.#readerClosed) return;
    this.#readerClosed = true;
    this.#size = 0;
    this.#failReader(interrupted());
    this.#failWriter(brokenPipe());
  }

  stall(): void {
    this.#stalled = true;
  }

  resume(): void {
    this.#stalled = false;
    this.#move();
  }

  reset(): void {
    this.#reset = true;
    this.#size = 0;
    this.#failReader(wasReset());
    this.#failWriter(wasReset());
  }

  #failReader(error: Error): void {
    this.#reading?.reject(error);
    this.#reading = undefined;
  }

  #failWriter(error: Error): void {
    this.#writing?.reject(error);
    this.#writing = undefined;
  }

  /** Does all that can be done for who waits. */
  #move(): void {
    this.#fill();
    if (this.#reading !== undefined && !this.#stalled) this.#give();
    this.#fill();
  }

  /** Takes as much of the waiting write as there is room for. */
  #fill(): void {
    const writing = this.#writing;
    const count = Math.min(
      writing?.bytes.length ?? 0,
      this.#capacity - this.#size,
    );
    if (writing === undefined || count === 0) return;
    this.#ring ??= new Uint8Array(this.#capacity);
    const at = (this.#start + this.#size) % this.#capacity;
    const first = Math.min(count, this.#capacity - at);
    this.#ring.set(writing.bytes.subarray(0, first), at);
    this.#ring.set(writing.bytes.subarray(first, count), 0);
    this.#size += count;
    this.#writing = undefined;
    writing.resolve(count);
  }

  /** Gives bytes, or the end of stream, to the waiting read. */
  #give(): void {
    const { buffer, resolve } = this.#reading!;
    if (this.#size === 0) {
      if (!this.#ended) return;
      this.#reading = undefined;
      return resolve(null);
    }
    const chunk = typeof this.chunk === "function" ? this.chunk() : this.chunk;
    const count = Math.min(buffer.length, this.#size, Math.max(1, chunk));
    const first = Math.min(count, this.#capacity - this.#start);
    const ring = this.#ring!;
    buffer.set(ring.subarray(this.#start, this.#start + first));
    buffer.set(ring.subarray(0, count - first), first);
    this.#start = (this.#start + count) % this.#capacity;
    this.#size -= count;
    this.#reading = undefined;
    resolve(count);
  }
}
