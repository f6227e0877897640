/**
 * Decompressing messages, RFC 7692 §7.2.2.
 *
 * @module
 */

import {
  type Engines,
  EngineSlot,
  type InflateEngine,
  threadEngines,
} from "./_engines.ts";
import { contextClosed } from "./_errors.ts";

const NOTHING = new Uint8Array(0);

/**
 * Decompresses the messages of one direction of a connection. It takes no memory
 * until the first one comes; without context takeover it takes some only while a
 * message is there in part.
 *
 * @example A message in two pieces
 * ```ts
 * import { Inflater } from "./inflater.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const inflater = new Inflater(15, true);
 * const bytes = new Uint8Array([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
 * const text = [
 *   inflater.inflate(bytes.subarray(0, 4), false, 100),
 *   inflater.inflate(bytes.subarray(4), true, 100),
 * ].map((piece) => new TextDecoder().decode(piece)).join("");
 * assertEquals(text, "Hello");
 * inflater.close();
 * ```
 */
export class Inflater {
  readonly #slot: EngineSlot<InflateEngine>;

  /**
   * Creates an inflater.
   *
   * @param windowBits How far back messages refer at most, as a power of two, 8
   * to 15.
   * @param contextTakeover Whether a message may refer to those before it.
   * @param engines The way to zlib; tests have others.
   */
  constructor(
    windowBits: number,
    contextTakeover: boolean,
    engines: Engines = threadEngines(),
  ) {
    this.#slot = new EngineSlot(engines.inflate(windowBits), contextTakeover);
  }

  /**
   * Decompresses a piece of a message. After an error it is closed.
   *
   * @param piece The piece, only needed during the call. It may be empty.
   * @param final Whether the message ends with it.
   * @param room How many bytes it may come to. What would be more is not made.
   * @returns What could be decompressed, in an array that belongs to the caller.
   * @throws {ConnError} With code `"message_too_large"` and reply 1009 if there is
   * no room, `"deflate_invalid"` and reply 1007 if it is not DEFLATE, or
   * `"closed"`.
   */
  inflate(piece: Uint8Array, final: boolean, room: number): Uint8Array {
    const slot = this.#slot;
    if (slot.closed) throw contextClosed();
    if (piece.length === 0 && !final) return NOTHING;
    try {
      const bytes = slot.use().inflate(piece, final, Math.max(0, room));
      if (final) slot.end();
      return bytes;
    } catch (error) {
      slot.close();
      throw error;
    }
  }

  /** Frees the memory. */
  close(): void {
    this.#slot.close();
  }
}
