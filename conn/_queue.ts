/**
 * What waits to be written, coalesced into as few writes as possible.
 *
 * @module
 */

/** Arrays up to this size are copied, so that they share a write. */
const COPY_MAX = 8 * 1024;
/** The size of the blocks that small pieces are copied into. */
const BLOCK_SIZE = 16 * 1024;
/** How many free blocks the thread keeps. */
const POOL_MAX = 128;

/** Up to this length, a loop encodes faster than a call of the encoder. */
const SHORT_TEXT = 40;

const encoder = new TextEncoder();

/** A run of bytes: `bytes[start..end)` is still to be written. */
interface Segment {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
  /** Whether `bytes` is a block of ours, with room behind `end`. */
  readonly block: boolean;
  /** The last view of the beginning of `bytes`: many messages are as long. */
  view: Uint8Array;
}

/** Blocks that no queue holds. */
const pool: Segment[] = [];

function takeBlock(): Segment {
  const free = pool.pop();
  if (free !== undefined) return free;
  const bytes = new Uint8Array(BLOCK_SIZE);
  return { bytes, start: 0, end: 0, block: true, view: bytes };
}

function giveBack(segment: Segment): void {
  if (!segment.block || pool.length >= POOL_MAX) return;
  segment.start = segment.end = 0;
  pool.push(segment);
}

/**
 * A first-in, first-out queue of bytes. Small pieces are copied into blocks, so
 * that all that is queued in one turn goes out in one write; large pieces are
 * queued as they are. A block may be filled further while its front is being
 * written.
 */
export class SendQueue {
  /** What is written next. Most queues never hold more than this. */
  #first: Segment | undefined;
  /** What comes after it, from `#next` on. */
  #rest: Segment[] = [];
  #next = 0;
  #size = 0;

  /** Bytes queued. */
  get size(): number {
    return this.#size;
  }

  /** Queues bytes, by reference if they are many. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#size += bytes.length;
    if (bytes.length > COPY_MAX) {
      const { length: end } = bytes;
      this.#add({ bytes, start: 0, end, block: false, view: bytes });
      return;
    }
    const segment = this.#room(bytes.length);
    segment.bytes.set(bytes, segment.end);
    segment.end += bytes.length;
  }

  /** Queues a string, as UTF-8. */
  pushText(text: string): void {
    if (text.length === 0) return;
    if (text.length <= SHORT_TEXT && this.#pushAscii(text)) return;
    if (text.length > COPY_MAX) return this.push(encoder.encode(text));
    let rest = text;
    while (rest.length > 0) {
      // ASCII needs a byte a unit; if it was something else, go on in a new block.
      const segment = this.#room(rest.length);
      const { bytes, end } = segment;
      const { read, written } = encoder.encodeInto(
        rest,
        end === 0 ? bytes : bytes.subarray(end),
      );
      segment.end += written;
      this.#size += written;
      if (read === rest.length) return;
      rest = rest.slice(read);
      this.#add(takeBlock());
    }
  }

  /** Queues a short string, unless it is not ASCII. */
  #pushAscii(text: string): boolean {
    const segment = this.#room(text.length);
    const { bytes, end } = segment;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[end + i] = code;
    }
    segment.end = end + text.length;
    this.#size += text.length;
    return true;
  }

  /** The bytes to write next, or `undefined` if there are none. */
  peek(): Uint8Array | undefined {
    const segment = this.#first;
    if (segment === undefined || this.#size === 0) return undefined;
    const { bytes, start, end } = segment;
    if (start > 0) return bytes.subarray(start, end);
    if (segment.view.length === end) return segment.view;
    return segment.view = bytes.subarray(0, end);
  }

  /** Drops the first `count` bytes of what {@linkcode SendQueue.peek} gave. */
  advance(count: number): void {
    const segment = this.#first!;
    segment.start += count;
    this.#size -= count;
    if (segment.start < segment.end) return;
    giveBack(segment);
    this.#first = this.#rest[this.#next++];
    if (this.#first === undefined) {
      this.#next = 0;
      if (this.#rest.length > 0) this.#rest = [];
    } else if (this.#next === 1024) {
      this.#rest.splice(0, this.#next);
      this.#next = 0;
    }
  }

  /** Drops everything. A block that is being written is left to the collector. */
  clear(): void {
    this.#first = undefined;
    this.#rest = [];
    this.#next = this.#size = 0;
  }

  #add(segment: Segment): void {
    if (this.#first === undefined) this.#first = segment;
    else this.#rest.push(segment);
  }

  /** The block at the queue's end with room for `count` bytes, or a new one. */
  #room(count: number): Segment {
    const last = this.#rest.length > 0 ? this.#rest.at(-1) : this.#first;
    if (last?.block && last.bytes.length - last.end >= count) return last;
    const segment = takeBlock();
    this.#add(segment);
    return segment;
  }
}
