/**
 * What waits to be written, coalesced into as few writes as possible.
 *
 * @module
 */

import { MAX_COPIED } from "./machine.ts";
import { SharedRun } from "./_shared_run.ts";

/** Pieces up to this size are small. */
const SMALL_MAX = 8 * 1024;

/** So much in front of a larger piece is copied once more, to save a write. */
const HEAD_MAX = 4 * 1024;

/** Up to this length, a loop encodes faster than a call of the encoder. */
const SHORT_TEXT = 40;

const encoder = new TextEncoder();

/** A run of bytes: `bytes[start..end)` is still to be written. */
interface Segment {
  readonly bytes: Uint8Array;
  start: number;
  end: number;
  /** Where `bytes` belongs if it is a block of ours. */
  readonly pool: Pool | undefined;
  /** How far a block may be filled; 0 for what is no block. */
  readonly room: number;
  /** Whether a unit ends at `end`, so that another one may come between. */
  whole: boolean;
  /** Whether it went ahead of others. */
  ahead: boolean;
  /** The last view of the beginning of `bytes`: many messages are as long. */
  view: Uint8Array;
}

/** Blocks of one size, and how many of them the thread keeps. */
class Pool {
  readonly #size: number;
  readonly #max: number;
  readonly #free: Segment[] = [];

  constructor(size: number, max: number) {
    this.#size = size;
    this.#max = max;
  }

  take(): Segment {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const bytes = new Uint8Array(this.#size);
    return {
      bytes,
      start: 0,
      end: 0,
      pool: this,
      room: this.#size,
      whole: true,
      ahead: false,
      view: bytes,
    };
  }

  giveBack(segment: Segment): void {
    if (this.#free.length >= this.#max) return;
    segment.start = segment.end = 0;
    segment.whole = true;
    segment.ahead = false;
    this.#free.push(segment);
  }
}

/** What small pieces are copied into. */
const smallBlocks = new Pool(16 * 1024, 512);
/** What larger ones are copied into. */
const largeBlocks = new Pool(64 * 1024, 128);

function reference(bytes: Uint8Array, whole: boolean): Segment {
  const { length: end } = bytes;
  return {
    bytes,
    start: 0,
    end,
    pool: undefined,
    room: 0,
    whole,
    ahead: false,
    view: bytes,
  };
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
  /** What comes after it, from `#next` on; what is before was taken. */
  #rest: (Segment | SharedRun | undefined)[] = [];
  #next = 0;
  /** The end of all that. */
  #last: Segment | SharedRun | undefined;
  #size = 0;
  /** What was taken last ended inside a unit. */
  #cut = false;
  /** The first segment is being written. */
  #taken = false;

  /** Bytes queued. */
  get size(): number {
    return this.#size;
  }

  /**
   * Queues bytes, by reference if they are many.
   *
   * @param bytes The bytes.
   * @param whole Whether a unit ends with them.
   */
  push(bytes: Uint8Array, whole = true): void {
    if (bytes.length === 0) return;
    if (bytes.length > MAX_COPIED) return this.#add(reference(bytes, whole));
    const segment = this.#room(bytes.length);
    this.#fill(segment, bytes);
    segment.whole = whole;
  }

  /** Queues a unit that other queues hold, too: by reference. */
  pushShared(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#size += bytes.length;
    if (this.#last instanceof SharedRun) this.#last.push(bytes);
    else this.#rest.push(this.#last = new SharedRun(bytes));
  }

  /**
   * Queues a few bytes in front of what waits, as far as that cuts no unit.
   *
   * @param bytes The bytes.
   * @param writing What {@linkcode SendQueue.peek} gave is being written.
   */
  pushAhead(bytes: Uint8Array, writing: boolean): void {
    const first = this.#first;
    if (first === undefined) {
      this.#first = this.#aheadBlock(bytes);
      this.#last ??= this.#first;
      return;
    }
    const untouched = !first.pool && first.start === 0 && !this.#cut;
    if (untouched && !first.ahead && !writing) {
      this.#rest.splice(0, this.#next, first);
      this.#next = 0;
      this.#first = this.#aheadBlock(bytes);
      return;
    }
    // What is shared is whole, and never stands behind half a unit.
    const rest = this.#rest as Segment[];
    let segment = first;
    let at = this.#next;
    while (!segment.whole && at < rest.length) segment = rest[at++]!;
    // Behind those that went ahead before.
    while (rest[at]?.ahead) segment = rest[at++]!;
    if (segment.room - segment.end >= bytes.length) {
      return this.#fill(segment, bytes);
    }
    const block = this.#aheadBlock(bytes);
    this.#rest.splice(at, 0, block);
    if (at === this.#rest.length - 1) this.#last = block;
  }

  /** A block for what goes ahead: more of it finds room there. */
  #aheadBlock(bytes: Uint8Array): Segment {
    const segment = smallBlocks.take();
    segment.ahead = true;
    this.#fill(segment, bytes);
    return segment;
  }

  /** Queues a string, as UTF-8; otherwise as {@linkcode SendQueue.push}. */
  pushText(text: string, whole = true): void {
    if (text.length === 0) return;
    if (text.length <= SHORT_TEXT && this.#pushAscii(text, whole)) return;
    if (text.length > SMALL_MAX) return this.push(encoder.encode(text), whole);
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
      segment.whole = whole;
      if (read === rest.length) return;
      segment.whole = false;
      rest = rest.slice(read);
      this.#add(smallBlocks.take());
    }
  }

  /** Queues a short string, unless it is not ASCII. */
  #pushAscii(text: string, whole: boolean): boolean {
    const segment = this.#room(text.length);
    const { bytes, end } = segment;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[end + i] = code;
    }
    segment.end = end + text.length;
    segment.whole = whole;
    this.#size += text.length;
    return true;
  }

  /** Copies bytes behind what a block holds. */
  #fill(segment: Segment, bytes: Uint8Array): void {
    segment.bytes.set(bytes, segment.end);
    segment.end += bytes.length;
    this.#size += bytes.length;
  }

