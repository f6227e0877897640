/**
 * Masking, RFC 6455 §5.3.
 *
 * @module
 */

/** From so many bytes on, going over words is worth a view of them. */
const BY_WORDS = 64;

/**
 * Masks bytes in place, or unmasks them, which is the same.
 *
 * @param bytes Where they are.
 * @param start The first one.
 * @param end Behind the last one.
 * @param key The masking key, its first byte lowest.
 * @param phase How many bytes of the payload came before.
 */
export function applyMask(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  phase = 0,
): void {
  let turned = turn(key, phase);
  let at = start;
  if (end - start >= BY_WORDS) {
    const lead = -(bytes.byteOffset + start) & 7;
    maskBytes(bytes, at, at += lead, turned);
    turned = turn(turned, lead);
    at = maskWords(bytes, at, end, turned);
  }
  maskBytes(bytes, at, end, turned);
}

/** The key as it stands so many bytes later. */
function turn(key: number, count: number): number {
  const bits = (count & 3) << 3;
  return bits === 0 ? key : key >>> bits | key << (32 - bits);
}

function maskBytes(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
): void {
  const k1 = key >>> 8, k2 = key >>> 16, k3 = key >>> 24;
  let i = start;
  // Four at a time take half the time.
  for (const last = end - 3; i < last; i += 4) {
    bytes[i]! ^= key;
    bytes[i + 1]! ^= k1;
    bytes[i + 2]! ^= k2;
    bytes[i + 3]! ^= k3;
  }
  if (i < end) bytes[i++]! ^= key;
  if (i < end) bytes[i++]! ^= k1;
  if (i < end) bytes[i]! ^= k2;
}

/**
 * Masks as many words of eight bytes as there are, from a word's boundary on. V8
 * makes machine words of these numbers: it takes half the time of four bytes each.
 */
function maskWords(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
): number {
  const count = (end - start) >> 3;
  // All that Deno runs on is little-endian, as the key is here.
  const words = new BigInt64Array(
    bytes.buffer,
    bytes.byteOffset + start,
    count,
  );
  const twice = BigInt.asIntN(64, BigInt(key >>> 0) * 0x1_0000_0001n);
  for (let i = 0; i < count; i++) words[i] = words[i]! ^ twice;
  return start + count * 8;
}

/** Keys are drawn from the system's randomness so many at a time. */
const KEYS = 1024;
const keys = new Int32Array(KEYS);
let left = 0;

/** A masking key that nobody can predict, RFC 6455 §10.3. */
export function randomKey(): number {
  if (left === 0) {
    crypto.getRandomValues(keys);
    left = KEYS;
  }
  return keys[--left]!;
}
