/**
 * Putting the pieces of a message together.
 *
 * @module
 */

import { TextPieces } from "../codec/utf8.ts";

/** The first size of what collects a binary message. */
const MIN_SIZE = 64 * 1024;
/** The most that it grows by where nobody has announced what is to come. */
const MAX_SPARE = 2 * 1024 * 1024;

/** Collects the pieces of one message. */
export interface Reassembly {
  /**
   * Takes a piece.
   *
   * @param bytes The piece, only valid during the call.
   * @param following How many more bytes its frame has announced.
   */
  add(bytes: Uint8Array, following: number): void;
  /** Ends the message. */
  finish(): string | Uint8Array;
}

/** So many pieces of a text are kept before they are put together. */
const MAX_PIECES = 1024;

/** Collects text, checked as it comes. */
export class TextReassembly implements Reassembly {
  readonly #decoder = new TextPieces();
  #pieces: string[] = [];
  #text = "";

  add(bytes: Uint8Array): void {
    this.#push(this.#decoder.decode(bytes, false));
  }

  finish(): string {
    this.#push(this.#decoder.decode(new Uint8Array(0), true));
    return this.#text + this.#pieces.join("");
  }

  #push(piece: string): void {
    this.#pieces.push(piece);
    if (this.#pieces.length < MAX_PIECES) return;
    this.#text += this.#pieces.join("");
    this.#pieces = [];
  }
}

/**
 * Collects bytes in an array that grows with what has come: what the peer has
 * announced counts up to sixteen times of that.
 */
export class BinaryReassembly implements Reassembly {
  readonly #max: number;
  #bytes = new Uint8Array(0);
  #size = 0;

  /** @param max The most bytes that will come. */
  constructor(max: number) {
    this.#max = max;
  }

  add(bytes: Uint8Array, following: number): void {
    const end = this.#size + bytes.length;
    if (end > this.#bytes.length) this.#grow(end, following);
    this.#bytes.set(bytes, this.#size);
    this.#size = end;
  }

  finish(): Uint8Array {
    const bytes = this.#bytes;
    return bytes.length === this.#size ? bytes : bytes.slice(0, this.#size);
  }

  #grow(least: number, following: number): void {
    const most = Math.max(MIN_SIZE, least * 16);
    // In fragments, nobody knows what is still to come.
    const spare = Math.min(least, MAX_SPARE);
    const wanted = following > 0 ? least + following : least + spare;
    const size = Math.max(least, Math.min(wanted, most, this.#max));
    const grown = new Uint8Array(size);
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}
