/**
 * What a set of filters matches, and who subscribes to it.
 *
 * @module
 */

import type { WhenBehind } from "../options.ts";
import { Batches } from "./batches.ts";
import type { Encoding, Sendable, Wire } from "./encoding.ts";
import type { Entry, Gap } from "./entry.ts";
import { Log, type LogLimits } from "./log.ts";
import { type Place, Places } from "./places.ts";
import type {
  EverySubscription,
  LatestSubscription,
  Subscription,
} from "./subscription.ts";
import type { Topic } from "./topic.ts";

/** So many payloads for those that are behind are kept until the next version. */
const MAX_PIECES = 4;

/** A payload, and of what it was made. */
interface Piece {
  readonly encoding: Encoding;
  readonly items: readonly Sendable[];
  readonly payload: unknown;
}

/** What all feeds of a hub share. */
export interface FeedOptions {
  readonly limits: LogLimits;
  readonly whenBehind: WhenBehind;
  /** Calls {@linkcode Feed.flush} at the end of the turn. */
  readonly flushLater: (feed: Feed) => void;
}

/**
 * The topics that a set of filters matches, as one stream of items with one
 * cursor, and the subscriptions to it.
 *
 * What is published in a turn is sent on at its end: encoded once for each
 * encoding, to all that are live. Who is behind costs nothing until its outlet has
 * room again.
 */
export class Feed {
  /** The filters, sorted. */
  readonly filters: readonly string[];
  readonly whenBehind: WhenBehind;
  /** What subscriptions in mode `every` that are behind still need. */
  readonly log: Log;
  /** The topics. */
  readonly places: Places = new Places();
  readonly #options: FeedOptions;
  readonly #every: EverySubscription[] = [];
  readonly #latest: LatestSubscription[] = [];
  readonly #behind = new Set<EverySubscription>();
  /** Those that hold versions of their own. */
  readonly #stocked = new Set<EverySubscription>();
  /** Those that have what is still to come here, and up to where. */
  readonly #ahead = new Map<Subscription, number>();
  readonly #wires: Wire[] = [];
  /** What was made last for those that are behind. */
  #pieces: Piece[] = [];
  /** What was published since the feed was sent on last. */
  #pending: (Entry | Gap)[] = [];
  #changed: Place[] = [];
  #sentTo = 0;
  #delivering = false;
  /** Those that leave while items are delivered. */
  readonly #leaving: Subscription[] = [];

  constructor(filters: readonly string[], options: FeedOptions) {
    this.filters = filters;
    this.whenBehind = options.whenBehind;
    this.log = new Log(options.limits);
    this.#options = options;
  }

  /** The offset up to which items were sent on. */
  get sentTo(): number {
    return this.#sentTo;
  }

  /** How many subscriptions there are. */
  get size(): number {
    const { length } = this.#leaving;
    return this.#every.length + this.#latest.length - length;
  }

  /** The newest versions after an offset, in order. */
  newestAfter(offset: number): Entry[] {
    const entries: Entry[] = [];
    let place = this.places.firstAfter(offset);
    for (; place !== undefined; place = place.next) {
      entries.push(place.topic.newest);
    }
    return entries;
  }

  /** Where the items of this feed go in an encoding. */
  wire(encoding: Encoding): Wire {
    return this.#wires[encoding.index] ??= newWire(this.filters);
  }

