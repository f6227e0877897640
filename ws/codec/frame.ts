/**
 * Frame heads, RFC 6455 §5.2: reading, checking, writing.
 *
 * @module
 */

import { protocolError, tooLarge } from "./failure.ts";

/** The opcodes, RFC 6455 §11.8. */
export const Opcode = {
  CONTINUATION: 0x0,
  TEXT: 0x1,
  BINARY: 0x2,
  CLOSE: 0x8,
  PING: 0x9,
  PONG: 0xa,
} as const;

/** The first byte's bit that ends a message, FIN. */
export const FINAL = 0x80;
/** The first byte's bit that marks a compressed message, RSV1 (RFC 7692 §6). */
export const COMPRESSED = 0x40;

/** The longest payload of a control frame, RFC 6455 §5.5. */
export const MAX_CONTROL_PAYLOAD = 125;
/** The longest head: with a 64-bit length and a masking key. */
export const MAX_HEAD = 14;

/** In place of a length that begins with a 1, which none may (§5.2). */
const TOP_BIT_SET = -1;

/** The head of a frame. */
export interface FrameHead {
  /** Whether it ends its message. */
  final: boolean;
  /** The three reserved bits, RSV1 as 4. */
  reserved: number;
  /** What it is: a value of {@linkcode Opcode}, or an unknown one. */
  opcode: number;
  /** Whether its payload is masked. */
  masked: boolean;
  /** The masking key, its first byte lowest. */
  key: number;
  /** The length of its payload. */
  length: number;
  /** How many bytes the length took: 1, 3 or 9. */
  lengthSize: number;
  /** The length of the head itself. */
  size: number;
}

/** A head to read into. */
export function emptyHead(): FrameHead {
  return {
    final: false,
    reserved: 0,
    opcode: 0,
    masked: false,
    key: 0,
    length: 0,
    lengthSize: 1,
    size: 0,
  };
}

/**
 * Reads a head.
 *
 * @param bytes Where it is.
 * @param at Its first byte.
 * @param head Filled in, as far as the bytes reach.
 * @returns Whether it is complete. If not, and there are two bytes of it, all but
 * `key` and, for an extended one, `length` is true already.
 */
export function readHead(
  bytes: Uint8Array,
  at: number,
  head: FrameHead,
): boolean {
  const available = bytes.length - at;
  if (available < 2) return head.size = 0, false;
  const first = bytes[at]!;
  const second = bytes[at + 1]!;
  head.final = first >= 0x80;
  head.reserved = (first >> 4) & 7;
  head.opcode = first & 0xf;
  head.masked = second >= 0x80;
  const short = second & 0x7f;
  const lengthSize = short < 126 ? 1 : short === 126 ? 3 : 9;
  const size = 1 + lengthSize + (head.masked ? 4 : 0);
  head.lengthSize = lengthSize;
  head.size = size;
  head.length = short;
  if (available < size) return false;
  if (lengthSize === 3) {
    head.length = bytes[at + 2]! << 8 | bytes[at + 3]!;
  } else if (lengthSize === 9) {
    const high = uint32(bytes, at + 2);
    // Beyond 2^53 it is not exact, and too long in any case.
    head.length = high < 2 ** 31
      ? high * 2 ** 32 + uint32(bytes, at + 6)
      : TOP_BIT_SET;
  }
  if (head.masked) {
    const k = at + size - 4;
    head.key = bytes[k]! | bytes[k + 1]! << 8 | bytes[k + 2]! << 16 |
      bytes[k + 3]! << 24;
  }
  return true;
}

function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 |
    bytes[at + 3]!) >>> 0;
}

/** What a frame may be, where it stands. */
export interface FrameRules {
  /** Whether it must be masked: from a client it must, from a server not (§5.1). */
  readonly masked: boolean;
  /** Whether RSV1 may mark a compressed message (RFC 7692 §6). */
  readonly deflate: boolean;
  /** The longest payload. */
  readonly maxFrame: number;
}

/**
 * Checks what the first two bytes of a head tell.
 *
 * @param head The head, of which the length need not be read yet.
 * @param rules What is agreed.
 * @param inMessage Whether a fragmented message is under way.
 * @throws {ConnError} With reply 1002.
 */
export function checkHeadStart(
  head: FrameHead,
  rules: FrameRules,
  inMessage: boolean,
): void {
  const { opcode, reserved } = head;
  const control = opcode >= Opcode.CLOSE;
  if (control ? opcode > Opcode.PONG : opcode > Opcode.BINARY) {
    throw protocolError("opcode_unknown", `opcode ${opcode} is reserved`);
  }
  if (reserved !== 0) {
    const compressed = reserved === 4 && rules.deflate &&
      (opcode === Opcode.TEXT || opcode === Opcode.BINARY);
    if (!compressed) {
      throw protocolError("reserved_bits", `reserved bits are ${reserved}`);
    }
  }
  if (head.masked !== rules.masked) {
    throw protocolError(
      "mask_invalid",
      rules.masked ? "a client must mask" : "a server must not mask",
    );
  }
  if (control) return checkControl(head);
  if (inMessage !== (opcode === Opcode.CONTINUATION)) {
    throw protocolError(
      "fragment_invalid",
      inMessage
        ? "a message began inside another one"
        : "a continuation has nothing to continue",
    );
  }
}

function checkControl(head: FrameHead): void {
  if (!head.final) {
    throw protocolError("control_fragmented", "a control frame is fragmented");
  }
  if (head.lengthSize !== 1) {
    throw protocolError(
      "control_too_long",
      `a control frame is over ${MAX_CONTROL_PAYLOAD} bytes`,
    );
  }
}

/**
 * Checks the length: written as short as it can be (RFC 6455 §5.2), and within
 * the limit.
 *
 * @throws {ConnError} With reply 1002 or 1009.
 */
export function checkLength(head: FrameHead, rules: FrameRules): void {
  const { length, lengthSize } = head;
  if (length === TOP_BIT_SET) {
    throw protocolError("length_invalid", "the first bit of a length is set");
  }
  if (lengthSize === 3 ? length < 126 : lengthSize === 9 && length < 65536) {
    throw protocolError("length_invalid", "a length is not minimally encoded");
  }
  if (length > rules.maxFrame) throw tooLarge("frame", rules.maxFrame);
}

/** The length of a head. */
export function headSize(length: number, masked: boolean): number {
  const size = length < 126 ? 2 : length < 65536 ? 4 : 10;
  return masked ? size + 4 : size;
}

/**
 * Writes a head.
 *
 * @param bytes Where to.
 * @param first FIN, reserved bits and opcode.
 * @param length The length of the payload.
 * @param masked Whether four bytes of a masking key follow; they are not written.
 * @returns Where the head, or the key, ends.
 */
export function writeHead(
  bytes: Uint8Array,
  first: number,
  length: number,
  masked: boolean,
): number {
  const mask = masked ? 0x80 : 0;
  bytes[0] = first;
  if (length < 126) {
    bytes[1] = mask | length;
    return 2;
  }
  if (length < 65536) {
    bytes[1] = mask | 126;
    bytes[2] = length >> 8;
    bytes[3] = length & 0xff;
    return 4;
  }
  bytes[1] = mask | 127;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setBigUint64(2, BigInt(length));
  return 10;
}
