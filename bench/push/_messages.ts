/**
 * What is published: messages of one length that end in a number, so that whoever
 * gets them can tell whether one is missing.
 *
 * @module
 */

import { clientFrame } from "../ws/_frames.ts";

/** How long a message is, in bytes. */
export const SIZE = 100;
const DIGITS = 8;
/** Before the number: nothing else that a hub sends has it there. */
const MARK = "#";
const TEXT = 1;
const CLOSE = 8;
const FINAL_TEXT = 0x80 | TEXT;
const FINAL = 0x80;
const ZERO = 0x30;
/** Bytes from the mark to the end of the message. */
const NUMBERED = MARK.length + DIGITS;
/** The shortest frame with a number in it. */
const LEAST_FRAME = 2 + NUMBERED;

const TEMPLATE = clientFrame(
  TEXT,
  new TextEncoder().encode(
    (MARK + "0".repeat(DIGITS)).padStart(SIZE, "The lucky number is not 42. "),
  ),
);

/** Frames of messages that wait to be sent. */
export class Outbox {
  readonly #bytes = new Uint8Array(TEMPLATE.length * 4096);
  #begin = 0;
  #end = 0;

  /** What waits. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(this.#begin, this.#end);
  }

  /** Whether anything waits. */
  get empty(): boolean {
    return this.#begin === this.#end;
  }

  /** Whether there is no room for one more message. */
  get full(): boolean {
    return this.#end + TEMPLATE.length > this.#bytes.length;
  }

  /** Adds the message with a number. */
  add(number: number): void {
    this.#bytes.set(TEMPLATE, this.#end);
    this.#end += TEMPLATE.length;
    // The template ends in zeros, masked: a digit differs from them by its value.
    for (let at = this.#end, rest = number; rest > 0;) {
      this.#bytes[--at]! ^= rest % 10;
      rest = Math.floor(rest / 10);
    }
  }

  /** So many bytes have been sent. */
  sent(count: number): void {
    this.#begin += count;
    if (this.#begin < this.#end) return;
    this.#begin = 0;
    this.#end = 0;
  }
}

/** Finds the numbers in what a hub sends. */
export class NumberReader {
  /** The numbers that {@linkcode NumberReader.read} found. */
  readonly numbers: Int32Array;
  readonly #tail: number;

  /**
   * Creates a reader.
   *
   * @param most How many bytes it is given at most.
   * @param tail How many bytes follow the number in a message.
   */
  constructor(most: number, tail: number) {
    this.numbers = new Int32Array(Math.ceil(most / LEAST_FRAME));
    this.#tail = tail;
  }

  /** How many numbers there were. */
  count = 0;

  /**
   * Reads frames.
   *
   * @param bytes What came.
   * @param begin Where a frame begins.
   * @param end Where what came ends.
   * @returns Where the frame begins that is not whole yet.
   * @throws {Error} If a frame closes the connection, or is not a message by itself
   * without mask and compression.
   */
  read(bytes: Uint8Array, begin: number, end: number): number {
    this.count = 0;
    let at = begin;
    while (at + 2 <= end) {
      const first = bytes[at]!;
      let length = bytes[at + 1]!;
      let head = 2;
      if (length >= 126) {
        if (length > 126) throw new Error("A frame is masked or too long");
        head = 4;
        if (at + head > end) break;
        length = bytes[at + 2]! << 8 | bytes[at + 3]!;
      }
      const next = at + head + length;
      if (next > end) break;
      if (first === FINAL_TEXT) this.#take(bytes, next - this.#tail);
      else if (first === (FINAL | CLOSE)) {
        const code = bytes[at + head]! << 8 | bytes[at + head + 1]!;
        throw new Error(`The hub closed the connection with "${code}"`);
      } else if (first < (FINAL | CLOSE)) {
        throw new Error(`Not a text in one frame, but "${first}"`);
      }
      at = next;
    }
    return at;
  }

  /** Takes the number of a message, if it has one. */
  #take(bytes: Uint8Array, end: number): void {
    let at = end - NUMBERED;
    if (bytes[at] !== MARK.charCodeAt(0)) return;
    let number = 0;
    while (++at < end) number = number * 10 + (bytes[at]! - ZERO);
    this.numbers[this.count++] = number;
  }
}
