/**
 * Messages in, frames out.
 *
 * @module
 */

import { MAX_COPIED } from "../../conn/machine.ts";
import {
  COMPRESSED,
  FINAL,
  headSize,
  MAX_CONTROL_PAYLOAD,
  MAX_HEAD,
  Opcode,
  writeHead,
} from "../codec/frame.ts";
import { applyMask, randomKey } from "../codec/mask.ts";
import type { DeflateContexts } from "../deflate/contexts.ts";
import type { FragmentCommand, MessageKind } from "./message.ts";
import { messageOpen, misuse } from "./misuse.ts";
import { formFor, type PreparedMessage } from "./prepared.ts";
import { messagesOf, type PreparedBatch } from "./prepared_batch.ts";

/** Where frames go: the part of a sink that is needed. */
export interface FrameSink {
  write(data: Uint8Array | string, goesOn?: boolean): void;
  writeShared(bytes: Uint8Array): void;
  writeAhead(bytes: Uint8Array, name: string): void;
}

/** Frames up to this size are put together here, and copied by the sink. */
const SCRATCH_SIZE = MAX_COPIED;
/** Up to this length, a loop encodes faster than a call of the encoder. */
const SHORT_TEXT = 40;

const encoder = new TextEncoder();
const scratch = new Uint8Array(SCRATCH_SIZE);
/** The rest of the scratch from a place on. A head leaves few places. */
const tails: Uint8Array[] = [];
for (let at = 0; at <= MAX_HEAD; at++) tails.push(scratch.subarray(at));
/** The scratch up to a length: most messages are short, and many as long. */
const fronts: Uint8Array[] = [];

function front(size: number): Uint8Array {
  if (size > 256) return scratch.subarray(0, size);
  return fronts[size] ??= scratch.subarray(0, size);
}

/** Encodes what a connection sends. */
export class Sender {
  readonly #masked: boolean;
  readonly #deflate: DeflateContexts | undefined;
  /** The kind of the message of which only a part is sent. */
  #open: MessageKind | undefined;
  #openCompressed = false;

  constructor(
    role: "server" | "client",
    deflate: DeflateContexts | undefined,
  ) {
    this.#masked = role === "client";
    this.#deflate = deflate;
  }

  /** The kind of the message whose fragments are being sent. */
  get sending(): MessageKind | undefined {
    return this.#open;
  }