  /** The bytes to write next, or `undefined` if there are none. */
  peek(): Uint8Array | undefined {
    if (this.#size === 0) return undefined;
    if (this.#first === undefined) this.#advance();
    const segment = this.#first!;
    this.#taken = true;
    const { bytes, start, end } = segment;
    if (start > 0) return bytes.subarray(start, end);
    if (segment.view.length === end) return segment.view;
    return segment.view = bytes.subarray(0, end);
  }

  /** Drops the first `count` bytes of what {@linkcode SendQueue.peek} gave. */
  advance(count: number): void {
    const segment = this.#first!;
    this.#taken = false;
    segment.start += count;
    this.#size -= count;
    if (segment.start < segment.end) return;
    this.#cut = !segment.whole;
    segment.pool?.giveBack(segment);
    this.#advance();
  }

  /** Goes on to what comes next. */
  #advance(): void {
    if (this.#rest.length === 0) {
      this.#first = this.#last = undefined;
      return;
    }
    const next = this.#rest[this.#next];
    if (next instanceof SharedRun) {
      this.#first = reference(next.take(), true);
      if (!next.isEmpty) return;
    } else {
      this.#first = next;
    }
    // What was taken is not kept.
    this.#rest[this.#next++] = undefined;
    if (this.#next >= this.#rest.length) {
      this.#rest = [];
      this.#next = 0;
      this.#last = this.#first;
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
    this.#cut = this.#taken = false;
    this.#last = undefined;
  }

  #add(segment: Segment): void {
    this.#size += segment.end;
    this.#append(segment);
  }

  #append(segment: Segment): void {
    this.#last = segment;
    if (this.#first === undefined && this.#rest.length === 0) {
      this.#first = segment;
    } else {
      this.#rest.push(segment);
    }
  }

  /** The block at the queue's end with room for `count` bytes, or a new one. */
  #room(count: number): Segment {
    const last = this.#last;
    if (
      last !== undefined && !(last instanceof SharedRun) && !last.ahead &&
      last.room - last.end >= count
    ) return last;
    const small = count <= SMALL_MAX;
    const segment = (small ? smallBlocks : largeBlocks).take();
    if (small || !this.#movesTo(segment)) this.#add(segment);
    return segment;
  }

  /**
   * Moves the little that the last block holds into a larger one, which takes its
   * place: a head goes out with its body.
   */
  #movesTo(segment: Segment): boolean {
    const last = this.#last;
    if (
      last === undefined || last instanceof SharedRun || last.ahead ||
      last.pool !== smallBlocks || last.start > 0 || last.end > HEAD_MAX
    ) return false;
    if (last !== this.#first) this.#rest[this.#rest.length - 1] = segment;
    else if (this.#taken) return false;
    else this.#first = segment;
    segment.bytes.set(last.bytes.subarray(0, last.end));
    segment.end = last.end;
    segment.whole = last.whole;
    this.#last = segment;
    smallBlocks.giveBack(last);
    return true;
  }
}
