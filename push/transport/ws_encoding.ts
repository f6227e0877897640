/**
 * Items as WebSocket messages.
 *
 * @module
 */

import type { Encoding, Sendable, Wire } from "../delivery/encoding.ts";
import { Entry } from "../delivery/entry.ts";
import type { ServerMessage } from "../wire/protocol.ts";
import { PreparedBatch } from "../../ws/machine/prepared_batch.ts";
import { PreparedMessage } from "../../ws/machine/prepared.ts";
import { envelope, type EpochOf, plainValue } from "./envelope.ts";

/** What goes to a WebSocket. */
export type WsPayload = PreparedMessage | PreparedBatch;

/** Each item is a message of the protocol. */
export class WsEnvelopes implements Encoding<WsPayload> {
  readonly index: number;
  readonly delta: boolean;
  readonly #epoch: EpochOf;

  constructor(index: number, delta: boolean, epoch: EpochOf) {
    this.index = index;
    this.delta = delta;
    this.#epoch = epoch;
  }

  batch(
    items: readonly Sendable[],
    wire: Wire,
    keep: boolean,
  ): WsPayload | undefined {
    return join(items.map((sendable) => {
      const { item, base } = sendable;
      const make = () =>
        new PreparedMessage(envelope(sendable, wire, this.#epoch()));
      return keep && base === undefined && item instanceof Entry
        ? item.cached(wire, make)
        : make();
    }));
  }

  message(message: ServerMessage): WsPayload {
    return new PreparedMessage(JSON.stringify(message));
  }
}

/** Each value is a message, and nothing else is. */
export class WsValues implements Encoding<WsPayload> {
  readonly index: number;
  readonly delta = false;

  constructor(index: number) {
    this.index = index;
  }

  batch(
    items: readonly Sendable[],
    wire: Wire,
    keep: boolean,
  ): WsPayload | undefined {
    const messages: PreparedMessage[] = [];
    for (const { item } of items) {
      if (!(item instanceof Entry)) continue;
      const make = () => new PreparedMessage(plainValue(item));
      messages.push(keep ? item.cached(wire, make) : make());
    }
    return join(messages);
  }

  message(): undefined {}
}

function join(messages: readonly PreparedMessage[]): WsPayload | undefined {
  return messages.length > 1 ? new PreparedBatch(messages) : messages[0];
}
