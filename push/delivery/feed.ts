/**
 * What a set of filters matches, and who subscribes to it.
 *
 * @module
 */

import type { WhenBehind } from "../options.ts";
import type { Encoding, Sendable, Wire } from "./encoding.ts";
import type { Entry, Gap } from "./entry.ts";
import { Log, type LogLimits } from "./log.ts";
import type {
  EverySubscription,
  LatestSubscription,
  Subscription,
} from "./subscription.ts";
import type { Topic } from "./topic.ts";

/** A topic's place in a feed: feeds list their topics by their newest version. */
export interface Place {
  readonly topic: Topic;
  readonly feed: Feed;
  previous: Place | undefined;
  next: Place | undefined;
  /** The topic's newest version when the feed was sent on last. */
  held: Entry | undefined;
  /** Whether there is a newer one. */
  changed: boolean;
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
  readonly #options: FeedOptions;
  readonly #every: EverySubscription[] = [];
  readonly #latest: LatestSubscription[] = [];
  readonly #behind = new Set<EverySubscription>();
  /** Those that have what is still to come here. */
  readonly #ahead = new Set<Subscription>();
  readonly #wires: Wire[] = [];
  #first: Place | undefined;
  #last: Place | undefined;
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
    let place = this.firstAfter(offset);
    for (; place !== undefined; place = place.next) {
      entries.push(place.topic.newest);
    }
    return entries;
  }

  /** The topics, those with the oldest newest version first. */
  *topics(): Generator<Topic, void, void> {
    for (let place = this.#first; place; place = place.next) yield place.topic;
  }

  /** The first topic whose newest version is after an offset. */
  firstAfter(offset: number): Place | undefined {
    let place = this.#last;
    if (place === undefined || place.topic.newest.offset <= offset) {
      return undefined;
    }
    while (place.previous && place.previous.topic.newest.offset > offset) {
      place = place.previous;
    }
    return place;
  }

  /** Where the items of this feed go in an encoding. */
  wire(encoding: Encoding): Wire {
    return this.#wires[encoding.index] ??= newWire(this.filters);
  }

  /** Puts a topic at the end: none has a newer version. */
  addTopic(topic: Topic): void {
    const place: Place = {
      topic,
      feed: this,
      previous: undefined,
      next: undefined,
      held: topic.isEmpty ? undefined : topic.newest,
      changed: false,
    };
    this.#append(place);
    topic.places.push(place);
  }

  /** Takes a topic out. */
  removeTopic(place: Place): void {
    this.#unlink(place);
  }

  /** Begins anew, in another epoch. */
  clear(): void {
    this.#first = this.#last = undefined;
    this.#pending = [];
    this.#changed = [];
    this.log.skip(0);
  }

  /** What was there before the feed needs not be sent on. */
  startAt(offset: number): void {
    this.#sentTo = offset;
  }

  /** Takes a new version of a topic. */
  add(entry: Entry, place: Place): void {
    if (place !== this.#last) {
      this.#unlink(place);
      this.#append(place);
    }
    if (this.#pending.length === 0) this.#options.flushLater(this);
    if (!place.changed) {
      place.changed = true;
      this.#changed.push(place);
    }
    this.#pending.push(entry);
  }

  /** Notes that versions are missing. */
  addGap(gap: Gap): void {
    if (this.#pending.length === 0) this.#options.flushLater(this);
    this.#pending.push(gap);
  }

  #append(place: Place): void {
    place.previous = this.#last;
    place.next = undefined;
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
  }

  #unlink(place: Place): void {
    const { previous, next } = place;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
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
  *subscriptions(): Generator<Subscription, void, void> {
    yield* [...this.#every];
    yield* [...this.#latest];
  }

  /** From here on the log is kept for it. */
  fellBehind(subscription: EverySubscription): void {
    this.#behind.add(subscription);
  }

  /** It has what is still to come here; what comes until then is not for it. */
  awaitMore(subscription: Subscription): void {
    this.#ahead.add(subscription);
    if (subscription.mode === "every") {
      this.cameUp(subscription as EverySubscription);
    }
  }

  /** It needs the log no more. */
  cameUp(subscription: EverySubscription): void {
    this.#behind.delete(subscription);
    if (this.#behind.size === 0) this.log.skip(0);
  }

  /** Sends on what was published since the last time. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0 || this.#delivering) return;
    this.#setBusyAside(this.#every);
    this.#setBusyAside(this.#latest);
    const newest = this.#takeChanged();
    this.#pending = [];
    this.#sentTo = pending[pending.length - 1]!.offset;
    const met = [...this.#ahead].filter(({ aheadTo }) =>
      aheadTo <= this.#sentTo
    );
    for (const subscription of met) {
      this.#ahead.delete(subscription);
      subscription.meet();
    }
    if (this.#behind.size === 0) this.log.skip(pending.length);
    else {
      this.log.push(pending);
      this.#checkBehind();
    }
    this.#delivering = true;
    this.#deliver(this.#every, () => pending.map(sendable));
    this.#deliver(this.#latest, () => newest);
    this.#delivering = false;
    for (const subscription of this.#leaving.splice(0)) {
      this.#drop(subscription);
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

  /** Closes those that will miss something, if that is what is wanted. */
  #checkBehind(): void {
    if (this.whenBehind !== "close") return;
    const { first } = this.log;
    for (const subscription of [...this.#behind]) {
      if (subscription.next < first) subscription.subscriber.tooFarBehind();
    }
  }

  #deliver(
    list: readonly Subscription[],
    itemsOf: () => readonly Sendable[],
  ): void {
    if (list.length === 0) return;
    const batches = new Batches(itemsOf(), this);
    for (const { isLive, encoding, lostTo, subscriber } of list) {
      if (!isLive) continue;
      const payload = batches.payload(encoding, lostTo);
      if (payload !== undefined) subscriber.outlet.send(payload);
    }
  }
}

/** What goes to all that are live, made once for each encoding. */
class Batches {
  readonly #items: readonly Sendable[];
  readonly #feed: Feed;
  /** Of versions that patches apply to, the oldest one's offset. */
  readonly #oldestBase: number;
  readonly #payloads: unknown[] = [];
  /** The same without patches. */
  readonly #wholes: unknown[] = [];

  constructor(items: readonly Sendable[], feed: Feed) {
    this.#items = items;
    this.#feed = feed;
    let oldest = Infinity;
    for (const { base } of items) {
      if (base !== undefined && base.offset < oldest) oldest = base.offset;
    }
    this.#oldestBase = oldest;
  }

  /** The payload for who may not hold what was newest up to an offset. */
  payload(encoding: Encoding, lostTo: number): unknown {
    const { index, delta } = encoding;
    const isWhole = delta && lostTo >= this.#oldestBase;
    const payloads = isWhole ? this.#wholes : this.#payloads;
    if (!(index in payloads)) {
      const items = isWhole ? this.#items.map(whole) : this.#items;
      const wire = this.#feed.wire(encoding);
      payloads[index] = encoding.batch(items, wire, false);
    }
    return payloads[index];
  }
}

function whole({ item }: Sendable): Sendable {
  return { item, base: undefined };
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
