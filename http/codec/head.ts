/**
 * Finding the end of a head, checking every byte of it on the way.
 *
 * A {@linkcode HeadScanner} goes over a head once. It checks each byte, counts
 * the fields, and notes where those are that decide the framing; nothing is
 * decoded. When the head is complete, it is decoded in one piece. A head that
 * comes in pieces is offered again from its beginning: the scanner goes on at the
 * line where it stopped, and only when that line is complete (or too long), so
 * that a head costs no more time for coming byte by byte.
 *
 * @module
 */

import {
  checkHost,
  decodeLatin1,
  isSpace,
  matches,
  readLength,
} from "./head_values.ts";
import { Refusal } from "./refusals.ts";
import { refuseByte, StartLineScanner } from "./_start_line.ts";
import { TOKEN } from "./_tables.ts";
import type { HttpSettings } from "./limits.ts";

const HT = 0x09, LF = 0x0a, CR = 0x0d, SP = 0x20, COLON = 0x3a, DEL = 0x7f;

/** What a head begins with. */
export type StartLine = "request" | "status" | "none";

/** Scans one head after the other. */
export class HeadScanner {
  readonly #kind: StartLine;
  readonly #limits: HttpSettings;

  // All offsets are from the head's first byte.
  #line = 0;
  #seen = 0;
  #begun = false;

  /** What the start line said. */
  readonly start: StartLineScanner;
  /** Where the first field begins. */
  fieldsAt = 0;
  /** How many fields there are. */
  count = 0;
  /** How many `Host` fields. */
  hosts = 0;
  /** The value of `Content-Length`, or -1. */
  contentLength = -1;
  /** How many `Transfer-Encoding` fields. */
  transferEncodings = 0;
  /** How many `Connection` fields. */
  connections = 0;
  /** Where the value of the last of them begins. */
  connectionAt = 0;
  /** Where it ends. */
  connectionEnd = 0;
  /** Whether there is an `Upgrade` field. */
  upgrade = false;
  /** Whether there is an `Expect` field. */
  expect = false;
  /** Whether a value of a field has characters that are not ASCII. */
  wide = false;

  /**
   * Creates a scanner.
   *
   * @param start What heads begin with; trailers with nothing.
   */
  constructor(start: StartLine, limits: HttpSettings) {
    this.#kind = start;
    this.start = new StartLineScanner(limits.maxStartLine);
    this.#limits = limits;
  }

  /** Whether part of a head was offered. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * Looks at what may be a head.
   *
   * @param bytes Has the head from `base` on.
   * @returns The offset in `bytes` of what follows the head, or -1 if it is not
   * complete.
   */
  scan(bytes: Uint8Array, base: number): number {
    if (this.#begun) {
      if (this.#mustWait(bytes, base)) return -1;
    } else {
      this.#reset();
    }
    return this.#scanLines(bytes, base);
  }

  /** Looks at a head that will never be complete, for what is wrong with it. */
  scanRest(bytes: Uint8Array): void {
    this.#scanLines(bytes, 0);
  }

  /** Makes a string of the scanned head, and gets ready for the next. */
  decode(bytes: Uint8Array, base: number, end: number): string {
    this.#begun = false;
    return decodeLatin1(bytes, base, end);
  }

  #reset(): void {
    this.#line = this.#seen = 0;
    this.count = this.hosts = this.fieldsAt = 0;
    this.contentLength = -1;
    this.transferEncodings = this.connections = 0;
    this.upgrade = this.expect = this.wide = false;
  }