  /** Sends a text message. */
  text(text: string, sink: FrameSink): void {
    this.#whole();
    const most = text.length * 3;
    if (this.#deflate !== undefined && most >= this.#deflate.threshold) {
      return this.#payload(Opcode.TEXT, encoder.encode(text), sink, true);
    }
    if (most > SCRATCH_SIZE - MAX_HEAD) {
      return this.#frame(
        FINAL | Opcode.TEXT,
        encoder.encode(text),
        sink,
        true,
      );
    }
    this.#shortText(text, sink);
  }

  /** Sends a binary message. */
  binary(bytes: Uint8Array, sink: FrameSink): void {
    this.#whole();
    this.#payload(Opcode.BINARY, bytes, sink, false);
  }

  /** Sends a message that others get, too. */
  prepared(message: PreparedMessage, sink: FrameSink): void {
    this.#whole();
    const deflate = this.#deflate;
    const form = formFor(message, deflate);
    // What is compressed from here on cannot refer to what came before.
    if (form.first & COMPRESSED) deflate!.forget();
    if (this.#masked) this.#frame(form.first, form.payload, sink, false);
    else sink.writeShared(form.frame);
  }

  /** Sends messages that others get, too. */
  batch(batch: PreparedBatch, sink: FrameSink): void {
    this.#whole();
    const deflate = this.#deflate;
    const messages = messagesOf(batch);
    if (this.#masked) {
      // Each has a key of its own, so they cannot be shared.
      for (const one of messages.all) this.prepared(one, sink);
    } else if (deflate !== undefined && messages.longest >= deflate.threshold) {
      deflate.forget();
      sink.writeShared(messages.compressed(deflate));
    } else {
      sink.writeShared(messages.plain);
    }
  }

  /**
   * Sends a piece of a message.
   *
   * @throws {ConnError} With code `"message_open"` or `"fragment_invalid"`.
   */
  fragment(command: FragmentCommand, sink: FrameSink): void {
    const { kind, data, final } = command;
    if (kind !== (typeof data === "string" ? "text" : "binary")) {
      throw misuse(
        "fragment_invalid",
        `Cannot send the fragment: its kind is "${kind}", expected a ${
          kind === "text" ? "string" : "Uint8Array"
        }`,
      );
    }
    let first = final ? FINAL : 0;
    if (this.#open === undefined) {
      first |= kind === "text" ? Opcode.TEXT : Opcode.BINARY;
      this.#openCompressed = this.#deflate !== undefined;
      if (this.#openCompressed) first |= COMPRESSED;
    } else if (this.#open !== kind) {
      throw messageOpen(this.#open);
    }
    this.#open = final ? undefined : kind;
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    if (this.#openCompressed) {
      const compressed = this.#deflate!.compressPart(bytes, final);
      this.#frame(first, compressed, sink, true);
    } else {
      this.#frame(first, bytes, sink, typeof data === "string");
    }
  }

  /** Sends a ping or pong ahead of all else. */
  control(opcode: number, payload: Uint8Array, sink: FrameSink): void {
    if (payload.length > MAX_CONTROL_PAYLOAD) {
      throw misuse(
        "control_too_long",
        `Cannot send the ${
          opcode === Opcode.PING ? "ping" : "pong"
        }: its payload is ${payload.length} bytes, expected at most ${MAX_CONTROL_PAYLOAD}`,
      );
    }
    const frame = this.#inScratch(FINAL | opcode, payload).slice();
    sink.writeAhead(frame, opcode === Opcode.PING ? "ping" : "pong");
  }

  /** Sends a close frame, behind all else. */
  close(payload: Uint8Array, sink: FrameSink): void {
    sink.write(this.#inScratch(FINAL | Opcode.CLOSE, payload));
  }

  /** A whole message cannot go between the pieces of another one. */
  #whole(): void {
    if (this.#open !== undefined) throw messageOpen(this.#open);
  }

  /** @param own Whether nobody else holds the bytes. */
  #payload(
    opcode: number,
    bytes: Uint8Array,
    sink: FrameSink,
    own: boolean,
  ): void {
    const deflate = this.#deflate;
    if (deflate === undefined || bytes.length < deflate.threshold) {
      return this.#frame(FINAL | opcode, bytes, sink, own);
    }
    const compressed = deflate.compress(bytes);
    this.#frame(FINAL | COMPRESSED | opcode, compressed, sink, true);
  }

  #frame(
    first: number,
    payload: Uint8Array,
    sink: FrameSink,
    own: boolean,
  ): void {
    const { length } = payload;
    if (length <= SCRATCH_SIZE - MAX_HEAD) {
      return sink.write(this.#inScratch(first, payload));
    }
    let body = payload;
    let size = writeHead(scratch, first, length, this.#masked);
    if (this.#masked) {
      const key = writeKey(size);
      size += 4;
      // Not in the program's array.
      if (!own) body = payload.slice();
      applyMask(body, 0, length, key);
    }
    sink.write(front(size), true);
    sink.write(body);
  }

  /** Puts a small frame together. */
  #inScratch(first: number, payload: Uint8Array): Uint8Array {
    const { length } = payload;
    const at = headSize(length, this.#masked);
    scratch.set(payload, at);
    return this.#completed(first, at, length);
  }

  #shortText(text: string, sink: FrameSink): void {
    const { length } = text;
    // As long as it is if it is ASCII, which most short texts are.
    const guess = headSize(length, this.#masked);
    const written = length <= SHORT_TEXT && writeAscii(text, guess) ||
      encoder.encodeInto(text, tails[guess]!).written;
    const at = headSize(written, this.#masked);
    if (at !== guess) scratch.copyWithin(at, guess, guess + written);
    sink.write(this.#completed(FINAL | Opcode.TEXT, at, written));
  }

  /** Writes the head in front of a payload in the scratch, and masks that. */
  #completed(first: number, at: number, length: number): Uint8Array {
    const size = writeHead(scratch, first, length, this.#masked);
    if (this.#masked) applyMask(scratch, at, at + length, writeKey(size));
    return front(at + length);
  }
}

/** Writes a new masking key behind a head in the scratch. */
function writeKey(at: number): number {
  const key = randomKey();
  scratch[at] = key;
  scratch[at + 1] = key >>> 8;
  scratch[at + 2] = key >>> 16;
  scratch[at + 3] = key >>> 24;
  return key;
}

/** Writes a text into the scratch; 0 if it is empty or not ASCII. */
function writeAscii(text: string, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return 0;
    scratch[at + i] = code;
  }
  return text.length;
}
