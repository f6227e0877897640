/**
 * The peer's half of permessage-deflate (RFC 7692), with nothing of the package's:
 * it compresses with the streams of `node:zlib`, and inflates each message on its
 * own, behind a stored block with what came before.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  constants,
  createDeflateRaw,
  deflateRawSync,
  inflateRawSync,
} from "node:zlib";
import type { DeflateAgreement } from "../deflate/params.ts";
import { type Case, type Role, show } from "./_cases_test_util.ts";
import { concat, type Frame, frame } from "./_frames_test_util.ts";

const TAIL = Uint8Array.of(0, 0, 0xff, 0xff);
const { Z_SYNC_FLUSH } = constants;

/** An agreement in which all is compressed, so that each message tests it. */
export function agreement(
  more: Partial<DeflateAgreement> = {},
): DeflateAgreement {
  return {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: 15,
    level: 1,
    memLevel: 8,
    threshold: 0,
    ...more,
  };
}

/** Bytes as they are compressed without anything before them. */
export function deflated(bytes: Uint8Array): Uint8Array {
  const options = deflateOptions({ windowBits: 15, takeover: false });
  return withoutTail(new Uint8Array(deflateRawSync(bytes, options)));
}

/** What an agreement means for one direction. */
export interface Direction {
  readonly windowBits: number;
  readonly takeover: boolean;
}

/** What the agreement means for what the role sends. */
export function directionOf(agreed: DeflateAgreement, role: Role): Direction {
  return role === "server"
    ? {
      windowBits: agreed.serverMaxWindowBits,
      takeover: !agreed.serverNoContextTakeover,
    }
    : {
      windowBits: agreed.clientMaxWindowBits,
      takeover: !agreed.clientNoContextTakeover,
    };
}

/** Who the machine's peer is. */
export function otherRole(role: Role): Role {
  return role === "server" ? "client" : "server";
}

/** zlib's raw deflate has no window of 8 bits; of 9 bits it uses but half. */
function deflateOptions({ windowBits }: Direction) {
  return {
    windowBits: Math.max(9, windowBits),
    finishFlush: Z_SYNC_FLUSH,
    level: 6,
  };
}

function withoutTail(bytes: Uint8Array): Uint8Array {
  assert(bytes.subarray(-4).every((byte, i) => byte === TAIL[i]));
  return bytes.slice(0, -4);
}

/** Compresses messages, in the order in which they are sent. */
export async function compressAll(
  messages: readonly Uint8Array[],
  direction: Direction,
): Promise<Uint8Array[]> {
  const options = deflateOptions(direction);
  if (!direction.takeover) {
    return messages.map((message) =>
      withoutTail(new Uint8Array(deflateRawSync(message, options)))
    );
  }
  const stream = createDeflateRaw(options);
  let parts: Uint8Array[] = [];
  stream.on("data", (part: Uint8Array) => parts.push(part));
  const compressed: Uint8Array[] = [];
  for (const message of messages) {
    const { promise, resolve } = Promise.withResolvers<void>();
    // A flush that follows nothing makes no bytes at all.
    stream.write(message);
    stream.flush(Z_SYNC_FLUSH, resolve);
    await promise;
    compressed.push(withoutTail(concat(parts)));
    parts = [];
  }
  stream.destroy();
  return compressed;
}

/** Deflate blocks that hold the bytes as they are, RFC 1951 §3.2.4. */
export function stored(bytes: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 65535) {
    const part = bytes.subarray(at, at + 65535);
    const size = part.length;
    blocks.push(
      Uint8Array.of(0, size, size >> 8, ~size, ~size >> 8),
      part,
    );
  }
  return concat(blocks);
}

/** Inflates messages, in the order in which they came. */
export class PeerInflater {
  readonly #direction: Direction;
  /** What the sender may refer to. */
  #history = new Uint8Array(0);

  constructor(direction: Direction) {
    this.#direction = direction;
  }

  /** @throws If the sender referred to what is out of the agreed window. */
  inflate(payload: Uint8Array): Uint8Array {
    const { windowBits, takeover } = this.#direction;
    const history = this.#history;
    const input = concat([stored(history), payload, TAIL]);
    const output = inflateRawSync(input, {
      windowBits,
      finishFlush: Z_SYNC_FLUSH,
      // zlib does not look at the window within one piece of output.
      ...(windowBits < 15 ? { chunkSize: 64 } : {}),
    });
    const all = new Uint8Array(output);
    if (takeover) this.#history = all.slice(-(2 ** windowBits));
    return all.subarray(history.length);
  }
}

/**
 * Makes what inflates a machine's replies. A data message must be compressed from
 * the agreement's threshold on, and not below it.
 */
export function inflateReplies(
  one: Case,
  role: Role,
): (frames: readonly Frame[]) => Frame[] {
  const agreed = one.deflate;
  if (agreed === undefined) return (frames) => [...frames];
  const inflater = new PeerInflater(directionOf(agreed, role));
  return (frames) =>
    frames.map((reply) => {
      if (reply.opcode > 2) return reply;
      const compressed = reply.rsv === 4;
      const payload = compressed
        ? inflater.inflate(reply.payload)
        : reply.payload;
      assertEquals(compressed, payload.length >= agreed.threshold, show(reply));
      return frame(reply.opcode, payload, { rsv: reply.rsv & 3 });
    });
}