  /** Whether the line that the scanner stopped at is still not complete. */
  #mustWait(bytes: Uint8Array, base: number): boolean {
    // From the CR on that may have been the last byte before.
    const from = base + this.#seen - 1;
    if (bytes.indexOf(CR, from) !== -1 || bytes.indexOf(LF, from) !== -1) {
      return false;
    }
    this.#seen = bytes.length - base;
    const { maxStartLine, maxHeaderSection } = this.#limits;
    return this.#line === 0 && this.#kind !== "none"
      ? this.#seen <= maxStartLine
      : this.#seen - this.fieldsAt <= maxHeaderSection;
  }

  #scanLines(bytes: Uint8Array, base: number): number {
    let at = base + this.#line;
    if (this.#line === 0) {
      if (this.#kind === "request") at = this.start.scanRequest(bytes, base);
      else if (this.#kind === "status") at = this.start.scanStatus(bytes, base);
      if (at < 0) return this.#stop(bytes, base);
      this.#line = this.fieldsAt = at - base;
    }
    const limit = base + this.fieldsAt + this.#limits.maxHeaderSection;
    const end = Math.min(bytes.length, limit);
    for (;;) {
      if (at >= end) break;
      if (bytes[at] === CR) {
        if (at + 1 >= end) break;
        if (bytes[at + 1] !== LF) throw new Refusal("bad_line_end");
        return at + 2;
      }
      const next = this.#fieldLine(bytes, at, end, base);
      if (next < 0) break;
      at = next;
      this.#line = at - base;
    }
    if (end === limit) throw new Refusal("header_section_too_large");
    return this.#stop(bytes, base);
  }

  #stop(bytes: Uint8Array, base: number): -1 {
    this.#begun = true;
    this.#seen = bytes.length - base;
    return -1;
  }

  /** Checks `name ":" OWS value OWS CRLF`, RFC 9112 §5. */
  #fieldLine(
    bytes: Uint8Array,
    start: number,
    end: number,
    base: number,
  ): number {
    let at = start;
    while (at < end && TOKEN[bytes[at]!] !== 0) at++;
    if (at >= end) return -1;
    if (at === start || bytes[at] !== COLON) this.#badName(bytes, at, start);
    const nameLength = at - start;
    let from = ++at;
    // RFC 9110 §5.5: no control but HTAB. All bytes of heads come by here, so
    // this is arithmetic and not a table.
    let byte = 0;
    let all = 0;
    while (
      at < end &&
      ((byte = bytes[at]!) >= SP ? byte !== DEL : byte === HT)
    ) {
      all |= byte;
      at++;
    }
    if (at >= end) return -1;
    if (all >= 0x80) this.wide = true;
    if (bytes[at] !== CR) refuseByte(bytes[at]!, "bad_field_value");
    if (at + 1 >= end) return -1;
    if (bytes[at + 1] !== LF) throw new Refusal("bad_line_end");
    if (++this.count > this.#limits.maxFields) {
      throw new Refusal("too_many_fields");
    }
    // Only names of these lengths matter here.
    if (
      nameLength === 4 || nameLength === 6 || nameLength === 7 ||
      nameLength === 10 || nameLength === 14 || nameLength === 17
    ) {
      let to = at;
      while (from < to && isSpace(bytes[from]!)) from++;
      while (to > from && isSpace(bytes[to - 1]!)) to--;
      this.#note(bytes, start, nameLength, from, to, base);
    }
    return at + 2;
  }

  #badName(bytes: Uint8Array, at: number, start: number): never {
    if (at === start && isSpace(bytes[at]!)) throw new Refusal("folded_field");
    refuseByte(bytes[at]!, "bad_field_name");
  }

  /** Notes a field that the machine must know. */
  #note(
    bytes: Uint8Array,
    name: number,
    length: number,
    from: number,
    to: number,
    base: number,
  ): void {
    if (length === 4) {
      if (!matches(bytes, name, "host")) return;
      this.hosts++;
      checkHost(bytes, from, to);
    } else if (length === 10) {
      if (!matches(bytes, name, "connection")) return;
      this.connections++;
      this.connectionAt = from - base;
      this.connectionEnd = to - base;
    } else if (length === 14) {
      if (!matches(bytes, name, "content-length")) return;
      if (this.contentLength !== -1) {
        throw new Refusal("repeated_content_length");
      }
      this.contentLength = readLength(bytes, from, to);
    } else if (length === 17) {
      if (matches(bytes, name, "transfer-encoding")) this.transferEncodings++;
    } else if (length === 7) {
      if (matches(bytes, name, "upgrade")) this.upgrade = true;
    } else if (matches(bytes, name, "expect")) {
      this.expect = true;
    }
  }
}
