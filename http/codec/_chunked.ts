/**
 * Reading a chunked body, RFC 9112 §7.1.
 *
 * @module
 */

import { Refusal } from "./refusals.ts";
import { HEX, VALUE } from "./_tables.ts";
import type { HttpSettings } from "./limits.ts";

const LF = 0x0a, CR = 0x0d, SEMICOLON = 0x3b;

/** More digits than this cannot be a number that is exact, but for zeros. */
const MAX_DIGITS = 16;

/**
 * Where the decoder is:
 *
 * | state | expects |
 * | --- | --- |
 * | `size` | a hexadecimal digit, `;` or CR |
 * | `extension` | the rest of the chunk's line |
 * | `size-lf` | the LF of that line |
 * | `data` | `left` bytes of the body |
 * | `data-cr`, `data-lf` | the CRLF after the data |
 * | `trailers` | the trailer section: not the decoder's any more |
 */
type ChunkState =
  | "size"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailers";

/**
 * Takes what frames the chunks away. It consumes every byte that it is offered,
 * so that a line which comes byte by byte costs no more than one that does not.
 */
export class ChunkedDecoder {
  readonly #limits: HttpSettings;
  #state: ChunkState = "size";
  #digits = 0;
  #extension = 0;
  #extensions = 0;
  /** Bytes of the present chunk that were not taken yet. */
  left = 0;

  constructor(limits: HttpSettings) {
    this.#limits = limits;
  }

  /** Whether the last chunk was read. */
  get done(): boolean {
    return this.#state === "trailers";
  }

  /** Gets ready for another body. */
  reset(): void {
    this.#state = "size";
    this.#digits =
      this.#extension =
      this.#extensions =
      this.left =
        0;
  }

  /**
   * Skips to where data begins.
   *
   * @returns The offset of the data, of which there are `left` bytes; of the
   * trailer section if `done`; or the length of `bytes`.
   */
  skip(bytes: Uint8Array, at: number): number {
    while (at < bytes.length) {
      if (this.#state === "data") {
        if (this.left > 0) return at;
        this.#state = "data-cr";
      } else if (this.#state === "trailers") {
        return at;
      }
      this.#take(bytes[at++]!);
    }
    return at;
  }

  #take(byte: number): void {
    switch (this.#state) {
      case "size":
        return this.#takeSize(byte);
      case "extension":
        return this.#takeExtension(byte);
      case "size-lf":
        if (byte !== LF) throw new Refusal("bad_line_end");
        this.#state = this.left > 0 ? "data" : "trailers";
        this.#digits = this.#extension = 0;
        return;
      case "data-cr":
        if (byte !== CR) throw new Refusal("bad_chunk_end");
        this.#state = "data-lf";
        return;
      default:
        if (byte !== LF) throw new Refusal("bad_chunk_end");
        this.#state = "size";
    }
  }

  #takeSize(byte: number): void {
    const digit = HEX[byte]! - 1;
    if (digit >= 0) {
      this.left = this.left * 16 + digit;
      if (++this.#digits > MAX_DIGITS || this.left > Number.MAX_SAFE_INTEGER) {
        throw new Refusal("bad_chunk_size");
      }
      return;
    }
    if (this.#digits === 0) throw new Refusal("bad_chunk_size");
    if (byte === CR) this.#state = "size-lf";
    else if (byte === SEMICOLON) this.#state = "extension";
    else throw new Refusal(byte === LF ? "bad_line_end" : "bad_chunk_size");
  }

  #takeExtension(byte: number): void {
    if (byte === CR) {
      this.#state = "size-lf";
      return;
    }
    if (VALUE[byte] === 0) {
      throw new Refusal(byte === LF ? "bad_line_end" : "bad_chunk_extension");
    }
    this.#extensions++;
    if (
      ++this.#extension > this.#limits.maxChunkExtension ||
      this.#extensions > this.#limits.maxChunkExtensions
    ) {
      throw new Refusal("chunk_extension_too_long");
    }
  }
}
