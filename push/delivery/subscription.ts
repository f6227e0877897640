/**
 * A client's subscription: how far it has got.
 *
 * @module
 */

import type { Mode } from "../wire/protocol.ts";
import type { Encoding, Outlet, Sendable } from "./encoding.ts";
import { Entry, type Item } from "./entry.ts";
import type { Feed } from "./feed.ts";
import type { Place } from "./places.ts";
import type { Start } from "./recovery.ts";

/** So many items, or bytes of values, are sent at a time to one that is behind. */
const PIECE = 64;
const PIECE_BYTES = 16 * 1024;

/**
 * The same in mode `latest`: all topics that change together should find room in
 * it, or those that change first keep the others from their turn.
 */
const LATEST_PIECE = 1024;
const LATEST_PIECE_BYTES = 128 * 1024;

const NONE: readonly Item[] = [];

/** What a subscription is made for. */
export interface Subscriber {
  /** Where payloads go. */
  readonly outlet: Outlet;
  /** Closes the client that is too far behind. */
  tooFarBehind(): void;
}

/**
 * One client's place in one feed.
 *
 * It is live if it has got all that the feed has sent on; it gets the next items
 * together with all others that are. Otherwise it is behind, and goes on by itself
 * whenever its outlet has room.
 */
export abstract class Subscription {
  readonly subscriber: Subscriber;
  readonly feed: Feed;
  readonly encoding: Encoding;
  abstract readonly mode: Mode;
  /** Its index in the feed's list. */
  slot = 0;
  isLive = false;
  /**
   * What was newest at this offset, the client holds: base of patches. While it is
   * live, that is all that the feed has sent on.
   */
  protected heldTo = 0;
  /** Versions up to here the client may not hold, though they were newest. */
  lostTo = 0;

  constructor(subscriber: Subscriber, feed: Feed, encoding: Encoding) {
    this.subscriber = subscriber;
    this.feed = feed;
    this.encoding = encoding;
  }

  /** Begins, with what the client gets before what is published from now on. */
  begin(start: Start): void {
    this.isLive = false;
    this.heldTo = 0;
    this.lostTo = start.lostTo;
    this.start(start);
    const { feed } = this;
    // Another hub that shares the engine was told earlier.
    if (start.after > feed.sentTo) return feed.awaitReach(this, start.after);
    this.meet(feed.log.end);
    this.catchUp();
  }

  /** Takes what it begins with. */
  protected abstract start(start: Start): void;

  /**
   * The feed has come to where it is.
   *
   * @param next The number of the first item in the feed's log that is for it.
   */
  abstract meet(next: number): void;

  /** Its outlet is busy: what comes next is not sent to it. */
  abstract fallBehind(): void;

  /** Takes the next few items; none if it has got all. */
  protected abstract take(): Sendable[];

  /** Sends on until all is sent, or the outlet is busy. */
  catchUp(): void {
    const { feed, subscriber } = this;
    feed.flush();
    if (feed.isAhead(this)) return;
    while (!this.isLive && !subscriber.outlet.needsDrain) {
      const items = this.take();
      if (items.length === 0) this.#caughtUp();
      else this.#send(items);
    }
  }

  #send(items: readonly Sendable[]): void {
    const { feed, encoding, subscriber } = this;
    const payload = feed.piece(items, encoding);
    if (payload !== undefined) subscriber.outlet.send(payload);
  }

  #caughtUp(): void {
    this.heldTo = this.feed.sentTo;
    this.isLive = true;
    this.caughtUp();
  }

  /** It has got all. */
  protected abstract caughtUp(): void;
}

/** Mode `every`: all items, in order. */
export class EverySubscription extends Subscription {
  readonly mode = "every";
  /** What comes before the feed's log, and how much of it was sent. */
  #backlog: readonly Item[] = NONE;
  #sent = 0;
  /** The number of the next item in the feed's log. */
  #next = 0;
  /** The offset of what was sent last. */
  #cursor = 0;
  /** Versions up to here may never have been sent, though newer ones were. */
  #holesTo = 0;
  /** Behind a notice a topic begins anew. */
  #afterNotice = false;
  /** How many versions it gave up. */
  #skipped = 0;

  /** The number of the next item that it needs of the log. */
  get next(): number {
    return this.#next;
  }

  protected start({ items, after, holesTo }: Start): void {
    this.#cursor = after;
    this.#holesTo = holesTo;
    this.#afterNotice = false;
    this.#skipped = 0;
    this.#sendFirst(items, this.feed.log.end);
  }

  protected caughtUp(): void {
    this.#holesTo = 0;
    this.feed.cameUp(this);
  }

  meet(next: number): void {
    this.#next = next;
    this.feed.fellBehind(this);
  }

