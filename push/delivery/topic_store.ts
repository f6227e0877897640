/**
 * All topics, and the feeds that they go to.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { EngineState, Version } from "../engine/engine.ts";
import { FilterTrie } from "../model/filter_trie.ts";
import { covers, isPattern } from "../model/topic_name.ts";
import type { TopicRules } from "../model/topic_rules.ts";
import type { WhenBehind } from "../options.ts";
import { Feed, type FeedOptions } from "./feed.ts";
import type { LogLimits } from "./log.ts";
import { Topic } from "./topic.ts";

/** What a {@linkcode TopicStore} is made with. */
export interface TopicStoreOptions {
  readonly rules: TopicRules;
  readonly limits: LogLimits;
  readonly whenBehind: WhenBehind;
  /** The most places of topics in feeds. */
  readonly maxMatches: number;
  /** Versions of a topic up to an offset were dropped. */
  readonly trimmed: (topic: string, offset: number) => void;
  /** Is told what went wrong with a feed, which must not keep the others. */
  readonly failed: (error: unknown) => void;
}

/**
 * So many feeds, with so many topics in all, are kept that have no subscription:
 * polls come again.
 */
const MAX_IDLE = 64;
const MAX_IDLE_PLACES = 250_000;

/** What an engine keeps, in memory, and who is to be told of what is new. */
export class TopicStore {
  readonly #options: TopicStoreOptions;
  readonly #feedOptions: FeedOptions;
  readonly #topics = new Map<string, Topic>();
  /** By the text of all their filters. */
  readonly #feeds = new Map<string, Feed>();
  /** The feeds that have a filter. */
  #byFilter = new FilterTrie<Set<Feed>>();
  /** Those without a subscription, the one that was used last at the end. */
  readonly #idle = new Set<Feed>();
  #matches = 0;
  /** Those that have something to send on at the end of the turn. */
  #waiting: Feed[] = [];
  #epoch = "";
  #offset = 0;

