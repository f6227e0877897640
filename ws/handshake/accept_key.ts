/**
 * The key of the opening handshake and the answer to it, RFC 6455 §4.1 and
 * §4.2.2.
 *
 * @module
 */

import { hash, randomBytes } from "node:crypto";

/** What RFC 6455 §1.3 has both sides append to the key. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Makes the `Sec-WebSocket-Accept` for a key, RFC 6455 §4.2.2.
 *
 * @param key The value of `Sec-WebSocket-Key`, as it was sent.
 * @returns Base64 of 20 bytes.
 *
 * @example The key of RFC 6455 §1.3
 * ```ts
 * import { acceptKey } from "./accept_key.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   acceptKey("dGhlIHNhbXBsZSBub25jZQ=="),
 *   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
 * );
 * ```
 */
export function acceptKey(key: string): string {
  return hash("sha1", key + GUID, "base64");
}

/**
 * Makes a new random `Sec-WebSocket-Key`, RFC 6455 §4.1.
 *
 * @returns Base64 of 16 bytes.
 */
export function makeKey(): string {
  return randomBytes(16).toString("base64");
}

/** 22 digits of base64 are 132 bits, of which 128 count. */
const KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Whether a `Sec-WebSocket-Key` is base64 of 16 bytes, RFC 6455 §4.2.1. The four
 * bits too many may be anything: the example key in RFC 6455 §4.1 itself has
 * them set.
 *
 * @param key The value, without white space around it.
 */
export function isKey(key: string): boolean {
  return KEY.test(key);
}
