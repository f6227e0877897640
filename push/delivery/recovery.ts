/**
 * What a subscription begins with.
 *
 * @module
 */

import type { Cursor } from "../model/cursor.ts";
import type { Mode } from "../wire/protocol.ts";
import type { Entry, Item } from "./entry.ts";
import type { Feed } from "./feed.ts";

/**
 * Where a subscription begins: with the newest value of each topic, with all that
 * is retained, or behind what the client has.
 */
export type Since = "newest" | "oldest" | Cursor;

/** What a subscription begins with. */
export interface Start {
  /** What it gets first; in mode `latest` only notices count. */
  readonly items: readonly Item[];
  /** The offset of what the client has. */
  readonly after: number;
  /** Of versions up to here the client may lack some, though it has newer ones. */
  readonly holesTo: number;
  /**
   * Versions up to here the client may no longer hold, or never have: its cursor
   * may be from amid its first values, or from behind a gap.
   */
  readonly lostTo: number;
}

/**
 * What a subscription gets before what is published from now on.
 *
 * A cursor of another epoch is of no use: all begins anew. One that is ahead of the
 * last version is from another hub that shares the engine, and has been told
 * earlier.
 *
 * @param feed What is subscribed to.
 * @param mode How.
 * @param since What the client has.
 * @param current The epoch that there is.
 */
export function startOf(
  feed: Feed,
  mode: Mode,
  since: Since,
  current: string,
): Start {
  if (since === "newest") return anew(feed, []);
  if (since === "oldest") {
    return { items: allAfter(feed, 0), after: 0, holesTo: 0, lostTo: 0 };
  }
  const { epoch, offset } = since;
  if (epoch !== current) {
    return anewInEpoch(feed);
  }
  const items = mode === "latest" ? [] : missedSince(feed, offset);
  return { items, after: offset, holesTo: 0, lostTo: offset };
}

/** What a subscription gets when all that it has is void. */
export function anewInEpoch(feed: Feed): Start {
  return anew(feed, [{ kind: "reset", reason: "epoch", offset: 0 }]);
}

/** Notices, and then the newest values. */
function anew(feed: Feed, notices: readonly Item[]): Start {
  const items = [...notices, ...feed.newestAfter(0)];
  return { items, after: 0, holesTo: feed.sentTo, lostTo: 0 };
}

/** All retained versions after an offset. */
function allAfter(feed: Feed, offset: number): Entry[] {
  const entries: Entry[] = [];
  for (let place = feed.places.firstAfter(offset); place; place = place.next) {
    for (const entry of place.topic.after(offset)) entries.push(entry);
  }
  return entries.sort((a, b) => a.offset - b.offset);
}

/**
 * All versions after an offset; of topics whose history does not reach back, a
 * notice and the newest.
 */
function missedSince(feed: Feed, offset: number): Item[] {
  const entries: Entry[] = [];
  const begunAnew = new Set<Entry>();
  for (let place = feed.places.firstAfter(offset); place; place = place.next) {
    const { topic } = place;
    if (topic.floor > offset) {
      begunAnew.add(topic.newest);
      entries.push(topic.newest);
    } else {
      for (const entry of topic.after(offset)) entries.push(entry);
    }
  }
  entries.sort((a, b) => a.offset - b.offset);
  if (begunAnew.size === 0) return entries;
  return entries.flatMap((entry) =>
    begunAnew.has(entry) ? [resetOf(entry), entry] : [entry]
  );
}

function resetOf({ topic }: Entry): Item {
  return { kind: "reset", topic: topic.name, reason: "history" };
}
