// A stream of zlib, called directly. The public functions of `node:zlib` make a
// stream for every message, which takes longer than compressing it, and its public
// streams are asynchronous. Both are built on a handle that is neither. Node and
// Deno keep it as it is for the packages that call it (pngjs is one); still, all
// that is known of it is here, and `handlesWork` tries it before it is relied on.

import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  type InflateRaw,
} from "node:zlib";

/** The part of a stream that its users do not see. */
interface Inner {
  readonly _handle: {
    writeSync(
      flush: number,
      input: Uint8Array,
      from: number,
      length: number,
      output: Uint8Array,
      at: number,
      space: number,
    ): unknown;
    reset(): unknown;
    onerror: (message: string, code: number) => void;
  };
  /** How much output space and input a call has left. */
  readonly _writeState: Uint32Array;
}

/** Streams have a buffer that the handle does not use: the least there is. */
const CHUNK = { chunkSize: constants.Z_MIN_CHUNK };

/** zlib has refused the input. */
export class ZlibFailure extends Error {
  /** `"ZlibFailure"`. */
  override readonly name = "ZlibFailure";
}

/** A stream that works while it is called. */
export class ZlibHandle {
  /** How many bytes of its input the last call has left. */
  left = 0;
  readonly #stream: (DeflateRaw | InflateRaw) & Inner;
  #failure: string | undefined;
  #used = false;
  #forget = false;

  constructor(stream: DeflateRaw | InflateRaw) {
    this.#stream = stream as (DeflateRaw | InflateRaw) & Inner;
    this.#stream._handle.onerror = (message) => this.#failure = message;
  }

  /**
   * Puts input in, and takes output out up to the end of what was put in.
   *
   * @param input The input, from `from` on.
   * @param output Where the output goes, from `at` on.
   * @param space How much of it there may be. If it is all used, there may be more.
   * @returns How many bytes of output there are.
   * @throws {ZlibFailure} If the input is invalid.
   */
  run(
    input: Uint8Array,
    from: number,
    output: Uint8Array,
    at: number,
    space: number,
  ): number {
    const { _handle, _writeState } = this.#stream;
    if (this.#forget) {
      _handle.reset();
      this.#forget = false;
    }
    this.#used = true;
    const length = input.length - from;
    const flush = constants.Z_SYNC_FLUSH;
    _handle.writeSync(flush, input, from, length, output, at, space);
    if (this.#failure !== undefined) throw new ZlibFailure(this.#failure);
    this.left = _writeState[1]!;
    return space - _writeState[0]!;
  }

  /** Forgets what went through; in fact, when the next input comes. */
  reset(): void {
    this.#forget = this.#used;
  }

  /** Frees its memory. */
  close(): void {
    this.#stream.close();
  }
}

/** Creates a stream that compresses. */
export function deflateHandle(
  windowBits: number,
  level: number,
  memLevel: number,
): ZlibHandle {
  return new ZlibHandle(
    createDeflateRaw({ windowBits, level, memLevel, ...CHUNK }),
  );
}

/** Creates a stream that decompresses. */
export function inflateHandle(windowBits: number): ZlibHandle {
  return new ZlibHandle(createInflateRaw({ windowBits, ...CHUNK }));
}

let works: boolean | undefined;

/** Whether handles do here what is expected of them. Tried once. */
export function handlesWork(): boolean {
  return works ??= tryHandles();
}

function tryHandles(): boolean {
  const handles: ZlibHandle[] = [];
  try {
    const deflate = deflateHandle(9, 1, 1);
    handles.push(deflate);
    const inflate = inflateHandle(9);
    handles.push(inflate);
    return tryContexts(deflate, inflate) && tryFailure(inflate);
  } catch {
    return false;
  } finally {
    for (const handle of handles) handle.close();
  }
}

const SAMPLE = Uint8Array.from(
  "a meerkat is a mongoose",
  (c) => c.charCodeAt(0),
);

/** Whether contexts are kept, forgotten, and read in small steps. */
function tryContexts(deflate: ZlibHandle, inflate: ZlibHandle): boolean {
  const packed = new Uint8Array(100);
  const plain = new Uint8Array(100);
  const sizes: number[] = [];
  for (const forget of [false, false, true]) {
    if (forget) deflate.reset();
    const size = deflate.run(SAMPLE, 0, packed, 0, packed.length);
    sizes.push(size);
    if (deflate.left !== 0) return false;
    const input = packed.subarray(0, size);
    let made = inflate.run(input, 0, plain, 0, 7);
    if (made !== 7) return false;
    made += inflate.run(input, size - inflate.left, plain, 7, 93);
    if (made !== SAMPLE.length || inflate.left !== 0) return false;
    if (SAMPLE.some((byte, i) => byte !== plain[i])) return false;
  }
  return sizes[1]! < sizes[0]! && sizes[2] === sizes[0];
}

/** Whether invalid input is told of, and nothing else happens. */
function tryFailure(inflate: ZlibHandle): boolean {
  inflate.reset();
  try {
    inflate.run(new Uint8Array([0xff]), 0, new Uint8Array(8), 0, 8);
  } catch (error) {
    return error instanceof ZlibFailure;
  }
  return false;
}
