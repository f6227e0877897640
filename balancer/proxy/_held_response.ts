// A short response that is held back until it is complete, so that the client
// sees nothing of one that breaks.

import type { ResponseHead } from "../../http/codec/message.ts";

/** A response that is held back. */
export class HeldResponse {
  readonly head: ResponseHead;
  readonly #length: number;
  #body: Uint8Array | undefined;
  #size = 0;

  constructor(head: ResponseHead) {
    this.head = head;
    this.#length = head.contentLength!;
  }

  /** Whether a response is of a known length that is not too long. */
  static suits(head: ResponseHead, max: number): boolean {
    return head.contentLength !== undefined && head.contentLength <= max;
  }

  /**
   * Takes a piece of the body, which is only lent.
   *
   * @returns The whole body, if this was the last piece: lent, too, if it was the
   * only one.
   */
  push(bytes: Uint8Array): Uint8Array | undefined {
    if (bytes.length === this.#length) return bytes;
    this.#body ??= new Uint8Array(this.#length);
    this.#body.set(bytes, this.#size);
    this.#size += bytes.length;
    return this.#size === this.#length ? this.#body : undefined;
  }
}
