/**
 * What a connection needs for permessage-deflate.
 *
 * @module
 */

import {
  type ContextBudget,
  contextsSize,
  type Reservation,
  threadBudget,
} from "./budget.ts";
import { Deflater, type DeflateSettings } from "./deflater.ts";
import { Inflater } from "./inflater.ts";
import type { DeflateAgreement } from "./params.ts";

/** What has to be given back when a connection has ended. */
interface Held {
  readonly deflater: Deflater;
  readonly inflater: Inflater;
  readonly reservation: Reservation;
}

function release({ deflater, inflater, reservation }: Held): void {
  deflater.close();
  inflater.close();
  reservation.release();
}

/** zlib's memory is not the collector's: nobody else would free it. */
const forgotten = new FinalizationRegistry<Held>(release);

/** Options of {@linkcode DeflateContexts}. */
export interface DeflateContextsOptions {
  /** The memory that they count for, by default that of the thread. */
  budget?: ContextBudget;
}

/**
 * Both directions of a connection, as they were agreed on. It counts for the
 * budget from when it is created until it is closed.
 *
 * @example One message there
 * ```ts
 * import { DeflateContexts } from "./contexts.ts";
 * import { resolveDeflate } from "./params.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const client = new DeflateContexts("client", resolveDeflate());
 * const server = new DeflateContexts("server", resolveDeflate());
 * const sent = client.compress(new TextEncoder().encode("Hello"));
 * const bytes = server.inflate(sent, true, 1000);
 * assertEquals(new TextDecoder().decode(bytes), "Hello");
 * client.close();
 * server.close();
 * ```
 */
export class DeflateContexts {
  /** Messages of fewer bytes are to be sent as they are. */
  readonly threshold: number;
  /** How this side compresses. */
  readonly settings: DeflateSettings;
  readonly #held: Held;

  /**
   * Creates contexts, which take no memory until they are used.
   *
   * @param role Which side this is.
   * @param agreement What was agreed on.
   * @param options The budget.
   */
  constructor(
    role: "server" | "client",
    agreement: DeflateAgreement,
    options: DeflateContextsOptions = {},
  ) {
    const { budget = threadBudget } = options;
    const { level, memLevel, threshold } = agreement;
    const server = {
      windowBits: agreement.serverMaxWindowBits,
      takeover: !agreement.serverNoContextTakeover,
    };
    const client = {
      windowBits: agreement.clientMaxWindowBits,
      takeover: !agreement.clientNoContextTakeover,
    };
    const [own, peer] = role === "server" ? [server, client] : [client, server];
    this.threshold = threshold;
    this.settings = { windowBits: own.windowBits, level, memLevel };
    this.#held = {
      deflater: new Deflater(this.settings, own.takeover),
      inflater: new Inflater(peer.windowBits, peer.takeover),
      reservation: budget.reserve(contextsSize(role, agreement)),
    };
    forgotten.register(this, this.#held, this);
  }

  /** Compresses a message: {@linkcode Deflater.compress}. */
  compress(payload: Uint8Array): Uint8Array {
    return this.#held.deflater.compress(payload);
  }

  /** Compresses a part of a message: {@linkcode Deflater.compressPart}. */
  compressPart(piece: Uint8Array, final: boolean): Uint8Array {
    return this.#held.deflater.compressPart(piece, final);
  }

  /** Decompresses a piece of a message: {@linkcode Inflater.inflate}. */
  inflate(piece: Uint8Array, final: boolean, room: number): Uint8Array {
    return this.#held.inflater.inflate(piece, final, room);
  }

  /**
   * Refers to nothing before: for when a message was sent that
   * {@linkcode compressOnce} has made.
   */
  forget(): void {
    this.#held.deflater.forget();
  }

  /** Frees the memory, and gives it back to the budget. May be called twice. */
  close(): void {
    forgotten.unregister(this);
    release(this.#held);
  }
}
