/**
 * Reading a message's body, whatever tells its end.
 *
 * @module
 */

import type { Sink } from "../../conn/machine.ts";
import { Refusal } from "./refusals.ts";
import { ChunkedDecoder } from "./_chunked.ts";
import { Fields, fieldsOfHead } from "./fields.ts";
import { CHUNKED } from "./framing.ts";
import { HeadScanner } from "./head.ts";
import type { HttpSettings } from "./limits.ts";
import type { HttpEvent } from "./message.ts";

const LF = 0x0a, CR = 0x0d;

/**
 * The `end` of a message without trailers. It is shared, so it makes the fields
 * for who asks: nobody can put something into those of another message.
 */
export const PLAIN_END: HttpEvent = Object.freeze({
  type: "end" as const,
  get trailers(): Fields {
    return new Fields();
  },
});

/** Reads one body after the other. */
export class BodyReader {
  readonly #limits: HttpSettings;
  #chunked: ChunkedDecoder | undefined;
  #trailerScan: HeadScanner | undefined;
  #isChunked = false;
  #chunkBegun = false;
  /** Where the data of the present read is, of a chunked body. */
  #from = 0;
  #to = 0;
  #total = 0;
  #left = 0;

  /** Whether the body is complete. */
  done = false;
  /** Whether the sink wants no more events for now. */
  stopped = false;
  /** Whether the rest of the body goes nowhere. */
  dropping = false;
  /** How much went there. */
  dropped = 0;
  /** The event that tells that the body is complete. */
  end: HttpEvent = PLAIN_END;

  constructor(limits: HttpSettings) {
    this.#limits = limits;
  }

  /** Bytes still to come, as far as that is known: 0 if it is not. */
  get left(): number {
    return this.#isChunked || this.#left === Infinity ? 0 : this.#left;
  }

  /**
   * Gets ready for a body.
   *
   * @param length Its length in bytes, `CHUNKED` or `UNTIL_CLOSE`.
   */
  begin(length: number): void {
    if (length > this.#limits.maxBody) throw new Refusal("body_too_large");
    this.done =
      this.stopped =
      this.dropping =
      this.#chunkBegun =
        false;
    this.dropped = this.#total = 0;
    this.end = PLAIN_END;
    this.#isChunked = length === CHUNKED;
    this.#left = length >= 0 ? length : Infinity;
    if (!this.#isChunked) return;
    if (this.#chunked === undefined) {
      this.#chunked = new ChunkedDecoder(this.#limits);
    } else {
      this.#chunked.reset();
    }
  }

  /** Takes what is there of the body; returns the offset of what is not taken. */
  read(bytes: Uint8Array, at: number, sink: Sink<HttpEvent>): number {
    this.stopped = false;
    if (this.#isChunked) return this.#readChunks(bytes, at, sink);
    const take = Math.min(this.#left, bytes.length - at);
    if (take === 0) return at;
    this.#left -= take;
    this.done = this.#left === 0;
    // The other lengths were checked when they were told.
    if (this.#left === Infinity) this.#count(take);
    this.#give(bytes, at, take, sink);
    return at + take;
  }

  #count(length: number): void {
    this.#total += length;
    if (this.#total > this.#limits.maxBody) throw new Refusal("body_too_large");
  }

  #give(
    bytes: Uint8Array,
    at: number,
    length: number,
    sink: Sink<HttpEvent>,
  ): void {
    if (this.dropping) {
      this.dropped += length;
      return;
    }
    this.stopped = !sink.emit({
      type: "body",
      bytes: this.#limits.lendBodies
        ? bytes.subarray(at, at + length)
        : bytes.slice(at, at + length),
    });
  }

  /**
   * Takes chunks. What they hold is moved together, over what framed it, so that
   * many small ones make one event.
   */
  #readChunks(bytes: Uint8Array, at: number, sink: Sink<HttpEvent>): number {
    const decoder = this.#chunked!;
    this.#from = this.#to = at;
    try {
      for (;;) {
        at = decoder.skip(bytes, at);
        if (decoder.done || at >= bytes.length) break;
        if (!this.#chunkBegun) this.#count(decoder.left);
        at = this.#takeChunk(bytes, at, decoder);
      }
    } finally {
      // What came before a mistake is told before the mistake is.
      const length = this.#to - this.#from;
      if (length > 0) this.#give(bytes, this.#from, length, sink);
    }
    return decoder.done && !this.stopped ? this.#readTrailers(bytes, at) : at;
  }

  #takeChunk(bytes: Uint8Array, at: number, decoder: ChunkedDecoder): number {
    const take = Math.min(decoder.left, bytes.length - at);
    const end = at + take;
    decoder.left -= take;
    this.#chunkBegun = decoder.left > 0;
    if (this.#from === this.#to) this.#from = this.#to = at;
    else bytes.copyWithin(this.#to, at, end);
    this.#to += take;
    return end;
  }

  #readTrailers(bytes: Uint8Array, at: number): number {
    const scan = this.#trailerScan;
    if (
      bytes[at] === CR && bytes[at + 1] === LF &&
      (scan === undefined || !scan.begun)
    ) {
      this.done = true;
      return at + 2;
    }
    if (at >= bytes.length) return at;
    return this.#scanTrailers(bytes, at);
  }

  #scanTrailers(bytes: Uint8Array, at: number): number {
    const scan = this.#trailerScan ??= new HeadScanner("none", this.#limits);
    const end = scan.scan(bytes, at);
    if (end < 0) return at;
    const text = scan.decode(bytes, at, end);
    // What frames or routes a message must not come after it, RFC 9110 §6.5.1.
    if (
      scan.contentLength !== -1 || scan.transferEncodings > 0 || scan.hosts > 0
    ) {
      throw new Refusal("forbidden_trailer");
    }
    if (scan.count > 0) {
      this.end = { type: "end", trailers: fieldsOfHead(text, 0, scan.wide) };
    }
    this.done = true;
    return end;
  }
}
