import { Engines } from "./_engines.ts";
import { handleMakers } from "./_handle_engines.ts";
import { plainMakers } from "./_plain_engines.ts";

/** Both ways to zlib. */
export const WAYS: readonly [name: string, engines: Engines][] = [
  ["handle", new Engines(handleMakers)],
  ["plain functions", new Engines(plainMakers)],
];

/** Registers a test for each way to zlib. */
export function testWays(name: string, run: (engines: Engines) => void): void {
  for (const [way, engines] of WAYS) {
    Deno.test(`${name} (${way})`, () => run(engines));
  }
}

/** Puts arrays one behind the other. */
export function join(...pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(pieces.flatMap((piece) => [...piece]));
}

/** Bytes that repeat nothing, the same every time. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1664525) + 1013904223 | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A text as bytes. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes written as `f2 48`. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(text.split(" ").map((byte) => parseInt(byte, 16)));
}
