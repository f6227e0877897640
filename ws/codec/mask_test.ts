import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { applyMask, randomKey } from "./mask.ts";

/** As RFC 6455 §5.3 writes it. */
function naive(bytes: Uint8Array, key: Uint8Array, phase: number): Uint8Array {
  return bytes.map((byte, i) => byte ^ key[(i + phase) % 4]!);
}

/** The key as a number, its first byte lowest. */
function toNumber(key: Uint8Array): number {
  return key[0]! | key[1]! << 8 | key[2]! << 16 | key[3]! << 24;
}

const keys = [
  new Uint8Array([1, 2, 3, 4]),
  new Uint8Array([0xff, 0x80, 0x7f, 0xfe]),
  new Uint8Array(4),
];

Deno.test("applyMask equals the naive one at every alignment, phase and length", () => {
  const source = Uint8Array.from({ length: 200 }, (_, i) => i * 31);
  for (const key of keys) {
    for (let offset = 0; offset < 4; offset++) {
      for (let start = 0; start < 5; start++) {
        for (let phase = 0; phase < 5; phase++) {
          for (const length of lengths()) {
            const memory = new Uint8Array(240).fill(0xaa);
            const bytes = memory.subarray(offset, offset + 220);
            bytes.set(source.subarray(0, length), start);
            applyMask(bytes, start, start + length, toNumber(key), phase);
            const expected = new Uint8Array(240).fill(0xaa);
            const masked = naive(source.subarray(0, length), key, phase);
            expected.set(masked, offset + start);
            assertEquals(memory.join(), expected.join());
          }
        }
      }
    }
  }
});

/** Short ones, and those around the change to words. */
function* lengths(): Generator<number> {
  for (let length = 0; length < 8; length++) yield length;
  for (let length = 44; length < 60; length++) yield length;
  yield 200;
}

Deno.test("applyMask equals the naive one for any bytes, cut anywhere", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 500 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.nat(7),
      fc.nat(500),
      fc.nat(3),
      (source, key, offset, cut, phase) => {
        const memory = new Uint8Array(source.length + offset);
        const bytes = memory.subarray(offset);
        bytes.set(source);
        const middle = Math.min(cut, source.length);
        // Two pieces, as a payload comes in two reads.
        applyMask(bytes, 0, middle, toNumber(key), phase);
        applyMask(bytes, middle, bytes.length, toNumber(key), phase + middle);
        assertEquals(bytes, naive(source, key, phase));
        assertEquals(memory.subarray(0, offset), new Uint8Array(offset));
        applyMask(bytes, 0, bytes.length, toNumber(key), phase);
        assertEquals(bytes, source);
      },
    ),
    { numRuns: 300 },
  );
});

Deno.test("applyMask leaves what is before and behind as it is", () => {
  const bytes = new Uint8Array(300);
  applyMask(bytes, 100, 200, -1);
  assertEquals(bytes.subarray(0, 100), new Uint8Array(100));
  assertEquals(bytes.subarray(100, 200), new Uint8Array(100).fill(255));
  assertEquals(bytes.subarray(200), new Uint8Array(100));
});

Deno.test("randomKey gives other keys, of all 32 bits", () => {
  const seen = new Set<number>();
  let ones = 0;
  let zeros = 0;
  for (let i = 0; i < 5_000; i++) {
    const key = randomKey();
    seen.add(key);
    ones |= key;
    zeros |= ~key;
  }
  assert(seen.size > 4_990);
  assertEquals([ones, zeros], [-1, -1]);
});
