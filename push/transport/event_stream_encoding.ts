/**
 * Items as server-sent events.
 *
 * @module
 */

import type { Encoding, Sendable, Wire } from "../delivery/encoding.ts";
import { Entry } from "../delivery/entry.ts";
import { encodeEvent } from "../../http/events/sse.ts";
import { formatCursor } from "../model/cursor.ts";
import { PreparedEvents } from "../wire/event_stream.ts";
import type { ServerMessage } from "../wire/protocol.ts";
import {
  envelope,
  type EpochOf,
  noticeMessage,
  plainValue,
} from "./envelope.ts";

/** Writes the text of an item's event. */
type WriteEvent = (sendable: Sendable, wire: Wire) => string;

/** Joins the events of items. */
function batch(
  items: readonly Sendable[],
  wire: Wire,
  keep: boolean,
  write: WriteEvent,
): PreparedEvents {
  let text = "";
  for (const sendable of items) {
    const { item, base } = sendable;
    const shared = keep && base === undefined && item instanceof Entry;
    text += shared
      ? item.cached(wire, () => write(sendable, wire))
      : write(sendable, wire);
  }
  return new PreparedEvents(text);
}

/** The data of each event is a message of the protocol. */
export class EventStreamEnvelopes implements Encoding<PreparedEvents> {
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
  ): PreparedEvents {
    return batch(items, wire, keep, this.#write);
  }

  readonly #write: WriteEvent = (sendable, wire) => {
    const epoch = this.#epoch();
    const data = envelope(sendable, wire, epoch);
    const { offset } = sendable.item;
    // A client that comes back names the last id.
    return offset === undefined
      ? encodeEvent({ data })
      : encodeEvent({ id: formatCursor(epoch, offset), data });
  };

  message(message: ServerMessage): PreparedEvents {
    return new PreparedEvents(encodeEvent({ data: JSON.stringify(message) }));
  }
}

/** The data of each event is a value; notices are events of other types. */
export class EventStreamValues implements Encoding<PreparedEvents> {
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
    keep: boolean,
  ): PreparedEvents {
    return batch(items, wire, keep, this.#write);
  }

  readonly #write: WriteEvent = ({ item }, wire) => {
    const epoch = this.#epoch();
    if (item instanceof Entry) {
      const id = formatCursor(epoch, item.offset);
      return encodeEvent({ id, data: plainValue(item) });
    }
    const event = item.kind;
    const data = JSON.stringify(noticeMessage(item, wire, epoch));
    return item.kind === "gap"
      ? encodeEvent({ event, id: formatCursor(epoch, item.offset), data })
      : encodeEvent({ event, data });
  };

  message(): undefined {}
}
