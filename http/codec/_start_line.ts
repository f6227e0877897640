/**
 * Checking the line that a message begins with.
 *
 * @module
 */

import { Refusal, type RefusalCode } from "./refusals.ts";
import { TARGET, TOKEN, VALUE } from "./_tables.ts";

const LF = 0x0a, CR = 0x0d, SP = 0x20;

/** Says what is wrong with a byte: a bare LF is a thing of its own. */
export function refuseByte(byte: number, otherwise: RefusalCode): never {
  throw new Refusal(byte === LF ? "bad_line_end" : otherwise);
}

/** Checks one start line after the other. All offsets are from its first byte. */
export class StartLineScanner {
  readonly #maxLength: number;
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

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /**
   * Checks `method SP target SP version CRLF`, RFC 9112 §3.
   *
   * @returns Where it ends, -1 if it is cut.
   */
  scanRequest(bytes: Uint8Array, base: number): number {
    const limit = base + this.#maxLength;
    const end = Math.min(bytes.length, limit);
    let at = base;
    while (at < end && TOKEN[bytes[at]!] !== 0) at++;
    if (at < end) {
      if (at === base || bytes[at] !== SP) {
        refuseByte(bytes[at]!, "bad_method");
      }
      this.methodEnd = at - base;
      this.wordAt = ++at - base;
      while (at < end && TARGET[bytes[at]!] !== 0) at++;
      this.wordEnd = at - base;
      if (at < end) {
        if (this.wordEnd === this.wordAt || bytes[at] !== SP) {
          refuseByte(bytes[at]!, "bad_target");
        }
        // The version has eight bytes, and may not be looked at in part.
        if (at + 9 > limit) throw new Refusal("start_line_too_long");
        const next = this.#version(bytes, at + 1, CR);
        return next < 0 ? -1 : this.#lineEnd(bytes, next);
      }
    }
    return this.#startLineCut(bytes, limit);
  }

  /**
   * Checks `version SP status [SP reason] CRLF`, RFC 9112 §4.
   *
   * @returns Where it ends, -1 if it is cut.
   */
  scanStatus(bytes: Uint8Array, base: number): number {
    const limit = base + this.#maxLength;
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
      refuseByte(bytes[at]!, "bad_status");
    }
    if (bytes[at] === SP) {
      this.wordAt = ++at - base;
      while (at < end && VALUE[bytes[at]!] !== 0) at++;
      if (at >= end) return this.#startLineCut(bytes, limit);
      this.wordEnd = at - base;
      if (bytes[at] !== CR) refuseByte(bytes[at]!, "bad_reason");
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
    if (bytes[at + 8] !== next) refuseByte(bytes[at + 8]!, "bad_version");
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
}
