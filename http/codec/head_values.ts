/**
 * Reading what a head says, while it is still bytes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { Refusal } from "./refusals.ts";
import { HOST } from "./_tables.ts";

const HT = 0x09, SP = 0x20, COLON = 0x3a;

/**
 * Makes a string of bytes, a character for each byte. `TextDecoder` takes twice
 * as long, and its "latin1" is another encoding.
 */
export function decodeLatin1(
  bytes: Uint8Array,
  from = 0,
  to = bytes.length,
): string {
  return Buffer.prototype.toString.call(bytes as Buffer, "latin1", from, to);
}

/** Whether `bytes[at..]` is the lower-case `name` in any case. */
export function matches(bytes: Uint8Array, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    // A hyphen has bit 5 set as lower-case letters have; CR has not, and no
    // token character becomes one by setting it.
    if ((bytes[at + i]! | 0x20) !== code) return false;
  }
  return true;
}

/** Whether a byte may be around a value. */
export function isSpace(byte: number): boolean {
  return byte === SP || byte === HT;
}

/** Reads `1*DIGIT`, RFC 9110 §8.6. Fifteen digits are always exact. */
export function readLength(
  bytes: Uint8Array,
  from: number,
  to: number,
): number {
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
export function checkHost(bytes: Uint8Array, from: number, to: number): void {
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
