// Finding the delimiter of a multipart body: CR LF "--" boundary.

const CR = 13;

/** A byte sequence that starts with CR and has no other. */
export class Delimiter {
  /** Its length, in bytes. */
  readonly length: number;
  readonly #bytes: Uint8Array;
  // How far the search may move on when this byte is under the last position
  // (Boyer-Moore-Horspool).
  readonly #shift: Uint8Array;

  constructor(boundary: string) {
    const bytes = new TextEncoder().encode(`\r\n--${boundary}`);
    this.#bytes = bytes;
    this.length = bytes.length;
    this.#shift = new Uint8Array(256).fill(bytes.length);
    for (let at = 0; at < bytes.length - 1; at++) {
      this.#shift[bytes[at]!] = bytes.length - 1 - at;
    }
  }

  /** Where it first is in `bytes` at or after `from`, or -1. */
  indexIn(bytes: Uint8Array, from: number): number {
    const shift = this.#shift;
    const last = this.length - 1;
    for (let at = from; at + last < bytes.length;) {
      // The first byte occurs nowhere else in it, so this keeps input made to
      // be slow from being compared over and over.
      if (bytes[at] === CR && this.#matches(bytes, at, this.length)) return at;
      at += shift[bytes[at + last]!]!;
    }
    return -1;
  }

  /** Where a delimiter starts that `bytes` end in the middle of, or the end. */
  cutIn(bytes: Uint8Array, from: number): number {
    const at = bytes.lastIndexOf(CR);
    const length = bytes.length - at;
    if (at < from || length >= this.length) return bytes.length;
    return this.#matches(bytes, at, length) ? at : bytes.length;
  }

  /** Whether `bytes` at `at` start it; `undefined` if they end too early. */
  startsAt(bytes: Uint8Array, at: number): boolean | undefined {
    const length = Math.min(bytes.length - at, this.length);
    if (!this.#matches(bytes, at, length)) return false;
    return length === this.length ? true : undefined;
  }

  #matches(bytes: Uint8Array, at: number, length: number): boolean {
    const own = this.#bytes;
    for (let index = 0; index < length; index++) {
      if (bytes[at + index] !== own[index]) return false;
    }
    return true;
  }
}
