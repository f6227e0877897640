/**
 * Where the frames of one direction begin and end, without touching them.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { type CloseStatus, readClose } from "../../ws/codec/close_frame.ts";
import { overLimit, tooLarge } from "../../ws/codec/failure.ts";
import {
  checkHeadStart,
  checkLength,
  emptyHead,
  type FrameHead,
  type FrameRules,
  Opcode,
  readHead,
} from "../../ws/codec/frame.ts";
import { applyMask } from "../../ws/codec/mask.ts";
import type { MessageRate } from "../../ws/machine/message_rate.ts";

/** What the frames of a direction may be. */
export interface TrackerRules {
  /** Whether they come from a client, who must mask (RFC 6455 §5.1). */
  readonly masked: boolean;
  /** The longest payload of a frame, in bytes. */
  readonly maxFrame: number;
  /** The longest message, in bytes as they are sent, so maybe compressed ones. */
  readonly maxMessage: number;
  /** How often a message may begin; `undefined` for any time. */
  readonly rate: MessageRate | undefined;
}

/** The head that was read last: it is not needed after the frame has begun. */
const head: FrameHead = emptyHead();

/**
 * Follows the frames of one direction by their heads. Payloads are skipped, but
 * for that of the close frame; a mark of compression (RFC 7692 §6) is let pass
 * whatever the ends agreed on, as only they know.
 */
export class FrameTracker {
  /** Messages of which the last frame has begun. */
  messages = 0;
  /** What the close frame says, once that has come: nothing is followed then. */
  close: CloseStatus | undefined;
  /** What is wrong with the frame that could not be followed. */
  error: ConnError | undefined;
  readonly #rules: FrameRules;
  readonly #maxMessage: number;
  readonly #rate: MessageRate | undefined;
  /** Bytes of the frame's payload that have not come yet. */
  #left = 0;
  #inMessage = false;
  /** The message's length, so far. */
  #length = 0;

  constructor({ masked, maxFrame, maxMessage, rate }: TrackerRules) {
    this.#rules = { masked, maxFrame, deflate: true };
    this.#maxMessage = maxMessage;
    this.#rate = rate;
  }

  /** Whether what was followed so far ends with a frame. */
  get atBoundary(): boolean {
    return this.#left === 0;
  }

  /**
   * Goes over the rest of the frame under way.
   *
   * @returns Where it ends, or the bytes do.
   */
  finish(bytes: Uint8Array): number {
    const count = Math.min(this.#left, bytes.length);
    this.#left -= count;
    return count;
  }

  /**
   * Goes over frames. A head is taken whole, and so is a close frame; what there
   * is of it must be in front of the bytes of the next call.
   *
   * @param bytes Where the frames are.
   * @param now The time, for the rate.
   * @returns Where the bytes end that could be followed: in front of a head that
   * is not complete, or of a frame that is wrong (`error` is set), behind a close
   * frame (`close` is set).
   */
  follow(bytes: Uint8Array, now: number): number {
    const { length } = bytes;
    let at = this.finish(bytes);
    while (at < length && this.close === undefined) {
      if (!readHead(bytes, at, head)) return at;
      this.error = this.#check(now);
      if (this.error !== undefined) return at;
      const start = at + head.size;
      const end = start + head.length;
      if (head.opcode === Opcode.CLOSE) {
        if (end > length || !this.#readClose(bytes, start, end)) return at;
      }
      at = Math.min(end, length);
      this.#left = end - at;
    }
    return at;
  }

  /** Checks the head, and notes that its frame begins. */
  #check(now: number): ConnError | undefined {
    try {
      checkHeadStart(head, this.#rules, this.#inMessage);
      checkLength(head, this.#rules);
      if (head.opcode < Opcode.CLOSE) this.#begin(now);
      return undefined;
    } catch (error) {
      if (error instanceof ConnError) return error;
      throw error;
    }
  }

  #begin(now: number): void {
    const isFirst = !this.#inMessage;
    const length = isFirst ? head.length : this.#length + head.length;
    if (length > this.#maxMessage) throw tooLarge("message", this.#maxMessage);
    if (isFirst && this.#rate?.take(now) === false) {
      const { perSecond } = this.#rate;
      throw overLimit(
        "too_many_messages",
        `the client sends more than ${perSecond} messages a second`,
      );
    }
    this.#length = length;
    this.#inMessage = !head.final;
    if (head.final) this.messages++;
  }

  #readClose(bytes: Uint8Array, start: number, end: number): boolean {
    const payload = bytes.slice(start, end);
    if (head.masked) applyMask(payload, 0, payload.length, head.key);
    try {
      this.close = readClose(payload);
      return true;
    } catch (error) {
      if (!(error instanceof ConnError)) throw error;
      this.error = error;
      return false;
    }
  }
}
