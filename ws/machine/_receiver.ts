/**
 * Frames in, messages out.
 *
 * @module
 */

import {
  checkHeadStart,
  checkLength,
  emptyHead,
  type FrameHead,
  type FrameRules,
  Opcode,
  readHead,
} from "../codec/frame.ts";
import { overLimit, tooLarge } from "../codec/failure.ts";
import { applyMask } from "../codec/mask.ts";
import { decodeText, TextPieces } from "../codec/utf8.ts";
import type { DeflateContexts } from "../deflate/contexts.ts";
import type { WsSettings } from "./limits.ts";
import type { MessageKind } from "./message.ts";
import {
  BinaryReassembly,
  type Reassembly,
  TextReassembly,
} from "./_reassembly.ts";

/** What frames come to. Each call returns whether to go on. */
export interface FrameTarget {
  /** A message is there. */
  message(data: string | Uint8Array): boolean;
  /** A piece of a message is there; only if the settings ask for fragments. */
  fragment(
    kind: MessageKind,
    data: string | Uint8Array,
    final: boolean,
  ): boolean;
  /** A control frame is there. */
  control(opcode: number, payload: Uint8Array): boolean;
  /** A message begins. */
  begun(): void;
}

/** The head that was read last: it is not needed after the frame has begun. */
const head: FrameHead = emptyHead();
const NOTHING = new Uint8Array(0);
/** Compressed input that may come to one fragment: it can grow a thousandfold. */
const INFLATE_STEP = 4096;

/**
 * Reads frames, checks them, and puts messages together. A frame's payload is
 * taken as it comes, so no frame has to be in one piece, and what is wrong in it
 * is found at once.
 */
export class Receiver {
  readonly #rules: FrameRules;
  readonly #settings: WsSettings;
  readonly #deflate: DeflateContexts | undefined;

  // The data frame under way.
  #inFrame = false;
  #final = false;
  #remaining = 0;
  #masked = false;
  #key = 0;
  #phase = 0;

  // The message under way.
  #kind: MessageKind | undefined;
  #compressed = false;
  #fragments = 0;
  /** Bytes of the message so far, those that its present frame announced too. */
  #announced = 0;
  /** Bytes of the message so far, after decompression. */
  #size = 0;
  #reassembly: Reassembly | undefined;
  #pieces: TextPieces | undefined;

