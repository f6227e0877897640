/**
 * Items as the answer to a poll.
 *
 * @module
 */

import type { Encoding, Sendable, Wire } from "../delivery/encoding.ts";
import { Entry } from "../delivery/entry.ts";
import { envelope, type EpochOf } from "./envelope.ts";

/** An item for a poll. */
export interface PolledItem {
  readonly item: Sendable["item"];
  /** Its message, as JSON. */
  readonly text: string;
}

/** Gives items one by one. */
export class PolledItems implements Encoding<readonly PolledItem[]> {
  readonly index: number;
  readonly delta = false;
  readonly #epoch: EpochOf;

  constructor(index: number, epoch: EpochOf) {
    this.index = index;
    this.#epoch = epoch;
  }

  batch(
    items: readonly Sendable[],
    wire: Wire,
  ): readonly PolledItem[] {
    return items.map((sendable) => {
      const { item } = sendable;
      const make = () => ({
        item,
        text: envelope(sendable, wire, this.#epoch()),
      });
      return item instanceof Entry ? item.cached(wire, make) : make();
    });
  }

  message(): undefined {}
}
