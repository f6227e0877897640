/**
 * What the property tests draw: messages, how they are cut, and the rest.
 *
 * @module
 */

import fc from "fast-check";
import type { Role } from "../conformance/_cases_test_util.ts";
import {
  agreement,
  compressAll,
  directionOf,
  otherRole,
} from "../conformance/_deflate_test_util.ts";
import {
  bytesOf,
  encode,
  type Frame,
  frame,
} from "../conformance/_frames_test_util.ts";
import type { Mode } from "../conformance/_memory_test_util.ts";
import { numbers } from "../conformance/testdata/corpora.ts";
import type { DeflateAgreement } from "../deflate/params.ts";

/** A message, how it is cut, and the control frames that come within it. */
export interface Drawn {
  readonly data: string | Uint8Array;
  /** Where it is cut, as parts of its length. */
  readonly cuts: readonly number[];
  readonly controls: readonly Control[];
  readonly compressed: boolean;
}

/** A control frame, and before which of the message's frames it comes. */
export interface Control {
  readonly opcode: 9 | 10;
  readonly payload: Uint8Array;
  readonly before: number;
}

const part = fc.double({ min: 0, max: 1, noNaN: true });
const text = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 60 }),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", "\ufeff", "e\u0301\u200d\u{1f9a6}\u{10ffff}", "\0"),
);
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  // Drawing each of so many bytes would be slow, and showing them no help.
  fc.tuple(fc.nat(70_000), fc.nat(99)).map(([length, seed]) =>
    repeating(length, seed)
  ),
);

/** Bytes that repeat themselves a little, shown by what they are made of. */
function repeating(length: number, seed: number): Uint8Array {
  const random = numbers(seed);
  const bytes = Uint8Array.from({ length }, (_, i) => i % 97 ^ random() * 4);
  const shown = { value: () => `repeating(${length}, ${seed})` };
  return Object.defineProperty(bytes, fc.toStringMethod, shown);
}

const control: fc.Arbitrary<Control> = fc.record({
  opcode: fc.constantFrom<9 | 10>(9, 10),
  payload: fc.uint8Array({ maxLength: 125 }),
  before: fc.nat(6),
});

/** Messages as a peer sends them. */
export const messages: fc.Arbitrary<Drawn[]> = fc.array(
  fc.record({
    data: fc.oneof(text, text.map((each) => each.repeat(40)), bytes),
    cuts: fc.array(part, { maxLength: 6 }),
    controls: fc.array(control, { maxLength: 2 }),
    compressed: fc.boolean(),
  }),
  { maxLength: 6 },
);

const bits = fc.integer({ min: 8, max: 15 });

/** What was agreed on about compression, or nothing. */
export const agreements: fc.Arbitrary<DeflateAgreement | undefined> = fc.option(
  fc.record({
    serverNoContextTakeover: fc.boolean(),
    clientNoContextTakeover: fc.boolean(),
    serverMaxWindowBits: bits,
    clientMaxWindowBits: bits,
    level: fc.constantFrom(1, 6, 9),
    memLevel: fc.constantFrom(1, 8, 9),
    threshold: fc.constantFrom(0, 64),
  }).map(agreement),
  { nil: undefined },
);

/** Which side the machine is. */
export const roles: fc.Arbitrary<Role> = fc.constantFrom("server", "client");

/** How bytes reach the machine: the sizes of reads, over and over. */
export interface DrawnMode {
  readonly sizes: readonly number[];
  readonly pausing: boolean;
}

/** How bytes reach the machine. */
export const modes: fc.Arbitrary<DrawnMode> = fc.record({
  sizes: fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.nat(3000)), {
    minLength: 1,
    maxLength: 6,
  }),
  pausing: fc.boolean(),
});

/** Makes a mode, which begins with the first size. */
export function modeOf({ sizes, pausing }: DrawnMode): Mode {
  let i = 0;
  // Nothing but single bytes makes long messages slow.
  const all = [...sizes, 500];
  return { name: "drawn", pausing, chunk: () => all[i++ % all.length]! };
}

/** Cuts a payload into frames, with the control frames between them. */
export function framesOf(drawn: Drawn, payload: Uint8Array, rsv = 0): Frame[] {
  const { data, cuts, controls } = drawn;
  const opcode = typeof data === "string" ? 1 : 2;
  const ends = cuts.map((cut) => Math.floor(cut * payload.length));
  ends.sort((a, b) => a - b).push(payload.length);
  return ends.flatMap((end, i) => [
    ...controls
      .filter(({ before }) => before % ends.length === i)
      .map(({ opcode, payload }) => frame(opcode, payload)),
    frame(i === 0 ? opcode : 0, payload.subarray(ends[i - 1] ?? 0, end), {
      fin: i === ends.length - 1,
      rsv: i === 0 ? rsv : 0,
    }),
  ]);
}

/** The bytes that a peer sends for the messages, frame by frame. */
export async function bytesOfAll(
  all: readonly Drawn[],
  deflate: DeflateAgreement | undefined,
  role: Role,
): Promise<Uint8Array[]> {
  const packed = all.filter(({ compressed }) => deflate && compressed);
  const compressed = deflate === undefined ? [] : await compressAll(
    packed.map(({ data }) => bytesOf(data)),
    directionOf(deflate, otherRole(role)),
  );
  const frames = all.flatMap((drawn) => {
    const at = packed.indexOf(drawn);
    return at < 0
      ? framesOf(drawn, bytesOf(drawn.data))
      : framesOf(drawn, compressed[at]!, 4);
  });
  return frames.map((each) => encode([each], role === "server"));
}
