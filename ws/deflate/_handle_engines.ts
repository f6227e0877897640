// Engines over zlib's handles.

import type { DeflateEngine, EngineMakers, InflateEngine } from "./_engines.ts";
import { inflatedTooLarge, notDeflate } from "./_errors.ts";
import { deflateHandle, inflateHandle, type ZlibHandle } from "./_handle.ts";
import { MAX_FINAL_BLOCKS, TAIL, tooManyFinalBlocks } from "./_message_end.ts";
import { Collector } from "./_scratch.ts";

class HandleDeflate implements DeflateEngine {
  readonly #handle: ZlibHandle;

  constructor(windowBits: number, level: number, memLevel: number) {
    this.#handle = deflateHandle(windowBits, level, memLevel);
  }

  deflate(piece: Uint8Array, strip: number): Uint8Array {
    const handle = this.#handle;
    const output = new Collector();
    const { scratch } = output;
    let from = 0;
    while (true) {
      const space = output.space();
      const made = handle.run(piece, from, scratch, output.at, space);
      output.at += made;
      if (made < space) return output.finish(strip);
      from = piece.length - handle.left;
    }
  }

  reset(): void {
    this.#handle.reset();
  }

  close(): void {
    this.#handle.close();
  }
}

class HandleInflate implements InflateEngine {
  readonly #handle: ZlibHandle;

  constructor(windowBits: number) {
    this.#handle = inflateHandle(windowBits);
  }

  inflate(piece: Uint8Array, final: boolean, room: number): Uint8Array {
    const output = new Collector();
    let left = this.#feed(piece, output, room);
    if (final) left = this.#feed(TAIL, output, left);
    return output.finish(0);
  }

  reset(): void {
    this.#handle.reset();
  }

  close(): void {
    this.#handle.close();
  }

  /** Puts input in and collects what comes out; returns what room is left. */
  #feed(input: Uint8Array, output: Collector, room: number): number {
    const handle = this.#handle;
    let from = 0;
    let finals = 0;
    while (true) {
      // One byte more than there is room for tells that there is too much.
      const space = Math.min(output.space(), room + 1);
      const made = this.#run(input, from, output, space);
      output.at += made;
      room -= made;
      if (room < 0) throw inflatedTooLarge();
      from = input.length - handle.left;
      if (made === space) continue;
      if (handle.left === 0) return room;
      // A block with BFINAL has ended, RFC 7692 §7.2.3.4, which for zlib is the
      // end. Who sends one has ended its stream, too, so there is no context.
      handle.reset();
      // Nothing came behind it, not even the byte that this tail belongs to.
      if (input === TAIL && from === 0) return room;
      if (++finals > MAX_FINAL_BLOCKS) throw tooManyFinalBlocks();
    }
  }

  #run(
    input: Uint8Array,
    from: number,
    output: Collector,
    space: number,
  ): number {
    try {
      return this.#handle.run(input, from, output.scratch, output.at, space);
    } catch (error) {
      throw notDeflate((error as Error).message, error);
    }
  }
}

/** Makes engines over zlib's handles. */
export const handleMakers: EngineMakers = {
  deflate: (windowBits, level, memLevel) =>
    new HandleDeflate(windowBits, level, memLevel),
  inflate: (windowBits) => new HandleInflate(windowBits),
};