  fallBehind(): void {
    this.isLive = false;
    this.heldTo = this.#cursor = this.feed.sentTo;
    this.meet(this.feed.log.end);
  }

  /** Puts items in place of what is in the log before a number. */
  #sendFirst(items: readonly Item[], next: number): void {
    this.#backlog = items;
    this.#sent = 0;
    this.#next = next;
    this.feed.setStocked(this, items.length > 0);
  }

  /** Gives up the versions that it holds: the log no longer follows them. */
  dropBacklog(): void {
    const rest = this.#backlog.slice(this.#sent);
    const notices = rest.filter((item) => !(item instanceof Entry));
    this.#skipped += rest.length - notices.length;
    this.#sendFirst(notices, this.#next);
  }

  protected take(): Sendable[] {
    const taken: Sendable[] = [];
    let size = 0;
    // A notice is not parted from what it is about.
    while (
      (taken.length < PIECE && size < PIECE_BYTES) || this.#afterNotice
    ) {
      const item = this.#nextItem();
      if (item === undefined) break;
      taken.push({ item, base: this.#baseOf(item) });
      this.#afterNotice = !(item instanceof Entry);
      this.#cursor = Math.max(this.#cursor, item.offset ?? 0);
      if (item instanceof Entry) size += item.data.length;
    }
    return taken;
  }

  #nextItem(): Item | undefined {
    if (this.#sent < this.#backlog.length) return this.#backlog[this.#sent++];
    if (this.#backlog.length > 0) this.#sendFirst(NONE, this.#next);
    const { log } = this.feed;
    if (this.#next < log.first) return this.#hole();
    return this.#next < log.end ? log.at(this.#next++) : undefined;
  }

  /**
   * What was dropped before it could be sent. The newest versions of topics are
   * sent all the same, so that in the end the client has those.
   */
  #hole(): Item | undefined {
    const { log, whenBehind, sentTo } = this.feed;
    const toNewest = whenBehind === "latest";
    const next = toNewest ? log.end : log.first;
    const to = toNewest ? sentTo : log.droppedTo;
    const newest = this.feed.newestAfter(this.#cursor)
      .filter(({ offset }) => offset <= to);
    const missed = this.#skipped + next - this.#next - newest.length;
    this.#skipped = 0;
    const isKnown = !log.hasNotice(this.#next, next);
    this.#holesTo = to;
    this.#sendFirst(newest, next);
    const offset = newest.length === 0 ? to : this.#cursor;
    if (!isKnown) return { kind: "gap", offset };
    return missed > 0 ? { kind: "gap", offset, missed } : this.#nextItem();
  }

  /** The version before an item's, if the client holds it. */
  #baseOf(item: Item): Entry | undefined {
    if (!(item instanceof Entry) || !this.encoding.delta) return undefined;
    const { previous, topic } = item;
    const held = previous > this.lostTo &&
      (previous <= this.heldTo || previous > this.#holesTo);
    if (!held || this.#afterNotice) return undefined;
    const base = topic.upTo(previous);
    return base?.offset === previous ? base : undefined;
  }
}

/** Mode `latest`: what is newest when there is room for it. */
export class LatestSubscription extends Subscription {
  readonly mode = "latest";
  /** All topics whose newest version is not after this offset were sent. */
  #cursor = 0;
  #notices: readonly Item[] = NONE;

  protected start({ items, after }: Start): void {
    const notices = items.filter((item) => !(item instanceof Entry));
    this.#notices = notices.length === 0 ? NONE : notices;
    this.#cursor = after;
  }

  protected caughtUp(): void {}

  meet(): void {}

  fallBehind(): void {
    this.isLive = false;
    this.#cursor = this.heldTo = this.feed.sentTo;
  }

  protected take(): Sendable[] {
    const taken: Sendable[] = [];
    for (const item of this.#notices) taken.push({ item, base: undefined });
    this.#notices = NONE;
    let size = 0;
    let place: Place | undefined = this.feed.places.firstAfter(this.#cursor);
    while (
      place && taken.length < LATEST_PIECE && size < LATEST_PIECE_BYTES
    ) {
      const item = place.topic.newest;
      taken.push({ item, base: this.#baseOf(item) });
      this.#cursor = item.offset;
      size += item.data.length;
      place = place.next;
    }
    return taken;
  }

  /** The version that was newest when the client had all, if none came since. */
  #baseOf({ topic }: Entry): Entry | undefined {
    if (!this.encoding.delta) return undefined;
    const base = topic.upTo(this.#cursor);
    const { offset = 0 } = base ?? {};
    return offset > this.lostTo && offset <= this.heldTo ? base : undefined;
  }
}
