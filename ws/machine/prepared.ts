/**
 * A message that goes to many connections.
 *
 * @module
 */

import {
  COMPRESSED,
  FINAL,
  headSize,
  Opcode,
  writeHead,
} from "../codec/frame.ts";
import { compressOnce, type DeflateSettings } from "../deflate/once.ts";

const encoder = new TextEncoder();

/** A message as the payload of one frame. */
export class Form {
  /** The first byte of the frame. */
  readonly first: number;
  /** The payload of the frame. */
  readonly payload: Uint8Array;
  #frame: Uint8Array | undefined;

  constructor(first: number, payload: Uint8Array) {
    this.first = first;
    this.payload = payload;
  }

  /** The frame as a server sends it. */
  get frame(): Uint8Array {
    return this.#frame ??= wholeFrame(this.first, this.payload);
  }
}

/** A message as it is, and compressed for whoever has agreed on that. */
class Forms {
  readonly plain: Form;
  #compressed: Map<string, Form> | undefined;

  constructor(plain: Form) {
    this.plain = plain;
  }

  /** The message compressed by itself, with these parameters. */
  compressed(settings: DeflateSettings): Form {
    const { windowBits, level, memLevel } = settings;
    const key = `${windowBits} ${level} ${memLevel}`;
    this.#compressed ??= new Map();
    let form = this.#compressed.get(key);
    if (form === undefined) {
      const { first, payload } = this.plain;
      form = new Form(first | COMPRESSED, compressOnce(payload, settings));
      this.#compressed.set(key, form);
    }
    return form;
  }
}

/** Gives the forms of a message, which are not for programs. */
export let formsOf: (message: PreparedMessage) => Forms;

/** What a connection has agreed on, as far as it matters for shared messages. */
export interface Compression {
  /** Messages of fewer bytes are sent as they are. */
  readonly threshold: number;
  /** How the others are compressed. */
  readonly settings: DeflateSettings;
}

/** The form in which a message goes to a connection. */
export function formFor(
  message: PreparedMessage,
  compression: Compression | undefined,
): Form {
  const forms = formsOf(message);
  return compression !== undefined && message.size >= compression.threshold
    ? forms.compressed(compression.settings)
    : forms.plain;
}

/**
 * A message that is sent to many connections: it is encoded once, compressed once
 * for each set of parameters, and every connection queues the same bytes.
 *
 * @example To all
 * ```ts
 * import { PreparedMessage } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * const message = new PreparedMessage("news");
 * assertEquals(message.size, 4);
 * // for (const conn of conns) conn.send(message);
 * ```
 */
export class PreparedMessage {
  readonly #forms: Forms;

  static {
    formsOf = (message) => message.#forms;
  }

  /**
   * Prepares a message.
   *
   * @param data A string for a text message, bytes for a binary one. They are
   * given away.
   */
  constructor(data: string | Uint8Array) {
    const text = typeof data === "string";
    const first = FINAL | (text ? Opcode.TEXT : Opcode.BINARY);
    this.#forms = new Forms(
      new Form(first, text ? encoder.encode(data) : data),
    );
  }

  /** The length of the message in bytes. */
  get size(): number {
    return this.#forms.plain.payload.length;
  }
}

function wholeFrame(first: number, payload: Uint8Array): Uint8Array {
  const size = headSize(payload.length, false);
  const frame = new Uint8Array(size + payload.length);
  writeHead(frame, first, payload.length, false);
  frame.set(payload, size);
  return frame;
}
