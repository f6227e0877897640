/**
 * The text of the messages that carry items.
 *
 * @module
 */

import type { Sendable, Wire } from "../delivery/encoding.ts";
import { Entry } from "../delivery/entry.ts";
import { formatCursor } from "../model/cursor.ts";
import type { GapMessage, ResetMessage } from "../wire/protocol.ts";

/** Gives the epoch of cursors. */
export type EpochOf = () => string;

/** The message of an item, as JSON. */
export function envelope(
  { item, base }: Sendable,
  wire: Wire,
  epoch: string,
): string {
  if (!(item instanceof Entry)) {
    return JSON.stringify(noticeMessage(item, wire, epoch));
  }
  const patch = base && item.patchFrom(base);
  const { topic, offset, data } = item;
  const filter = wire.single && wire.filter !== topic.name
    ? `,"filter":${wire.filterJson}`
    : "";
  const content = patch === undefined ? `"value":${data}` : `"patch":${patch}`;
  const type = patch === undefined ? "value" : "patch";
  // By hand: the value is JSON already.
  return `{"type":"${type}","topic":${topic.json}${filter},"cursor":"${
    formatCursor(epoch, offset)
  }",${content}}`;
}

/** The message of what is no value. */
export function noticeMessage(
  notice: Exclude<Sendable["item"], Entry>,
  { filter }: Wire,
  epoch: string,
): GapMessage | ResetMessage {
  const topic = notice.topic === undefined ? {} : { topic: notice.topic };
  if (notice.kind === "reset") {
    const { reason, offset } = notice;
    const place = offset === undefined
      ? {}
      : { cursor: formatCursor(epoch, offset) };
    return { type: "reset", filter, ...topic, ...place, reason };
  }
  const { offset, missed } = notice;
  const cursor = formatCursor(epoch, offset);
  const count = missed === undefined ? {} : { missed };
  return { type: "gap", filter, ...topic, cursor, ...count };
}

/** A value by itself: a string as it is, anything else as JSON. */
export function plainValue({ data }: Entry): string {
  return data.startsWith('"') ? JSON.parse(data) : data;
}
