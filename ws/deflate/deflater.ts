/**
 * Compressing messages, RFC 7692 §7.2.1.
 *
 * @module
 */

import {
  type DeflateEngine,
  type Engines,
  EngineSlot,
  threadEngines,
} from "./_engines.ts";
import { contextClosed } from "./_errors.ts";

/** How messages are compressed. */
export interface DeflateSettings {
  /** How far back to refer at most, as a power of two, 8 to 15. */
  readonly windowBits: number;
  /** How hard to look for repetitions, 1 to 9. */
  readonly level: number;
  /** How much is compressed as one block, 1 to 9. */
  readonly memLevel: number;
}

/** The end of each message, which its receiver puts there again. */
const TAIL_SIZE = 4;

/**
 * Compresses the messages of one direction of a connection. It takes no memory
 * until the first one comes, and never any without context takeover.
 *
 * @example Two messages, of which the second refers to the first
 * ```ts
 * import { Deflater } from "./deflater.ts";
 * import { assert } from "@std/assert";
 *
 * const deflater = new Deflater({ windowBits: 15, level: 1, memLevel: 8 }, true);
 * const message = new TextEncoder().encode("Hello, mongoose");
 * const { length } = deflater.compress(message);
 * assert(deflater.compress(message).length < length);
 * deflater.close();
 * ```
 */
export class Deflater {
  readonly #slot: EngineSlot<DeflateEngine>;

  /**
   * Creates a deflater.
   *
   * @param settings How messages are compressed.
   * @param contextTakeover Whether a message may refer to those before it.
   * @param engines The way to zlib; tests have others.
   */
  constructor(
    settings: DeflateSettings,
    contextTakeover: boolean,
    engines: Engines = threadEngines(),
  ) {
    const { windowBits, level, memLevel } = settings;
    const pool = engines.deflate(windowBits, level, memLevel);
    this.#slot = new EngineSlot(pool, contextTakeover);
  }

  /**
   * Compresses a message.
   *
   * @param payload The message.
   * @returns The payload to send, in an array that belongs to the caller.
   * @throws {ConnError} With code `"closed"`.
   */
  compress(payload: Uint8Array): Uint8Array {
    return this.compressPart(payload, true);
  }

  /**
   * Compresses a part of a message, so that the peer can read all of it at once.
   *
   * @param piece The part. It may be empty.
   * @param final Whether the message ends with it.
   * @returns The payload of a frame, in an array that belongs to the caller.
   * @throws {ConnError} With code `"closed"`.
   */
  compressPart(piece: Uint8Array, final: boolean): Uint8Array {
    const slot = this.#slot;
    if (slot.closed) throw contextClosed();
    // zlib flushes nothing that is flushed already. A message that is empty, or
    // ends with nothing, is the first byte of an empty block: RFC 7692 §7.2.3.6.
    const bytes = piece.length === 0
      ? new Uint8Array(final ? 1 : 0)
      : slot.use().deflate(piece, final ? TAIL_SIZE : 0);
    if (final) slot.end();
    return bytes;
  }

  /**
   * Refers to nothing before: for when the peer has read messages that did not
   * come from here.
   */
  forget(): void {
    this.#slot.forget();
  }

  /** Frees the memory. */
  close(): void {
    this.#slot.close();
  }
}