  /** The payload of items for one that is behind; the next often needs the same. */
  piece(items: readonly Sendable[], encoding: Encoding): unknown {
    // What patches apply to may differ.
    const known = encoding.delta
      ? undefined
      : this.#pieces.find((piece) =>
        piece.encoding === encoding && isSame(piece.items, items)
      );
    if (known !== undefined) return known.payload;
    const payload = encoding.batch(items, this.wire(encoding), true);
    this.#pieces = [{ encoding, items, payload }, ...this.#pieces]
      .slice(0, MAX_PIECES);
    return payload;
  }

  /** Puts a topic at the end: none has a newer version. */
  addTopic(topic: Topic): void {
    this.places.add(topic, this);
  }

  /** Begins anew, in another epoch. */
  clear(): void {
    this.places.clear();
    this.#pending = [];
    this.#changed = [];
    this.#ahead.clear();
    this.log.skip(0);
    this.#sentTo = 0;
  }

  /** There was nothing else up to this offset. */
  passed(offset: number): void {
    if (this.#pending.length === 0 && offset > this.#sentTo) {
      this.#sentTo = offset;
    }
  }

  /** Takes a new version of a topic. */
  add(entry: Entry, place: Place): void {
    this.places.moveToEnd(place);
    if (!place.changed) {
      place.changed = true;
      this.#changed.push(place);
    }
    this.#push(entry);
  }

  /** Notes that versions are missing. */
  addGap(gap: Gap): void {
    this.#push(gap);
  }

  #push(item: Entry | Gap): void {
    if (this.#pending.length === 0) this.#options.flushLater(this);
    this.#pending.push(item);
  }

  /** Adds a subscription, which is behind until it has caught up. */
  addSubscription(subscription: Subscription): void {
    this.flush();
    const list: Subscription[] = this.#listOf(subscription);
    subscription.slot = list.length;
    list.push(subscription);
  }

  /** Takes a subscription out. */
  removeSubscription(subscription: Subscription): void {
    subscription.isLive = false;
    this.#ahead.delete(subscription);
    if (subscription.mode === "every") {
      this.cameUp(subscription as EverySubscription);
    }
    if (this.#delivering) this.#leaving.push(subscription);
    else this.#drop(subscription);
  }

  #drop(subscription: Subscription): void {
    const list: Subscription[] = this.#listOf(subscription);
    const last = list.pop()!;
    if (last === subscription) return;
    list[subscription.slot] = last;
    last.slot = subscription.slot;
  }

  #listOf(subscription: Subscription): Subscription[] {
    return subscription.mode === "every" ? this.#every : this.#latest;
  }

  /** All subscriptions. */
  subscriptions(): Subscription[] {
    return [...this.#every, ...this.#latest];
  }

  /** It has what is still to come here: what comes until then is not for it. */
  awaitReach(subscription: Subscription, offset: number): void {
    this.#ahead.set(subscription, offset);
  }

  /** Whether it waits for the feed to come to where it is. */
  isAhead(subscription: Subscription): boolean {
    return this.#ahead.has(subscription);
  }

  /** From here on the log is kept for it. */
  fellBehind(subscription: EverySubscription): void {
    this.#behind.add(subscription);
  }

  /** It holds versions, or no longer. */
  setStocked(subscription: EverySubscription, isStocked: boolean): void {
    if (isStocked) this.#stocked.add(subscription);
    else this.#stocked.delete(subscription);
  }

  /** It needs the log no more. */
  cameUp(subscription: EverySubscription): void {
    this.#stocked.delete(subscription);
    if (!this.#behind.delete(subscription)) return;
    if (this.#behind.size === 0) this.log.skip(0);
  }

  /** Sends on what was published since the last time. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0 || this.#delivering) return;
    this.#setBusyAside(this.#every);
    this.#setBusyAside(this.#latest);
    const newest = this.#takeChanged();
    this.#pieces = [];
    this.#pending = [];
    this.#sentTo = pending[pending.length - 1]!.offset;
    const met = this.#meetAhead(pending);
    if (this.#behind.size === 0) this.log.skip(pending.length);
    else this.#keep(pending);
    this.#delivering = true;
    try {
      this.#deliver(this.#every, () => pending.map(sendable));
      this.#deliver(this.#latest, () => newest);
    } finally {
      this.#delivering = false;
      for (const subscription of this.#leaving.splice(0)) {
        this.#drop(subscription);
      }
    }
    for (const subscription of met) subscription.catchUp();
  }

  /** Who has not taken what was sent before gets no more by now. */
  #setBusyAside(list: readonly Subscription[]): void {
    for (const subscription of list) {
      if (!subscription.isLive) continue;
      if (subscription.subscriber.outlet.needsDrain) subscription.fallBehind();
    }
  }

  /** The newest versions of the topics that have changed, in order. */
  #takeChanged(): Sendable[] {
    const changed = this.#changed;
    this.#changed = [];
    const newest = changed.map(newestOf).sort(byOffset);
    for (const place of changed) {
      place.changed = false;
      place.held = place.topic.newest;
    }
    return newest;
  }

  /** Lets those go on for which there is something in what is sent on now. */
  #meetAhead(pending: readonly (Entry | Gap)[]): Subscription[] {
    if (this.#ahead.size === 0) return [];
    const met: Subscription[] = [];
    for (const [subscription, offset] of this.#ahead) {
      if (offset > this.#sentTo) continue;
      const known = pending.findIndex((item) => item.offset > offset);
      this.#ahead.delete(subscription);
      subscription.meet(this.log.end + (known < 0 ? pending.length : known));
      met.push(subscription);
    }
    return met;
  }

  /** Keeps items for those that are behind, as far as there is room. */
  #keep(items: readonly (Entry | Gap)[]): void {
    this.log.push(items);
    const { first } = this.log;
    for (const subscription of this.#stocked) {
      if (subscription.next < first) subscription.dropBacklog();
    }
    if (this.whenBehind !== "close") return;
    for (const subscription of [...this.#behind]) {
      if (subscription.next < first) subscription.subscriber.tooFarBehind();
    }
  }

  #deliver(
    list: readonly Subscription[],
    itemsOf: () => readonly Sendable[],
  ): void {
    if (list.length === 0) return;
    const batches = new Batches(itemsOf(), (encoding) => this.wire(encoding));
    for (const { isLive, encoding, lostTo, subscriber } of list) {
      if (!isLive) continue;
      const payload = batches.payload(encoding, lostTo);
      if (payload !== undefined) subscriber.outlet.send(payload);
    }
  }
}

/** Whether the same items follow each other; all count, as any may be left out. */
function isSame(a: readonly Sendable[], b: readonly Sendable[]): boolean {
  return a.length === b.length &&
    a.every(({ item }, index) => item === b[index]!.item);
}

function newWire(filters: readonly string[]): Wire {
  const filter = filters.join(",");
  const filterJson = JSON.stringify(filter);
  return { filter, filterJson, single: filters.length === 1 };
}

/** The next version, for those that hold the one before it. */
function sendable(item: Entry | Gap): Sendable {
  if ("kind" in item || !item.topic.settings.delta) {
    return { item, base: undefined };
  }
  const base = item.topic.upTo(item.previous);
  return { item, base: base?.offset === item.previous ? base : undefined };
}

/** A topic's newest version, for those that hold what was sent last. */
function newestOf({ topic, held }: Place): Sendable & { item: Entry } {
  return {
    item: topic.newest,
    base: topic.settings.delta ? held : undefined,
  };
}

function byOffset(
  a: { item: Entry },
  b: { item: Entry },
): number {
  return a.item.offset - b.item.offset;
}
