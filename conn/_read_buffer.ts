/**
 * Where input waits until a machine consumes it.
 *
 * @module
 */

const MIN_SIZE = 1024;
const MAX_SIZE = 256 * 1024;

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

/**
 * A buffer that starts with 1 KiB, grows when reads fill it, and shrinks when
 * they have become small again. Unconsumed bytes stay
 * in one piece.
 */
export class ReadBuffer {
  #buffer = new Uint8Array(MIN_SIZE);
  /** Bytes that were put back, in front of the buffer's. */
  #front: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  /** The last read filled all the room that it was given. */
  #filled = false;
  #smallReads = 0;
  /** The last view: peers that say the same again need no new one. */
  #view: Uint8Array | undefined;

  /** Creates a buffer that holds `unread` already. */
  constructor(unread?: Uint8Array) {
    if (unread !== undefined) this.unread(unread);
  }

  /** How many bytes wait. */
  get size(): number {
    return (this.#front?.length ?? 0) + this.#end - this.#start;
  }

  /** All bytes that wait, valid until the next call of any method. */
  bytes(): Uint8Array {
    let view = this.#view;
    if (
      view === undefined || view.buffer !== this.#buffer.buffer ||
      view.byteOffset !== this.#start || view.length !== this.#end - this.#start
    ) this.#view = view = this.#buffer.subarray(this.#start, this.#end);
    return this.#front === undefined ? view : join(this.#front, view);
  }

  /** Drops the first `count` bytes. */
  consume(count: number): void {
    const front = this.#front;
    if (front === undefined) {
      this.#start += count;
    } else if (count < front.length) {
      this.#front = front.subarray(count);
    } else {
      this.#front = undefined;
      this.#start += count - front.length;
    }
  }

  /** Drops all bytes. */
  clear(): void {
    this.#front = undefined;
    this.#start = this.#end;
  }

  /** Puts bytes in front of all others; also while a read is under way. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#front = this.#front === undefined
      ? bytes.slice()
      : join(bytes, this.#front);
  }

  /**
   * The space to read into. Only called, and only moves bytes, while no read is
   * under way.
   *
   * @param mayGrow Whether the buffer may become larger to make room.
   * @param lookahead The most bytes that the machine may want to see at once.
   * @returns `undefined` if there is no room.
   */
  room(mayGrow: boolean, lookahead = MAX_SIZE): Uint8Array | undefined {
    if (this.#start === this.#end) this.#resize();
    if (this.#end === this.#buffer.length || this.#filled) {
      const max = Math.max(MAX_SIZE, lookahead);
      if (mayGrow && this.#buffer.length < max) {
        this.#move(Math.min(max, this.#buffer.length * 4));
      } else if (this.#start > 0) {
        this.#move(this.#buffer.length);
      }
    }
    this.#filled = false;
    if (this.#end === this.#buffer.length) return undefined;
    return this.#end === 0 ? this.#buffer : this.#buffer.subarray(this.#end);
  }

  /** Notes that a read put `count` bytes into the room. */
  filled(count: number): void {
    this.#filled = this.#end + count === this.#buffer.length;
    if (count * 4 < this.#buffer.length) this.#smallReads++;
    else this.#smallReads = 0;
    this.#end += count;
  }

  #resize(): void {
    this.#start = this.#end = 0;
    if (this.#smallReads < 2 || this.#buffer.length <= MIN_SIZE) return;
    this.#smallReads = 0;
    this.#view = undefined;
    this.#buffer = new Uint8Array(Math.max(MIN_SIZE, this.#buffer.length / 4));
  }

  #move(size: number): void {
    const buffer = size === this.#buffer.length
      ? this.#buffer
      : new Uint8Array(size);
    buffer.set(this.#buffer.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#view = undefined;
    this.#buffer = buffer;
  }
}
