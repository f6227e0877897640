/**
 * Names of requests, for logs on both sides of the balancer.
 *
 * @module
 */

import type { Fields } from "../../http/codec/fields.ts";

/** Bytes of an id. */
const SIZE = 16;
/** How many ids are made at once. */
const BATCH = 256;

/** Whether an id that came with a request can be passed on and logged as it is. */
export function isRequestId(id: string): boolean {
  return /^[A-Za-z0-9._-]{1,128}$/.test(id);
}

/**
 * Gives requests their ids: 128 random bits as 32 hexadecimal digits, so that
 * threads and processes need not agree, and an id does not tell how many requests
 * there are.
 */
export class RequestIds {
  readonly #fill: (bytes: Uint8Array<ArrayBuffer>) => void;
  readonly #bytes = new Uint8Array(SIZE * BATCH);
  /** A batch in one string: an id is a slice of it. */
  #digits = "";
  #at = 0;

  /**
   * Creates a source of ids.
   *
   * @param fill Fills an array with random bytes, by default
   * `crypto.getRandomValues`.
   */
  constructor(
    fill: (bytes: Uint8Array<ArrayBuffer>) => void = (bytes) => {
      crypto.getRandomValues(bytes);
    },
  ) {
    this.#fill = fill;
  }

  /** Makes an id. */
  next(): string {
    if (this.#at === this.#digits.length) {
      this.#fill(this.#bytes);
      this.#digits = this.#bytes.toHex();
      this.#at = 0;
    }
    const from = this.#at;
    return this.#digits.slice(from, this.#at = from + 2 * SIZE);
  }

  /**
   * The id of a request: its `X-Request-Id` if who sent it is trusted and it is
   * 1 to 128 letters, digits, `.`, `_` and `-`; otherwise a new one.
   *
   * @param fields The fields of the request.
   * @param isTrusted Whether its sender is trusted.
   */
  idFor(fields: Fields, isTrusted: boolean): string {
    if (!isTrusted) return this.next();
    const id = fields.get("x-request-id");
    return id !== undefined && isRequestId(id) ? id : this.next();
  }
}
