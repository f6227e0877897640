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

import { Refusal, type RefusalCode } from "./_refusals.ts";
import { HOST, TARGET, TOKEN, VALUE } from "./_tables.ts";
import type { HttpSettings } from "./limits.ts";

const HT = 0x09, LF = 0x0a, CR = 0x0d, SP = 0x20, COLON = 0x3a, DEL = 0x7f;

/** What a head begins with. */
export type StartLine = "request" | "status" | "none";

const latin1Chunk = 4096;
const decoder = new TextDecoder();

/** Makes a string of bytes, a character for each byte. */
export function decodeLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += latin1Chunk) {
    text += String.fromCharCode(...bytes.subarray(at, at + latin1Chunk));
  }
  return text;
}

/** Whether `bytes[at..]` is the lower-case `name` in any case. */
function matches(bytes: Uint8Array, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    // A hyphen has bit 5 set as lower-case letters have; CR has not, and no
    // token character becomes one by setting it.
    if ((bytes[at + i]! | 0x20) !== code) return false;
  }
  return true;
}

/** Scans one head after the other. */
export class HeadScanner {
  readonly #start: StartLine;
  readonly #limits: HttpSettings;

  // All offsets are from the head's first byte.
  #line = 0;
  #seen = 0;
  /** The bits of all bytes of values: from 0x80 on, one of them is not ASCII. */
  #marks = 0;
  #begun = false;

  /** Where the request target, or the reason phrase, begins. */
  wordAt = 0;
  /** Where it ends. */
  wordEnd = 0;
  /** The method's length. */
  methodEnd = 0;
  /** The status code. */
  status = 0;
  /** Whether the version is 1.0. */
  old = false;
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

  /**
   * Creates a scanner.
   *
   * @param start What heads begin with; trailers with nothing.
   */
  constructor(start: StartLine, limits: HttpSettings) {
    this.#start = start;
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
    const head = bytes.subarray(base, end);
    return this.#marks >= 0x80 ? decodeLatin1(head) : decoder.decode(head);
  }

