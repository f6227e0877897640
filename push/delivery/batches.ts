/**
 * What goes to many subscriptions at once.
 *
 * @module
 */

import type { Encoding, Sendable, Wire } from "./encoding.ts";

/** Items for all that are live, made once for each encoding. */
export class Batches {
  readonly #items: readonly Sendable[];
  readonly #wire: (encoding: Encoding) => Wire;
  /** Of versions that patches apply to, the oldest one's offset. */
  readonly #oldestBase: number;
  readonly #payloads: unknown[] = [];
  /** The same without patches. */
  readonly #wholes: unknown[] = [];

  constructor(
    items: readonly Sendable[],
    wire: (encoding: Encoding) => Wire,
  ) {
    this.#items = items;
    this.#wire = wire;
    let oldest = Infinity;
    for (const { base } of items) {
      if (base !== undefined && base.offset < oldest) oldest = base.offset;
    }
    this.#oldestBase = oldest;
  }

  /** The payload for who may not hold what was newest up to an offset. */
  payload(encoding: Encoding, lostTo: number): unknown {
    const { index, delta } = encoding;
    const isWhole = this.#oldestBase !== Infinity &&
      (!delta || lostTo >= this.#oldestBase);
    const payloads = isWhole ? this.#wholes : this.#payloads;
    if (!(index in payloads)) {
      const items = isWhole ? this.#items.map(whole) : this.#items;
      payloads[index] = encoding.batch(items, this.#wire(encoding), false);
    }
    return payloads[index];
  }
}

function whole({ item }: Sendable): Sendable {
  return { item, base: undefined };
}
