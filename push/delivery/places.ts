/**
 * The topics of a feed, by their newest versions.
 *
 * @module
 */

import type { Entry } from "./entry.ts";
import type { Feed } from "./feed.ts";
import type { Topic } from "./topic.ts";

/** A topic's place in a feed. */
export interface Place {
  readonly topic: Topic;
  readonly feed: Feed;
  /** Its index in the topic's list of places. */
  slot: number;
  previous: Place | undefined;
  next: Place | undefined;
  /** The topic's newest version when the feed was sent on last. */
  held: Entry | undefined;
  /** Whether there is a newer one. */
  changed: boolean;
}

/** A list of topics, the one with the newest version last. */
export class Places {
  #first: Place | undefined;
  #last: Place | undefined;
  #size = 0;

  /** How many topics there are. */
  get size(): number {
    return this.#size;
  }

  /** The topics, the one with the oldest newest version first. */
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

  /** Adds a topic, which has the newest version. */
  add(topic: Topic, feed: Feed): void {
    const place: Place = {
      topic,
      feed,
      slot: topic.places.length,
      previous: undefined,
      next: undefined,
      held: topic.isEmpty ? undefined : topic.newest,
      changed: false,
    };
    topic.places.push(place);
    this.#append(place);
    this.#size++;
  }

  /** Takes a topic out. */
  remove(place: Place): void {
    this.#unlink(place);
    this.#size--;
  }

  /** Takes all topics out. */
  clear(): void {
    this.#first = this.#last = undefined;
    this.#size = 0;
  }

  /** Takes all topics out, and lets these know. */
  release(): void {
    for (let place = this.#first; place; place = place.next) {
      const { places } = place.topic;
      const last = places.pop()!;
      if (last === place) continue;
      places[place.slot] = last;
      last.slot = place.slot;
    }
    this.clear();
  }

  /** A topic has the newest version now. */
  moveToEnd(place: Place): void {
    if (place === this.#last) return;
    this.#unlink(place);
    this.#append(place);
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
}
