/**
 * Items for the program that a hub is in.
 *
 * @module
 */

import type { Encoding, Sendable, Wire } from "../delivery/encoding.ts";
import { Entry } from "../delivery/entry.ts";
import type { GapMessage, ResetMessage } from "../wire/protocol.ts";
import { type EpochOf, noticeMessage } from "./envelope.ts";

/** What is said between versions, as a client is told. */
export type Notice = GapMessage | ResetMessage;

/** An item for the program: a version as it is, or a notice. */
export type LocalItem = Entry | Notice;

/** Gives items one by one. */
export class LocalItems implements Encoding<readonly LocalItem[]> {
  readonly index: number;
  readonly delta = false;
  readonly #epoch: EpochOf;

  constructor(index: number, epoch: EpochOf) {
    this.index = index;
    this.#epoch = epoch;
  }

  batch(items: readonly Sendable[], wire: Wire): readonly LocalItem[] {
    return items.map(({ item }) =>
      item instanceof Entry ? item : noticeMessage(item, wire, this.#epoch())
    );
  }

  message(): undefined {}
}