  constructor(
    role: "server" | "client",
    settings: WsSettings,
    deflate: DeflateContexts | undefined,
  ) {
    this.#rules = {
      masked: role === "server",
      deflate: deflate !== undefined,
      maxFrame: settings.maxFrame,
    };
    this.#settings = settings;
    this.#deflate = deflate;
  }

  /** Counts the pieces that came, of all messages. */
  progress = 0;

  /** Whether a message has begun and not ended. */
  get inMessage(): boolean {
    return this.#kind !== undefined;
  }

  /**
   * Takes input, unmasking it in place.
   *
   * @returns How many bytes were consumed.
   * @throws {ConnError} With the close code as its `reply`.
   */
  receive(bytes: Uint8Array, target: FrameTarget): number {
    let at = 0;
    while (true) {
      if (!this.#inFrame) {
        const begun = this.#begin(bytes, at, target);
        if (begun < 0) return at;
        if (begun === 0) {
          const { size, length, opcode } = head;
          const end = at + size + length;
          const payload = this.#control(bytes, at + size, end);
          at = end;
          if (!target.control(opcode, payload)) return at;
          continue;
        }
        at += begun;
      }
      const end = Math.min(bytes.length, at + this.#remaining, at + this.#step);
      if (end === at && this.#remaining > 0) return at;
      if (this.#masked) applyMask(bytes, at, end, this.#key, this.#phase);
      const start = at;
      at = end;
      this.#phase = this.#phase + end - start & 3;
      this.#remaining -= end - start;
      if (!this.#payload(bytes, start, end, target)) return at;
    }
  }

  /**
   * Begins a frame.
   *
   * @returns The length of a data frame's head; 0 if a control frame is complete;
   * -1 if something is missing.
   */
  #begin(bytes: Uint8Array, at: number, target: FrameTarget): number {
    const complete = readHead(bytes, at, head);
    if (head.size === 0) return -1;
    checkHeadStart(head, this.#rules, this.#kind !== undefined);
    if (!complete) return -1;
    checkLength(head, this.#rules);
    if (head.opcode >= Opcode.CLOSE) {
      return bytes.length - at < head.size + head.length ? -1 : 0;
    }
    this.#beginData(target);
    return head.size;
  }

  #control(bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (start === end) return NOTHING;
    if (head.masked) applyMask(bytes, start, end, head.key);
    return bytes.slice(start, end);
  }

  #beginData(target: FrameTarget): void {
    const { maxMessage, maxFragments } = this.#settings;
    if (head.opcode !== Opcode.CONTINUATION) {
      target.begun();
      this.#kind = head.opcode === Opcode.TEXT ? "text" : "binary";
      this.#compressed = head.reserved !== 0;
      this.#fragments = this.#announced = this.#size = 0;
    }
    if (++this.#fragments > maxFragments) {
      throw overLimit(
        "too_many_fragments",
        `it has over ${maxFragments} fragments`,
      );
    }
    this.#announced += head.length;
    // What cannot be compressed gets a little longer by it.
    const most = this.#compressed ? maxMessage * 1.01 + 1024 : maxMessage;
    if (this.#announced > most) throw tooLarge("message", maxMessage);
    this.#inFrame = true;
    this.#final = head.final;
    this.#remaining = head.length;
    this.#masked = head.masked;
    this.#key = head.key;
    this.#phase = 0;
  }

  /** Takes a piece of the frame under way. */
  #payload(
    bytes: Uint8Array,
    start: number,
    end: number,
    target: FrameTarget,
  ): boolean {
    this.progress++;
    const frameEnds = this.#remaining === 0;
    const messageEnds = frameEnds && this.#final;
    this.#inFrame = !frameEnds;
    const kind = this.#kind!;
    if (messageEnds) this.#kind = undefined;
    if (this.#plain && messageEnds && this.#reassembly === undefined) {
      return target.message(
        kind === "text"
          ? decodeText(bytes, start, end)
          : bytes.slice(start, end),
      );
    }
    const piece = bytes.subarray(start, end);
    const data = this.#compressed ? this.#inflate(piece, messageEnds) : piece;
    return this.#settings.fragments
      ? this.#giveFragment(kind, data, messageEnds, target)
      : this.#collect(kind, data, messageEnds, target);
  }

  /** How much is taken at once. */
  get #step(): number {
    return this.#compressed && this.#settings.fragments
      ? INFLATE_STEP
      : Infinity;
  }

  /** Whether a message in one piece is given as it comes. */
  get #plain(): boolean {
    return !this.#compressed && !this.#settings.fragments;
  }

  #collect(
    kind: MessageKind,
    data: Uint8Array,
    final: boolean,
    target: FrameTarget,
  ): boolean {
    if (final && this.#reassembly === undefined) {
      return target.message(kind === "text" ? decodeText(data) : data);
    }
    this.#reassembly ??= kind === "text"
      ? new TextReassembly()
      : new BinaryReassembly(this.#settings.maxMessage);
    this.#reassembly.add(data, this.#compressed ? 0 : this.#remaining);
    if (!final) return true;
    const message = this.#reassembly.finish();
    this.#reassembly = undefined;
    return target.message(message);
  }

  #giveFragment(
    kind: MessageKind,
    data: Uint8Array,
    final: boolean,
    target: FrameTarget,
  ): boolean {
    if (kind === "binary") {
      if (data.length === 0 && !final) return true;
      return target.fragment(kind, this.#owned(data), final);
    }
    this.#pieces ??= new TextPieces();
    const text = this.#pieces.decode(data, final);
    if (text === "" && !final) return true;
    return target.fragment(kind, text, final);
  }

  /** What was inflated is the handler's already; the read buffer is not. */
  #owned(data: Uint8Array): Uint8Array {
    return this.#compressed ? data : data.slice();
  }

  #inflate(bytes: Uint8Array, last: boolean): Uint8Array {
    const room = this.#settings.maxMessage - this.#size;
    const data = this.#deflate!.inflate(bytes, last, room);
    this.#size += data.length;
    return data;
  }
}
