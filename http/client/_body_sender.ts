// Sends a request's body piece by piece, as fast as the peer takes it.

import type { Conn } from "../../conn/conn.ts";
import type { ByteSource } from "./byte_source.ts";
import type { FieldsInit } from "../codec/fields.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";

/** What is to be sent. */
export interface BodyToSend {
  readonly source: ByteSource;
  /** Makes the trailer fields, once the body is sent. */
  readonly trailers: (() => FieldsInit | undefined) | undefined;
  /** Told of every piece. */
  readonly onSent: (piece: Uint8Array | string) => void;
}

/** A body on its way out. */
export class BodySender {
  readonly #conn: Conn<HttpEvent, HttpCommand>;
  readonly #body: BodyToSend;
  #stopped = false;

  constructor(conn: Conn<HttpEvent, HttpCommand>, body: BodyToSend) {
    this.#conn = conn;
    this.#body = body;
  }

  /**
   * Sends all of it.
   *
   * @returns Whether it was sent to its end: not if it was stopped, or if the
   * connection closes.
   */
  async run(): Promise<boolean> {
    const { source, onSent, trailers } = this.#body;
    try {
      while (true) {
        const piece = await source.read();
        if (this.#stopped) return false;
        if (piece === undefined) break;
        // Nothing more is taken, and there would be no drain to wait for.
        if (this.#conn.state !== "open") this.stop();
        if (this.#stopped) return false;
        if (piece.length === 0) continue;
        const roomy = this.#conn.send({ type: "body", bytes: piece });
        onSent(piece);
        if (!roomy) await this.#conn.drain();
        if (this.#stopped) return false;
      }
      const fields = trailers?.();
      this.#conn.send(
        fields === undefined
          ? { type: "end" }
          : { type: "end", trailers: fields },
      );
      return true;
    } catch (error) {
      if (this.#stopped) return false;
      source.cancel(error);
      throw error;
    }
  }

  /** Stops at once: the answer is here, or the connection is gone. */
  stop(reason?: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#body.source.cancel(reason);
  }
}