  #reset(): void {
    this.#line =
      this.#seen =
      this.#marks =
      this.count =
      this.hosts =
        0;
    this.fieldsAt = 0;
    this.contentLength = -1;
    this.transferEncodings = this.connections = 0;
    this.upgrade = this.expect = false;
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
    return this.#line === 0 && this.#start !== "none"
      ? this.#seen <= maxStartLine
      : this.#seen - this.fieldsAt <= maxHeaderSection;
  }

  #scanLines(bytes: Uint8Array, base: number): number {
    let at = base + this.#line;
    if (this.#line === 0) {
      if (this.#start === "request") at = this.#requestLine(bytes, base);
      else if (this.#start === "status") at = this.#statusLine(bytes, base);
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

  /** Checks `method SP target SP version CRLF`, RFC 9112 §3. */
  #requestLine(bytes: Uint8Array, base: number): number {
    const limit = base + this.#limits.maxStartLine;
    const end = Math.min(bytes.length, limit);
    let at = base;
    while (at < end && TOKEN[bytes[at]!] !== 0) at++;
    if (at < end) {
      if (at === base || bytes[at] !== SP) {
        this.#badByte(bytes, at, "bad_method");
      }
      this.methodEnd = at - base;
      this.wordAt = ++at - base;
      while (at < end && TARGET[bytes[at]!] !== 0) at++;
      this.wordEnd = at - base;
      if (at < end) {
        if (this.wordEnd === this.wordAt || bytes[at] !== SP) {
          this.#badByte(bytes, at, "bad_target");
        }
        // The version has eight bytes, and may not be looked at in part.
        if (at + 9 > limit) throw new Refusal("start_line_too_long");
        const next = this.#version(bytes, at + 1, CR);
        return next < 0 ? -1 : this.#lineEnd(bytes, next);
      }
    }
    return this.#startLineCut(bytes, limit);
  }

  /** Checks `version SP status [SP reason] CRLF`, RFC 9112 §4. */
  #statusLine(bytes: Uint8Array, base: number): number {
    const limit = base + this.#limits.maxStartLine;
    const end = Math.min(bytes.length, limit);
    let at = this.#version(bytes, base, SP);
    if (at < 0) return -1;
    at++;
    if (at + 3 >= end) return this.#statusCut(bytes, at, end);
    for (let i = 0; i < 3; i++) this.#digit(bytes[at + i]!);
    this.status = (bytes[at]! - 0x30) * 100 + (bytes[at + 1]! - 0x30) * 10 +
      bytes[at + 2]! - 0x30;
    at += 3;
    if (this.status < 100) throw new Refusal("bad_status");
    this.wordAt = this.wordEnd = at - base;
    // A missing space before an empty reason phrase is common and harmless.
    if (bytes[at] !== CR && bytes[at] !== SP) {
      this.#badByte(bytes, at, "bad_status");
    }
    if (bytes[at] === SP) {
      this.wordAt = ++at - base;
      while (at < end && VALUE[bytes[at]!] !== 0) this.#marks |= bytes[at++]!;
      if (at >= end) return this.#startLineCut(bytes, limit);
      this.wordEnd = at - base;
      if (bytes[at] !== CR) this.#badByte(bytes, at, "bad_reason");
    }
    return this.#lineEnd(bytes, at);
  }

  #statusCut(bytes: Uint8Array, at: number, end: number): -1 {
    for (; at < end; at++) this.#digit(bytes[at]!);
    return -1;
  }

  #digit(byte: number): void {
    if (byte < 0x30 || byte > 0x39) throw new Refusal("bad_status");
  }

  #startLineCut(bytes: Uint8Array, limit: number): -1 {
    if (bytes.length > limit) throw new Refusal("start_line_too_long");
    return -1;
  }

  /** Says what is wrong with a byte: a bare LF is a thing of its own. */
  #badByte(bytes: Uint8Array, at: number, otherwise: RefusalCode): never {
    if (bytes[at] === LF) throw new Refusal("bad_line_end");
    throw new Refusal(otherwise);
  }

  /** Checks the version at `at`; returns where it ends, -1 if it is cut. */
  #version(bytes: Uint8Array, at: number, next: number): number {
    const text = "HTTP/1.";
    const end = bytes.length;
    for (let i = 0; i < 5; i++) {
      if (at + i >= end) return -1;
      if (bytes[at + i] !== text.charCodeAt(i)) {
        throw new Refusal("bad_version");
      }
    }
    // Waits for all of it, so that the verdict does not hang on how it is split.
    if (at + 8 >= end) return -1;
    const major = bytes[at + 5]! - 0x30;
    const minor = bytes[at + 7]! - 0x30;
    if (
      bytes[at + 6] !== 0x2e || major < 0 || major > 9 || minor < 0 ||
      minor > 9
    ) {
      throw new Refusal("bad_version");
    }
    if (bytes[at + 8] !== next) this.#badByte(bytes, at + 8, "bad_version");
    if (major !== 1 || minor > 1) throw new Refusal("unsupported_version");
    this.old = minor === 0;
    return at + 8;
  }

  /** Checks the CRLF at `at`; returns where it ends, -1 if it is cut. */
  #lineEnd(bytes: Uint8Array, at: number): number {
    if (at + 1 >= bytes.length) return -1;
    if (bytes[at + 1] !== LF) throw new Refusal("bad_line_end");
    return at + 2;
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
    let marks = this.#marks, byte = 0;
    while (
      at < end &&
      ((byte = bytes[at]!) >= SP ? byte !== DEL : byte === HT)
    ) {
      marks |= byte;
      at++;
    }
    this.#marks = marks;
    if (at >= end) return -1;
    if (bytes[at] !== CR) this.#badByte(bytes, at, "bad_field_value");
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
    this.#badByte(bytes, at, "bad_field_name");
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

function isSpace(byte: number): boolean {
  return byte === SP || byte === HT;
}

/** Reads `1*DIGIT`, RFC 9110 §8.6. Fifteen digits are always exact. */
function readLength(bytes: Uint8Array, from: number, to: number): number {
  if (from === to) throw new Refusal("bad_content_length");
  while (to - from > 1 && bytes[from] === 0x30) from++;
  if (to - from > 15) throw new Refusal("bad_content_length");
  let length = 0;
  for (let i = from; i < to; i++) {
    const digit = bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) throw new Refusal("bad_content_length");
    length = length * 10 + digit;
  }
  return length;
}

/** Checks `uri-host [":" port]`, RFC 9110 §7.2; it may be empty. */
function checkHost(bytes: Uint8Array, from: number, to: number): void {
  let at = from;
  if (at < to && bytes[at] === 0x5b) {
    const close = bytes.subarray(at, to).indexOf(0x5d);
    if (close < 2) throw new Refusal("bad_host");
    for (let i = at + 1; i < at + close; i++) {
      if (HOST[bytes[i]!] === 0 && bytes[i] !== COLON) {
        throw new Refusal("bad_host");
      }
    }
    at += close + 1;
  } else {
    while (at < to && HOST[bytes[at]!] !== 0) at++;
  }
  if (at === to) return;
  if (bytes[at] !== COLON) throw new Refusal("bad_host");
  while (++at < to) {
    if (bytes[at]! < 0x30 || bytes[at]! > 0x39) throw new Refusal("bad_host");
  }
}
