// A short response that is held back until it is complete, so that the client
// sees nothing of one that breaks.

import type { ResponseHead } from "../../http/codec/message.ts";

/** A response that is held back. */
export class HeldResponse {
  readonly head: ResponseHead;
  #only: Uint8Array | undefined;
  #pieces: Uint8Array[] | undefined;

  constructor(head: ResponseHead) {
    this.head = head;
  }

  /** Whether a response is of a known length that is not too long. */
  static suits(head: ResponseHead, max: number): boolean {
    return head.contentLength !== undefined && head.contentLength <= max;
  }

  /** Takes a piece of the body. */
  push(bytes: Uint8Array): void {
    if (this.#only === undefined) this.#only = bytes;
    else (this.#pieces ??= [this.#only]).push(bytes);
  }

  /** The whole body. */
  get body(): Uint8Array {
    if (this.#pieces === undefined) return this.#only ?? new Uint8Array(0);
    const length = this.#pieces.reduce((sum, { length }) => sum + length, 0);
    const body = new Uint8Array(length);
    let at = 0;
    for (const piece of this.#pieces) {
      body.set(piece, at);
      at += piece.length;
    }
    return body;
  }
}
