/**
 * Autobahn's category 9: limits and performance.
 *
 * @module
 */

import type { Case } from "../_cases_test_util.ts";
import { bytesOf, fragments, frame, hex } from "../_frames_test_util.ts";

/** A message that comes back. Sizes are in bytes. */
export interface LimitRow {
  readonly id: string;
  readonly opcode: 1 | 2;
  readonly length: number;
  /** The size of its fragments; left out, it is one frame. */
  readonly fragment?: number;
  /** The size of the bites in which it is fed; left out, as large as can be. */
  readonly chop?: number;
  /** How often it goes there and back; once by default. */
  readonly times?: number;
}

const K = 1024;
const M = 1024 * K;
const LENGTHS = [64 * K, 256 * K, M, 4 * M, 8 * M, 16 * M];
const FRAGMENTS = [64, 256, K, 4 * K, 16 * K, 64 * K, 256 * K, M, 4 * M];
const CHOPS = [64, 128, 256, 512, K, 2 * K];
const ROUND_TRIPS = [0, 16, 64, 256, K, 4 * K];

/** Rows of a sub-category with text, and of the next one with bytes. */
function rows(
  category: number,
  sizes: readonly number[],
  row: (size: number) => Omit<LimitRow, "id" | "opcode">,
): LimitRow[] {
  return ([1, 2] as const).flatMap((opcode) =>
    sizes.map((size, i) => {
      const id = `9.${category + opcode - 1}.${i + 1}`;
      return { id, opcode, ...row(size) };
    })
  );
}

/** The cases. Autobahn makes a thousand round trips; a hundred show the same. */
export const limits: readonly LimitRow[] = [
  ...rows(1, LENGTHS, (length) => ({ length })),
  ...rows(3, FRAGMENTS, (fragment) => ({ length: 4 * M, fragment })),
  ...rows(5, CHOPS, (chop) => ({ length: M, chop })),
  ...rows(7, ROUND_TRIPS, (length) => ({ length, times: 100 })),
];

const TEXT = bytesOf("BAsd7&jh23");
const BYTES = hex("00fe23faf0");

/** A pattern over and over, up to a length. */
function repeated(pattern: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(pattern.subarray(0, length));
  for (let size = pattern.length; size < length; size *= 2) {
    bytes.copyWithin(size, 0, Math.min(size, length - size));
  }
  return bytes;
}

function sizeText(bytes: number): string {
  if (bytes >= M) return `${bytes / M} MiB`;
  return bytes >= K ? `${bytes / K} KiB` : `${bytes} bytes`;
}

/** What a row says, in words. */
export function factOf(
  { opcode, length, fragment, chop, times }: LimitRow,
): string {
  const what = `${opcode === 1 ? "text" : "a binary message"} of ${
    sizeText(length)
  }`;
  if (fragment !== undefined) {
    return `${what} in fragments of ${sizeText(fragment)} comes back`;
  }
  if (chop !== undefined) return `${what} in bites of ${chop} bytes comes back`;
  return `${what} comes back${times === undefined ? "" : ` ${times} times`}`;
}

/** Makes the case of a row. It may be large, so only when it is to be played. */
export function limitCase(row: LimitRow): Case {
  const { id, opcode, length, fragment = Infinity, times = 1 } = row;
  const payload = repeated(opcode === 1 ? TEXT : BYTES, length);
  const stage = {
    sends: fragments(opcode, payload, fragment),
    replies: [frame(opcode, payload)],
  };
  return { id, fact: factOf(row), stages: Array(times).fill(stage) };
}
