/**
 * Frames as the peer of a conformance case writes and reads them. Written from
 * RFC 6455 §5.2 alone, so that a mistake in the package's codec shows.
 *
 * @module
 */

/** A frame, with nothing checked: a case may well want a forbidden one. */
export interface Frame {
  readonly opcode: number;
  readonly fin: boolean;
  /** The three reserved bits: RSV1 is 4, RSV2 is 2, RSV3 is 1. */
  readonly rsv: number;
  readonly payload: Uint8Array;
  /** How many bits the length is written with; the fewest possible by default. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length that the head tells; that of the payload by default. */
  readonly announced?: bigint;
  /** Whether there is a mask; what the sender's role demands by default. */
  readonly masked?: boolean;
}

/** A stretch of a frame's payload, by offsets; from 0 on it includes the head. */
export interface Cut {
  readonly frame: Frame;
  readonly from: number;
  readonly to: number;
}

/** What a peer sends. */
export type Item = Frame | Cut;

const encoder = new TextEncoder();

/** Bytes of a string as UTF-8, or of an array as it is. */
export function bytesOf(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? encoder.encode(data) : data;
}

/** Bytes written in hexadecimal. */
export function hex(digits: string): Uint8Array {
  return Uint8Array.from(
    digits.match(/../g) ?? [],
    (pair) => parseInt(pair, 16),
  );
}

/** A frame of any kind; final and without reserved bits unless told otherwise. */
export function frame(
  opcode: number,
  data: string | Uint8Array = "",
  more: Partial<Omit<Frame, "opcode" | "payload">> = {},
): Frame {
  return { opcode, fin: true, rsv: 0, payload: bytesOf(data), ...more };
}

/** A whole text message. */
export const text = (data: string | Uint8Array): Frame => frame(1, data);
/** A whole binary message. */
export const binary = (data: string | Uint8Array): Frame => frame(2, data);
/** The first frame of a text message. */
export const first = (data: string | Uint8Array): Frame =>
  frame(1, data, { fin: false });
/** A frame in the middle of a message. */
export const more = (data: string | Uint8Array): Frame =>
  frame(0, data, { fin: false });
/** The last frame of a message. */
export const last = (data: string | Uint8Array): Frame => frame(0, data);
/** A ping. */
export const ping = (data: string | Uint8Array = ""): Frame => frame(9, data);
/** A pong. */
export const pong = (data: string | Uint8Array = ""): Frame => frame(10, data);

/** A close frame; without a code it is empty. */
export function close(code?: number, reason: string | Uint8Array = ""): Frame {
  if (code === undefined) return frame(8);
  const text = bytesOf(reason);
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >> 8;
  payload[1] = code;
  payload.set(text, 2);
  return frame(8, payload);
}

/** A message in fragments of so many bytes, RSV1 on the first if `compressed`. */
export function fragments(
  opcode: 1 | 2,
  payload: Uint8Array,
  size: number,
  compressed = false,
): Frame[] {
  const rsv = compressed ? 4 : 0;
  if (size >= payload.length) return [frame(opcode, payload, { rsv })];
  const frames: Frame[] = [];
  for (let at = 0; at < payload.length; at += size) {
    frames.push(frame(at === 0 ? opcode : 0, payload.subarray(at, at + size), {
      fin: at + size >= payload.length,
      rsv: at === 0 ? rsv : 0,
    }));
  }
  return frames;
}

/** Part of a frame; from 0 on it includes the head. */
export function cut(frame: Frame, from: number, to: number): Cut {
  return { frame, from, to };
}

function lengthBits(frame: Frame): 7 | 16 | 64 {
  const { length } = frame.payload;
  return frame.lengthBits ?? (length < 126 ? 7 : length < 65536 ? 16 : 64);
}

/** Cuts of one frame must agree, so the key depends on the frame alone. */
function maskingKey(frame: Frame): Uint8Array {
  const seed = Math.imul(frame.payload.length + frame.opcode + 1, 0x9e3779b1);
  return Uint8Array.of(seed >>> 24, seed >>> 16, seed >>> 8, seed);
}

function encodeFrame(frame: Frame, masked: boolean): Uint8Array {
  const { payload } = frame;
  const bits = lengthBits(frame);
  const lengthAt = 2;
  const keyAt = lengthAt + (bits === 7 ? 0 : bits / 8);
  const at = keyAt + (masked ? 4 : 0);
  const bytes = new Uint8Array(at + payload.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = (frame.fin ? 0x80 : 0) | frame.rsv << 4 | frame.opcode;
  bytes[1] = (masked ? 0x80 : 0) |
    (bits === 7 ? payload.length : bits === 16 ? 126 : 127);
  if (bits === 16) view.setUint16(lengthAt, payload.length);
  if (bits === 64) {
    view.setBigUint64(lengthAt, frame.announced ?? BigInt(payload.length));
  }
  bytes.set(payload, at);
  if (!masked) return bytes;
  const key = maskingKey(frame);
  bytes.set(key, keyAt);
  for (let i = 0; i < payload.length; i++) bytes[at + i]! ^= key[i & 3]!;
  return bytes;
}

function encodeItem(item: Item, masked: boolean): Uint8Array {
  if (!("frame" in item)) return encodeFrame(item, item.masked ?? masked);
  const bytes = encodeFrame(item.frame, masked);
  const head = bytes.length - item.frame.payload.length;
  return bytes.subarray(item.from === 0 ? 0 : head + item.from, head + item.to);
}

/** Joins arrays. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The bytes of what a peer sends; `masked` if it is a client. */
export function encode(items: readonly Item[], masked: boolean): Uint8Array {
  return concat(items.map((item) => encodeItem(item, masked)));
}

/** Reads one frame, which begins at `at`; `undefined` if it is not all there. */
function parseFrame(
  bytes: Uint8Array,
  at: number,
  masked: boolean,
): { frame: Frame; end: number } | undefined {
  if (bytes.length < at + 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const short = bytes[at + 1]! & 0x7f;
  const keyAt = at + 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
  const payloadAt = keyAt + (masked ? 4 : 0);
  if (bytes.length < payloadAt) return undefined;
  if (bytes[at + 1]! >= 0x80 !== masked) {
    throw new Error(`A frame came ${masked ? "without" : "with"} a mask`);
  }
  let length = short;
  if (short === 126) length = view.getUint16(at + 2);
  if (short === 127) length = Number(view.getBigUint64(at + 2));
  if (short === 126 && length < 126 || short === 127 && length < 65536) {
    throw new Error(`The length ${length} came with too many bytes`);
  }
  const end = payloadAt + length;
  if (bytes.length < end) return undefined;
  const payload = bytes.slice(payloadAt, end);
  if (masked) {
    for (let i = 0; i < length; i++) payload[i]! ^= bytes[keyAt + (i & 3)]!;
  }
  const head = bytes[at]!;
  const [fin, rsv] = [head >= 0x80, head >> 4 & 7];
  return { frame: { opcode: head & 15, fin, rsv, payload }, end };
}

/**
 * Reads frames, strictly: the length must be written as short as can be, and
 * the mask be there or not as demanded.
 *
 * @returns The frames, and where the first that is not complete begins.
 */
export function parse(
  bytes: Uint8Array,
  masked: boolean,
): { frames: Frame[]; end: number } {
  const frames: Frame[] = [];
  let end = 0;
  for (;;) {
    const next = parseFrame(bytes, end, masked);
    if (next === undefined) return { frames, end };
    frames.push(next.frame);
    end = next.end;
  }
}
