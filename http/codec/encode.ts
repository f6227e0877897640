/**
 * Making what goes over the wire.
 *
 * @module
 */

import type { Sink } from "../../conn/machine.ts";
import type { HttpEvent } from "./message.ts";

/** What a connection's transport takes. */
export type Out = Sink<HttpEvent>;

const encoder = new TextEncoder();

/** Strings longer than this are encoded at once instead of being measured. */
const MEASURE_MAX = 1024;

/** Whether a string has a byte for each character, as UTF-8 and as Latin-1. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x80) return false;
  }
  return true;
}

/** How many bytes a string is as UTF-8. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) {
      length++;
    } else if ((code & 0xfc00) === 0xd800 && isLow(text.charCodeAt(i + 1))) {
      // A pair is two units and four bytes.
      length += 2;
      i++;
    } else {
      // A lone surrogate becomes U+FFFD, which has three bytes as well.
      length += 2;
    }
  }
  return length;
}

function isLow(code: number): boolean {
  return (code & 0xfc00) === 0xdc00;
}

/** Encodes a string that is too long to go over it twice. */
export function settle(body: string | Uint8Array): string | Uint8Array {
  return typeof body === "string" && body.length > MEASURE_MAX
    ? encoder.encode(body)
    : body;
}

/** How many bytes a body is. */
export function byteLength(body: string | Uint8Array): number {
  return typeof body === "string" ? utf8Length(body) : body.length;
}

/** Encodes a string as Latin-1. */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Writes a head, and the body that goes with it: in one string if it can be.
 *
 * @param wide Whether the head has characters that are not ASCII.
 */
export function writeMessage(
  head: string,
  wide: boolean,
  body: string | Uint8Array | undefined,
  out: Out,
): void {
  if (typeof body === "string" && !wide) {
    out.write(head + body);
    return;
  }
  out.write(wide ? encodeLatin1(head) : head);
  if (body !== undefined && body.length > 0) out.write(body);
}

/** Writes a chunk, RFC 9112 §7.1. An empty one would be the last one. */
export function writeChunk(data: string | Uint8Array, out: Out): void {
  const piece = settle(data);
  const length = byteLength(piece);
  if (length === 0) return;
  const size = length.toString(16) + "\r\n";
  if (typeof piece === "string") {
    out.write(size + piece + "\r\n");
    return;
  }
  out.write(size);
  out.write(piece);
  out.write("\r\n");
}
