/**
 * What the generator sends, prepared; and the reader that counts what comes back.
 * Nothing of ours is used, so that a mistake of ours cannot hide.
 *
 * @module
 */

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";

/** What a message is: text, bytes, or JSON that is sent compressed. */
export type Kind = "text" | "binary" | "json";

/** A message, and the frame that carries it. */
export interface Prepared {
  /** The message. */
  payload: Uint8Array;
  /** The frame, masked. */
  frame: Uint8Array;
}

/** Any key but zero makes servers unmask. */
const KEY = [0x37, 0xfa, 0x21, 0x3d] as const;
const FINAL = 0x80;
const COMPRESSED = 0x40;
const MASKED = 0x80;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
/** Enough JSON for a window of 32 KiB never to hold the same message twice. */
const JSON_MESSAGES = 64;
/** What a compressed message ends with, and what is left out, RFC 7692 §7.2.1. */
const TAIL = new Uint8Array([0x00, 0x00, 0xff, 0xff]);

/**
 * Prepares messages.
 *
 * @param kind What they are.
 * @param size How long, in bytes, before compression.
 * @param windowBits The greatest window that the server allows.
 * @returns The messages: several if they are JSON, as it would compress too well
 * otherwise.
 */
export function prepare(
  kind: Kind,
  size: number,
  windowBits = 15,
): Prepared[] {
  if (kind === "json") {
    return Array.from({ length: JSON_MESSAGES }, (_, seed) => {
      const payload = json(size, seed);
      const frame = clientFrame(
        TEXT | COMPRESSED,
        deflate(payload, windowBits),
      );
      return { payload, frame };
    });
  }
  const payload = new Uint8Array(size).map((_, i) => 97 + i % 26);
  const frame = clientFrame(kind === "text" ? TEXT : BINARY, payload);
  return [{ payload, frame }];
}

/** A close frame with code 1000. */
export const CLOSE_FRAME: Uint8Array = clientFrame(
  CLOSE,
  new Uint8Array([1000 >> 8, 1000 & 255]),
);

/**
 * Makes a masked frame that is a message by itself.
 *
 * @param first Opcode and reserved bits.
 * @param payload What it carries.
 * @returns The frame, RFC 6455 §5.2.
 */
export function clientFrame(first: number, payload: Uint8Array): Uint8Array {
  const head = [FINAL | first, ...encodedLength(payload.length), ...KEY];
  head[1]! |= MASKED;
  const frame = new Uint8Array(head.length + payload.length);
  frame.set(head);
  for (let i = 0; i < payload.length; i++) {
    frame[head.length + i] = payload[i]! ^ KEY[i & 3]!;
  }
  return frame;
}

function encodedLength(length: number): number[] {
  if (length < 126) return [length];
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(length));
  const bytes = [...new Uint8Array(view.buffer)];
  return length < 65536 ? [126, ...bytes.slice(6)] : [127, ...bytes];
}

function deflate(payload: Uint8Array, windowBits: number): Uint8Array {
  const bytes = deflateRawSync(payload, {
    windowBits,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  return new Uint8Array(bytes).subarray(0, -TAIL.length);
}

/** Records of the kind that programs send each other, padded to the size. */
function json(size: number, seed: number): Uint8Array {
  let state = seed + 1;
  // The multiplier of MINSTD; its products stay exact.
  const random = (below: number) =>
    (state = state * 48_271 % 2_147_483_647) % below;
  const names = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot"];
  let text = `{"type":"update","sequence":${seed},"records":[`;
  for (;;) {
    const record = JSON.stringify({
      id: random(1_000_000),
      name: `${names[random(names.length)]}-${random(1000)}`,
      price: random(100_000) / 100,
      active: random(2) === 1,
    });
    if (text.length + record.length + 12 > size) break;
    text += (text.endsWith("[") ? "" : ",") + record;
  }
  const filled = `${text}],"pad":"`.length + 2;
  text = `${text}],"pad":"${".".repeat(Math.max(0, size - filled))}"}`;
  return new TextEncoder().encode(text);
}

/**
 * Reads one frame of a server whole, to see whether it is what was sent.
 *
 * @param frame The bytes of the frame.
 * @returns The message.
 * @throws {Error} If it is not one data frame that is a message by itself.
 */
export function readAnswer(frame: Uint8Array): Uint8Array {
  const [first = 0, second = 0] = frame;
  const opcode = first & 0x0f;
  if (!(first & FINAL) || (opcode !== TEXT && opcode !== BINARY)) {
    throw new Error(`Not a message in one frame, but "${first}"`);
  }
  const payload = frame.subarray(headLength(second));
  if (!isCompressed(frame)) return payload;
  const whole = new Uint8Array(payload.length + TAIL.length);
  whole.set(payload);
  whole.set(TAIL, payload.length);
  return new Uint8Array(
    inflateRawSync(whole, { finishFlush: constants.Z_SYNC_FLUSH }),
  );
}

/** Whether a frame carries a compressed message, RFC 7692 §6. */
export function isCompressed(frame: Uint8Array): boolean {
  return (frame[0]! & COMPRESSED) !== 0;
}

/** Length of a head without a key, by its second byte. */
function headLength(second: number): number {
  return second < 126 ? 2 : second === 126 ? 4 : 10;
}

/**
 * Counts the messages in what a server sends, by the lengths in the heads.
 */
export class AnswerReader {
  /** A head that is not whole yet. */
  readonly #held = new Uint8Array(10);
  #heldCount = 0;
  #left = 0;
  /** 1 if the present frame ends a message. */
  #worth = 0;

  /** How many bytes of the present frame are still to come. */
  get left(): number {
    return this.#left;
  }

  /**
   * Reads on.
   *
   * @param bytes What came.
   * @param end How much of it counts.
   * @returns How many messages ended in it.
   * @throws {Error} If a frame is masked, or closes the connection.
   */
  take(bytes: Uint8Array, end: number): number {
    let answers = 0;
    for (let at = 0; at < end;) {
      if (this.#left === 0) {
        at = this.#takeHead(bytes, at, end);
        if (this.#heldCount > 0) break;
      }
      const step = Math.min(this.#left, end - at);
      at += step;
      answers += this.skip(step);
    }
    return answers;
  }

  /**
   * Goes over bytes of the present frame.
   *
   * @param count How many, at most {@linkcode AnswerReader.left}.
   * @returns 1 if a message ended with them.
   */
  skip(count: number): number {
    this.#left -= count;
    return this.#left === 0 ? this.#worth : 0;
  }

  #takeHead(bytes: Uint8Array, at: number, end: number): number {
    // Nearly always the head is short, and all there.
    if (this.#heldCount === 0 && end - at >= 2 && bytes[at + 1]! < 126) {
      this.#begin(bytes[at]!);
      this.#left = bytes[at + 1]!;
      return at + 2;
    }
    const held = this.#held;
    while (at < end) {
      held[this.#heldCount++] = bytes[at++]!;
      if (this.#heldCount < 2) continue;
      if (held[1]! & MASKED) throw new Error("The server sent a masked frame");
      const length = headLength(held[1]!);
      if (this.#heldCount < length) continue;
      this.#begin(held[0]!);
      let left = 0;
      for (let i = length === 2 ? 1 : 2; i < length; i++) {
        left = left * 256 + held[i]!;
      }
      this.#left = left;
      this.#heldCount = 0;
      break;
    }
    return at;
  }

  #begin(first: number): void {
    const opcode = first & 0x0f;
    if (opcode === CLOSE) throw new Error("The server closed the connection");
    this.#worth = first & FINAL && opcode < CLOSE ? 1 : 0;
  }
}
