/**
 * Text that must be UTF-8, RFC 6455 §8.1.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { invalidUtf8 } from "./failure.ts";

/** U+FEFF is a character of the message like any other. */
const OPTIONS = { fatal: true, ignoreBOM: true };
const decoder = new TextDecoder("utf-8", OPTIONS);
const NOTHING = new Uint8Array(0);
const MORE = { stream: true };

/**
 * Decodes a whole text.
 *
 * @param bytes Where it is.
 * @param start Its first byte.
 * @param end Behind its last one.
 * @throws {ConnError} With reply 1007.
 */
export function decodeText(
  bytes: Uint8Array,
  start = 0,
  end = bytes.length,
): string {
  // Several times as fast as a `TextDecoder` where a text is short, but it says
  // of no byte that it is wrong: it puts U+FFFD there.
  const text = Buffer.prototype.toString.call(
    bytes as Buffer,
    "utf8",
    start,
    end,
  );
  if (!text.includes("\uFFFD")) return text;
  try {
    return decoder.decode(bytes.subarray(start, end));
  } catch {
    throw invalidUtf8();
  }
}

/** Decodes a text piece by piece, and fails at the first byte that is wrong. */
export class TextPieces {
  readonly #decoder = new TextDecoder("utf-8", OPTIONS);

  /**
   * Decodes a piece.
   *
   * @param bytes The piece, which may begin and end inside a character.
   * @param last Whether the text ends with it.
   * @returns The characters that are complete.
   * @throws {ConnError} With reply 1007.
   */
  decode(bytes: Uint8Array, last: boolean): string {
    try {
      return last
        ? this.#decoder.decode(bytes.length === 0 ? NOTHING : bytes)
        : this.#decoder.decode(bytes, MORE);
    } catch {
      throw invalidUtf8();
    }
  }
}

// The size of a text that is to be sent; that of HTTP's bodies is found the same
// way.
export { utf8Length } from "../../http/codec/encode.ts";
