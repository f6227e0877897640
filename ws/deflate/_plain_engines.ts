// Engines over the public functions of `node:zlib`, for where its handles are not
// what they were. They are slower, and know of no context:
//
// - Each piece is compressed by itself, which every context allows.
// - What a message refers back to is put in front of it, as blocks without
//   compression. (The option `dictionary` is for that, but Deno 2.9 ignores it.)
//   A message is read when all of it is there.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { DeflateEngine, EngineMakers, InflateEngine } from "./_engines.ts";
import { inflatedTooLarge, notDeflate } from "./_errors.ts";
import { MAX_FINAL_BLOCKS, TAIL, tooManyFinalBlocks } from "./_message_end.ts";

const NOTHING = new Uint8Array(0);
const finishFlush = constants.Z_SYNC_FLUSH;

/** What a compressed message may be larger than it is: blocks can be empty. */
const SLACK = 64 * 1024;
/** The most that a block without compression takes; a window is always less. */
const MAX_STORED = 0xffff;

class PlainDeflate implements DeflateEngine {
  readonly #options: { windowBits: number; level: number; memLevel: number };

  constructor(windowBits: number, level: number, memLevel: number) {
    this.#options = { windowBits, level, memLevel };
  }

  deflate(piece: Uint8Array, strip: number): Uint8Array {
    const bytes = deflateRawSync(piece, { ...this.#options, finishFlush });
    return new Uint8Array(bytes.subarray(0, bytes.length - strip));
  }

  reset(): void {}

  close(): void {}
}

class PlainInflate implements InflateEngine {
  readonly #windowBits: number;
  /** The end of what went through, at most as much as the window has. */
  #window: Uint8Array = NOTHING;
  #pieces: Uint8Array[] = [];
  #size = 0;

  constructor(windowBits: number) {
    this.#windowBits = windowBits;
  }

  inflate(piece: Uint8Array, final: boolean, room: number): Uint8Array {
    this.#size += piece.length;
    if (this.#size > room * 2 + SLACK) throw inflatedTooLarge();
    // It is only valid during the call.
    this.#pieces.push(final ? piece : piece.slice());
    if (!final) return NOTHING;
    const input = join([...this.#pieces, TAIL]);
    this.#pieces = [];
    this.#size = 0;
    return this.#message(input, room);
  }

  reset(): void {
    this.#window = NOTHING;
  }

  close(): void {
    this.#window = NOTHING;
    this.#pieces = [];
  }

  #message(input: Uint8Array, room: number): Uint8Array {
    const outputs: Uint8Array[] = [];
    for (let finals = 0;; finals++) {
      if (finals > MAX_FINAL_BLOCKS) throw tooManyFinalBlocks();
      const before = stored(this.#window);
      const skip = this.#window.length;
      const { bytes, read } = inflateUpTo(
        join([before, input]),
        this.#windowBits,
        skip + room,
      );
      const output = bytes.slice(skip);
      outputs.push(output);
      room -= output.length;
      input = input.subarray(read - before.length);
      this.#window = bytes.slice(-(1 << this.#windowBits));
      if (input.length === 0) break;
      // What goes on after a final block has no context.
      this.#window = NOTHING;
      // Nothing came behind it, not even the byte that this tail belongs to.
      if (input.length === TAIL.length) break;
    }
    return join(outputs);
  }
}

interface Inflated {
  bytes: Uint8Array;
  /** How much of the input there was up to the end, or the end of a final block. */
  read: number;
}

function inflateUpTo(
  input: Uint8Array,
  windowBits: number,
  most: number,
): Inflated {
  const limit = Number.isFinite(most)
    ? { maxOutputLength: Math.max(1, most) }
    : {};
  try {
    const options = { windowBits, finishFlush, info: true, ...limit };
    const { buffer, engine } = inflateRawSync(input, options) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    if (buffer.length > most) throw inflatedTooLarge();
    return { bytes: new Uint8Array(buffer), read: engine.bytesWritten };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code === "message_too_large") throw error;
    throw code === "ERR_BUFFER_TOO_LARGE"
      ? inflatedTooLarge()
      : notDeflate(message, error);
  }
}

/** Bytes as a block without compression, RFC 1951 §3.2.4. */
function stored(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length === 0) return NOTHING;
  const block = new Uint8Array(5 + length);
  const view = new DataView(block.buffer);
  view.setUint16(1, length, true);
  view.setUint16(3, MAX_STORED - length, true);
  block.set(bytes, 5);
  return block;
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const piece of pieces) size += piece.length;
  const all = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** Makes engines over public functions. */
export const plainMakers: EngineMakers = {
  deflate: (windowBits, level, memLevel) =>
    new PlainDeflate(windowBits, level, memLevel),
  inflate: (windowBits) => new PlainInflate(windowBits),
};
