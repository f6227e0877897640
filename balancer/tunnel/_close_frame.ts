/**
 * The one frame that the balancer itself sends.
 *
 * @module
 */

import { FINAL, headSize, Opcode, writeHead } from "../../ws/codec/frame.ts";
import { applyMask, randomKey } from "../../ws/codec/mask.ts";

/**
 * Makes a close frame.
 *
 * @param payload What it says, of at most 125 bytes.
 * @param masked Whether it is for a backend, for which the balancer is a client
 * (RFC 6455 §5.3).
 */
export function closeFrame(payload: Uint8Array, masked: boolean): Uint8Array {
  const size = headSize(payload.length, masked);
  const bytes = new Uint8Array(size + payload.length);
  writeHead(bytes, FINAL | Opcode.CLOSE, payload.length, masked);
  bytes.set(payload, size);
  if (!masked) return bytes;
  const key = randomKey();
  for (let i = 0; i < 4; i++) bytes[size - 4 + i] = key >>> (8 * i);
  applyMask(bytes, size, bytes.length, key);
  return bytes;
}