  constructor(options: TopicStoreOptions) {
    this.#options = options;
    this.#feedOptions = {
      limits: options.limits,
      whenBehind: options.whenBehind,
      flushLater: (feed) => this.#flushLater(feed),
    };
  }

  /** Names the sequence of offsets. */
  get epoch(): string {
    return this.#epoch;
  }

  /** The offset of the last version. */
  get offset(): number {
    return this.#offset;
  }

  /** How many topics there are. */
  get size(): number {
    return this.#topics.size;
  }

  /** The names of all topics. */
  names(): IterableIterator<string> {
    return this.#topics.keys();
  }

  /** A topic that has a version. */
  get(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** Takes what follows, in order. */
  add(versions: readonly Version[]): void {
    for (const version of versions) this.#add(version);
  }

  #add(version: Version): void {
    // Told twice, as an engine may that catches up.
    if (version.offset <= this.#offset) return;
    this.#offset = version.offset;
    const topic = this.#topics.get(version.topic) ??
      this.#addTopic(version.topic);
    const entry = topic.add(version);
    this.#trim(topic, version.at);
    for (const place of topic.places) place.feed.add(entry, place);
  }

  #addTopic(name: string): Topic {
    const topic = new Topic(name, this.#options.rules.for(name));
    this.#topics.set(name, topic);
    for (const feed of this.#feedsOf(name)) feed.addTopic(topic);
    this.#matches += topic.places.length;
    return topic;
  }

  /** Drops what is too old of the topics of a feed. */
  trim(feed: Feed, now: number): void {
    for (const topic of feed.places.topics()) {
      if ((topic.settings.history?.age ?? Infinity) !== Infinity) {
        this.#trim(topic, now);
      }
    }
  }

  #trim(topic: Topic, now: number): void {
    const dropped = topic.trim(now);
    if (dropped !== undefined) this.#options.trimmed(topic.name, dropped);
  }

  /** Drops a topic; `false` if there is none. */
  remove(name: string): boolean {
    const topic = this.#topics.get(name);
    if (topic === undefined) return false;
    for (const place of topic.places) place.feed.places.remove(place);
    this.#matches -= topic.places.length;
    return this.#topics.delete(name);
  }

  /**
   * Takes what an engine keeps now. What is new of it goes to the feeds, as far as
   * it is the same sequence; if it is another, `restarted` is called with each
   * feed, which knows the new topics then.
   */
  load(state: EngineState, restarted: (feed: Feed) => void = () => {}): void {
    if (state.epoch === this.#epoch) return this.#goOn(state);
    const isFirst = this.#epoch === "";
    this.#epoch = state.epoch;
    this.#offset = 0;
    this.#topics.clear();
    const feeds = [...this.#feeds.values()];
    for (const feed of feeds) feed.clear();
    this.#matches = 0;
    // The feeds learn of the topics below, all at once.
    this.#detached(() => this.add(state.versions));
    this.#offset = Math.max(this.#offset, state.offset);
    for (const feed of feeds) this.#fill(feed);
    if (!isFirst) { for (const feed of feeds) restarted(feed); }
  }

  /** Takes versions that go to no feed. */
  #detached(run: () => void): void {
    const sets = this.#byFilter;
    this.#byFilter = new FilterTrie();
    try {
      run();
    } finally {
      this.#byFilter = sets;
    }
  }

  /** Takes the later part of the same sequence, in which versions may be missing. */
  #goOn(state: EngineState): void {
    const kept = new Set(state.versions.map(({ topic }) => topic));
    for (const name of [...this.#topics.keys()]) {
      if (!kept.has(name)) this.remove(name);
    }
    for (const version of state.versions) {
      if (version.offset <= this.#offset) continue;
      const topic = this.#topics.get(version.topic);
      if (version.previous !== (topic?.newest.offset ?? 0)) {
        // What is retained has no holes.
        topic?.clear();
        this.#addGap(version);
      }
      this.#add(version);
    }
    this.#offset = Math.max(this.#offset, state.offset);
  }

  /** Tells that versions of a topic are missing before this one. */
  #addGap({ topic, offset }: Version): void {
    for (const feed of this.#feedsOf(topic)) {
      feed.addGap({ kind: "gap", topic, offset: offset - 1 });
    }
  }

  /**
   * The feed of a set of filters, which is released when it is not needed.
   *
   * @throws {ConnError} With code `"too_many_matches"`.
   */
  feed(filters: readonly string[]): Feed {
    const sorted = normalized(filters);
    const key = sorted.join("\n");
    const known = this.#feeds.get(key);
    if (known !== undefined) {
      this.#idle.delete(known);
      return known;
    }
    const feed = new Feed(sorted, this.#feedOptions);
    this.#fill(feed);
    this.#feeds.set(key, feed);
    for (const filter of sorted) {
      const feeds = this.#byFilter.get(filter);
      if (feeds === undefined) this.#byFilter.set(filter, new Set([feed]));
      else feeds.add(feed);
    }
    return feed;
  }

  /** Gives a feed back; it is dropped some time after it has no subscription. */
  release(feed: Feed): void {
    if (feed.size > 0) return;
    this.#idle.add(feed);
    let places = 0;
    for (const each of this.#idle) places += each.places.size;
    while (this.#idle.size > MAX_IDLE || places > MAX_IDLE_PLACES) {
      places -= this.#dropIdle();
    }
  }

  /** Drops the feed that was not used for the longest time. */
  #dropIdle(): number {
    const [oldest] = this.#idle;
    if (oldest === undefined) return 0;
    const { size } = oldest.places;
    this.#idle.delete(oldest);
    this.#drop(oldest);
    return size;
  }

  #drop(feed: Feed): void {
    this.#feeds.delete(feed.filters.join("\n"));
    for (const filter of feed.filters) {
      const feeds = this.#byFilter.get(filter)!;
      feeds.delete(feed);
      if (feeds.size === 0) this.#byFilter.delete(filter);
    }
    this.#matches -= feed.places.size;
    feed.places.release();
  }

  /** How many subscriptions there are to a topic. */
  subscribers(topic: string): number {
    let count = 0;
    for (const feed of this.#feedsOf(topic)) count += feed.size;
    return count;
  }

  #feedsOf(topic: string): Set<Feed> {
    const found = this.#byFilter.match(topic);
    return new Set(found.flatMap((feeds) => [...feeds]));
  }

  /** How many subscriptions there are. */
  get subscriptions(): number {
    let count = 0;
    for (const feed of this.#feeds.values()) count += feed.size;
    return count;
  }

  /** Lets a feed know the topics that there are, in order. */
  #fill(feed: Feed): void {
    const topics = this.#matching(feed.filters);
    this.#checkRoom(topics.length);
    topics.sort((a, b) => a.newest.offset - b.newest.offset);
    for (const topic of topics) feed.addTopic(topic);
    this.#matches += topics.length;
    feed.passed(this.#offset);
  }

  /** Each place takes memory. */
  #checkRoom(count: number): void {
    const { maxMatches } = this.#options;
    while (this.#matches + count > maxMatches && this.#idle.size > 0) {
      this.#dropIdle();
    }
    if (this.#matches + count <= maxMatches) return;
    throw new ConnError(
      `Cannot subscribe: the filters of all clients match topics ${maxMatches} times already`,
      { code: "too_many_matches", side: "local", reply: 503 },
    );
  }

  #matching(filters: readonly string[]): Topic[] {
    if (!filters.some(isPattern)) {
      return filters.flatMap((filter) => this.#topics.get(filter) ?? []);
    }
    const wanted = new FilterTrie<true>();
    for (const filter of filters) wanted.set(filter, true);
    return [...this.#topics.values()].filter(({ name }) =>
      wanted.match(name).length > 0
    );
  }

  #flushLater(feed: Feed): void {
    this.#waiting.push(feed);
    if (this.#waiting.length === 1) queueMicrotask(this.flush);
  }

  /** Sends on what was published in this turn. */
  readonly flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const feed of waiting) {
      try {
        feed.flush();
      } catch (error) {
        this.#options.failed(error);
      }
    }
  };
}

/** The filters, sorted, without those that others cover. */
function normalized(filters: readonly string[]): string[] {
  const distinct = [...new Set(filters)].sort();
  return distinct.filter((filter) =>
    !distinct.some((other) =>
      other !== filter && isPattern(other) && covers(other, filter) &&
      // Of two that are the same, one stays.
      (!covers(filter, other) || other < filter)
    )
  );
}
