// The bytes of a file, or of parts of it, as a body.

import { ConnError } from "../../conn/error.ts";
import type { BodySource } from "../server/body_source.ts";
import type { ByteRange } from "./_range.ts";
import { recentReads } from "./_warm.ts";

/** A file as it was found: where, and in what state. */
export interface FoundFile {
  /** Where it is, with no symbolic link left to follow. */
  readonly path: string;
  /** Its state; the headers of the answer tell what this says. */
  readonly info: Deno.FileInfo;
}

/** Files up to this many bytes may be read in the calling thread, see `_warm.ts`. */
const MAX_CACHED = 64 * 1024;

/** What a body is made of: bytes of the file, and bytes in between. */
export type FilePart = ByteRange | Uint8Array;

/**
 * Reads parts of a file, one after the other.
 *
 * The file is opened at the first pull, so that a response that nobody reads
 * holds nothing, and must then still be the one that was found. Bytes that were
 * appended since are not sent, and if bytes that were announced are gone, the
 * pull fails.
 */
export class FileSource implements BodySource {
  readonly size: number;
  readonly #found: FoundFile;
  readonly #parts: readonly FilePart[];
  #file: Deno.FsFile | undefined;
  /** Whether reading will not wait for a disk. */
  #cached = false;
  #cancelled = false;
  #left: number;
  #part = 0;
  /** Bytes of the present part that were given out. */
  #done = 0;

  constructor(found: FoundFile, parts: readonly FilePart[]) {
    this.#found = found;
    this.#parts = parts;
    this.size = 0;
    for (const part of parts) this.size += partSize(part);
    this.#left = this.size;
  }

  async pull(buffer: Uint8Array): Promise<number> {
    if (this.#left === 0) return 0;
    try {
      const count = await this.#next(buffer);
      this.#left -= count;
      if (this.#left === 0) this.#finish();
      return count;
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  cancel(): void {
    this.#cancelled = true;
    this.#file?.close();
    this.#file = undefined;
  }

  #finish(): void {
    const { path, info } = this.#found;
    const whole = this.size === info.size && info.size <= MAX_CACHED;
    if (whole && !this.#cached) recentReads.add(path);
    this.cancel();
  }

  async #next(buffer: Uint8Array): Promise<number> {
    let part = this.#parts[this.#part] as FilePart;
    while (this.#done === partSize(part)) {
      part = this.#parts[++this.#part] as FilePart;
      this.#done = 0;
    }
    const count = Math.min(buffer.length, partSize(part) - this.#done);
    const target = buffer.subarray(0, count);
    if (part instanceof Uint8Array) {
      target.set(part.subarray(this.#done, this.#done + count));
      this.#done += count;
      return count;
    }
    const read = await this.#read(target, part.start + this.#done);
    this.#done += read;
    return read;
  }

  async #read(target: Uint8Array, position: number): Promise<number> {
    const file = this.#file ?? await this.#open();
    if (this.#done === 0) file.seekSync(position, Deno.SeekMode.Start);
    const count = this.#cached
      ? file.readSync(target)
      : await file.read(target);
    if (count === null) throw changed(this.#found, "it has become shorter");
    return count;
  }

  async #open(): Promise<Deno.FsFile> {
    const { path, info } = this.#found;
    if (this.#cancelled) throw changed(this.#found, "its body was cancelled");
    this.#cached = recentReads.has(path) && info.size <= MAX_CACHED;
    const file = this.#cached ? Deno.openSync(path) : await Deno.open(path);
    if (this.#cancelled || !isStill(info, file.statSync())) {
      file.close();
      throw changed(this.#found, "it is not the file that was announced");
    }
    return this.#file = file;
  }
}

function partSize(part: FilePart): number {
  return part instanceof Uint8Array ? part.length : part.end - part.start;
}

function changed(found: FoundFile, reason: string): ConnError {
  return new ConnError(
    `Cannot send the file "${found.path}": ${reason}`,
    { code: "file_changed", side: "local" },
  );
}

/** Whether a file that was opened is the one found before, the same or grown. */
function isStill(before: Deno.FileInfo, after: Deno.FileInfo): boolean {
  return before.ino === after.ino && before.dev === after.dev &&
    before.birthtime?.getTime() === after.birthtime?.getTime() &&
    (after.size > before.size || isSame(before, after));
}

function isSame(before: Deno.FileInfo, after: Deno.FileInfo): boolean {
  return before.ino === after.ino && before.size === after.size &&
    before.mtime?.getTime() === after.mtime?.getTime();
}

/**
 * Files, and ranges, up to this many bytes are read in one go. The copy that a
 * `Response` makes of more costs a server dear that can pull from the source.
 */
export const SMALL = 16 * 1024;

/** Buffers of `SMALL` bytes that no read uses at the moment. */
const spare: Uint8Array<ArrayBuffer>[] = [];
const MAX_SPARE = 32;

/**
 * Reads a small range in one go and lets `use` make something of the bytes,
 * which are valid during that call only. Nothing is left open.
 *
 * @returns What `use` returned, or `undefined` if the file is no longer as it
 * was found, so that the caller looks at it again.
 */
export async function readSmall<T>(
  found: FoundFile,
  range: ByteRange,
  use: (bytes: Uint8Array<ArrayBuffer>) => T,
): Promise<T | undefined> {
  const { path, info } = found;
  const cached = recentReads.has(path);
  using file = Deno.openSync(path);
  if (!isSame(info, file.statSync())) return undefined;
  if (range.start > 0) file.seekSync(range.start, Deno.SeekMode.Start);
  const length = range.end - range.start;
  const buffer = spare.pop() ?? new Uint8Array(SMALL);
  try {
    for (let filled = 0; filled < length;) {
      const rest = buffer.subarray(filled, length);
      const count = cached ? file.readSync(rest) : await file.read(rest);
      if (count === null) return undefined;
      filled += count;
    }
    if (length === info.size && !cached) recentReads.add(path);
    return use(buffer.subarray(0, length));
  } finally {
    if (spare.length < MAX_SPARE) spare.push(buffer);
  }
}
