import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import { BinaryReassembly, TextReassembly } from "./_reassembly.ts";

Deno.test("BinaryReassembly gives the pieces back as one, whatever was announced", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          bytes: fc.uint8Array({ maxLength: 300 }),
          following: fc.oneof(fc.constant(0), fc.nat(1_000_000)),
        }),
        { maxLength: 20 },
      ),
      (pieces) => {
        const reassembly = new BinaryReassembly(Infinity);
        for (const { bytes, following } of pieces) {
          reassembly.add(bytes, following);
        }
        const all = pieces.flatMap(({ bytes }) => [...bytes]);
        assertEquals(reassembly.finish(), new Uint8Array(all));
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("BinaryReassembly keeps copies of what it was given", () => {
  const reassembly = new BinaryReassembly(Infinity);
  const piece = new Uint8Array([1, 2]);
  reassembly.add(piece, 2);
  piece.fill(9);
  reassembly.add(piece, 0);
  assertEquals(reassembly.finish(), new Uint8Array([1, 2, 9, 9]));
});

Deno.test("BinaryReassembly takes no memory for what was only announced", () => {
  const reassembly = new BinaryReassembly(Infinity);
  reassembly.add(new Uint8Array(1), 2 ** 40);
  const bytes = reassembly.finish();
  assertEquals(bytes.length, 1);
  assert(bytes.buffer.byteLength <= 64 * 1024);
});

Deno.test("BinaryReassembly gives a message that was announced without another copy", () => {
  const reassembly = new BinaryReassembly(Infinity);
  reassembly.add(new Uint8Array(30_000), 30_000);
  reassembly.add(new Uint8Array(30_000), 0);
  const bytes = reassembly.finish();
  assertEquals([bytes.length, bytes.buffer.byteLength], [60_000, 60_000]);
});

Deno.test("TextReassembly joins text that is cut inside characters", () => {
  const text = "a€😀é";
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size++) {
    const reassembly = new TextReassembly();
    for (let at = 0; at < bytes.length; at += size) {
      reassembly.add(bytes.subarray(at, at + size));
    }
    assertEquals(reassembly.finish(), text);
  }
  assertEquals(new TextReassembly().finish(), "");
});

Deno.test("TextReassembly fails at once, or at the end inside a character", () => {
  const wrong = new TextReassembly();
  assertThrows(() => wrong.add(new Uint8Array([97, 0xff])), ConnError, "UTF-8");
  const half = new TextReassembly();
  half.add(new Uint8Array([0xe2, 0x82]));
  assertThrows(() => half.finish(), ConnError, "UTF-8");
});
