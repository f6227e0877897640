/**
 * Several messages that go to many connections.
 *
 * @module
 */

import { headSize, writeHead } from "../codec/frame.ts";
import {
  type Compression,
  type Form,
  formFor,
  type PreparedMessage,
} from "./prepared.ts";

/** The messages of a batch, and their frames as a server sends them. */
class Messages {
  readonly all: readonly PreparedMessage[];
  /** The length of the longest in bytes; -1 if there is none. */
  readonly longest: number;
  #plain: Uint8Array | undefined;
  #compressed: Map<string, Uint8Array> | undefined;

  constructor(all: readonly PreparedMessage[]) {
    this.all = all;
    let longest = -1;
    for (const { size } of all) longest = Math.max(longest, size);
    this.longest = longest;
  }

  /** All frames, none of them compressed. */
  get plain(): Uint8Array {
    return this.#plain ??= joined(this.all, undefined);
  }

  /** All frames, those compressed that are long enough. */
  compressed(compression: Compression): Uint8Array {
    const { threshold, settings: { windowBits, level, memLevel } } =
      compression;
    const key = `${windowBits} ${level} ${memLevel} ${threshold}`;
    this.#compressed ??= new Map();
    let frames = this.#compressed.get(key);
    if (frames === undefined) {
      frames = joined(this.all, compression);
      this.#compressed.set(key, frames);
    }
    return frames;
  }
}

/** Gives the messages of a batch, which are not for programs. */
export let messagesOf: (batch: PreparedBatch) => Messages;

/**
 * Several messages that are sent to many connections, back to back: their frames
 * are put together once, and once for each set of compression parameters, and
 * every connection queues the same bytes, at the cost of one message.
 *
 * @example Two at once
 * ```ts
 * import { PreparedBatch, PreparedMessage } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * const batch = new PreparedBatch([
 *   new PreparedMessage("news"),
 *   new PreparedMessage("more"),
 * ]);
 * assertEquals(batch.size, 8);
 * // for (const conn of conns) conn.send(batch);
 * ```
 */
export class PreparedBatch {
  readonly #messages: Messages;
  /** The length of all messages in bytes. */
  readonly size: number;

  static {
    messagesOf = (batch) => batch.#messages;
  }

  /**
   * Prepares a batch.
   *
   * @param messages The messages, in their order; without any, nothing is sent.
   */
  constructor(messages: readonly PreparedMessage[]) {
    this.#messages = new Messages(messages.slice());
    this.size = messages.reduce((size, message) => size + message.size, 0);
  }
}

/** The frames of messages, one behind the other. */
function joined(
  messages: readonly PreparedMessage[],
  compression: Compression | undefined,
): Uint8Array {
  const forms: Form[] = messages.map((message) =>
    formFor(message, compression)
  );
  // It may be there already.
  if (forms.length === 1) return forms[0]!.frame;
  let size = 0;
  for (const { payload: { length } } of forms) {
    size += headSize(length, false) + length;
  }
  const frames = new Uint8Array(size);
  let end = 0;
  for (const { first, payload } of forms) {
    end += writeHead(
      frames.subarray(end),
      first,
      payload.length,
      false,
    );
    frames.set(payload, end);
    end += payload.length;
  }
  return frames;
}
