/**
 * A topic: its newest version, and those before it that are retained.
 *
 * @module
 */

import type { Version } from "../engine/engine.ts";
import type { TopicSettings } from "../model/topic_rules.ts";
import { Entry } from "./entry.ts";
import type { Place } from "./places.ts";

/** The topic's versions, oldest first; the newest is always there. */
export class Topic {
  readonly name: string;
  /** The name as JSON. */
  readonly json: string;
  readonly settings: TopicSettings;
  /** Where it stands in the feeds of filters that match it. */
  readonly places: Place[] = [];
  readonly #entries: Entry[] = [];
  /** What is before it was dropped. */
  #from = 0;
  #size = 0;

  constructor(name: string, settings: TopicSettings) {
    this.name = name;
    this.json = JSON.stringify(name);
    this.settings = settings;
  }

  /** The newest version; a topic without one is not kept. */
  get newest(): Entry {
    return this.#entries[this.#entries.length - 1]!;
  }

  /** Whether there is no version yet. */
  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Versions up to this offset are not retained. */
  get floor(): number {
    return this.#entries[this.#from]!.previous;
  }

  /** How many versions are retained. */
  get length(): number {
    return this.#entries.length - this.#from;
  }

  /** Adds the next version. */
  add(version: Version): Entry {
    const entry = new Entry(this, version);
    this.#entries.push(entry);
    this.#size += entry.data.length;
    return entry;
  }

  /** Drops all versions: there is a hole before the next. */
  clear(): void {
    this.#entries.length = this.#from = this.#size = 0;
  }

  /**
   * Drops what is not to be retained.
   *
   * @param now Milliseconds since the epoch.
   * @returns The offset up to which versions were dropped, if any were.
   */
  trim(now: number): number | undefined {
    const { history, delta } = this.settings;
    // A patch needs the version that it applies to.
    const count = Math.max(history?.count ?? 1, delta ? 2 : 1);
    const bytes = history?.bytes ?? Infinity;
    const oldest = now - (history?.age ?? Infinity);
    const entries = this.#entries;
    const before = this.#from;
    const last = entries.length - 1;
    while (this.#from < last) {
      const { at, data } = entries[this.#from]!;
      const keep = entries.length - this.#from <= count &&
        this.#size <= bytes && at >= oldest;
      if (keep) break;
      this.#size -= data.length;
      this.#from++;
    }
    if (this.#from === before) return undefined;
    const dropped = entries[this.#from - 1]!.offset;
    this.#compact();
    return dropped;
  }

  #compact(): void {
    if (this.#from <= 16 && this.#from * 2 < this.#entries.length) return;
    this.#entries.splice(0, this.#from);
    this.#from = 0;
  }

  /** The retained versions after an offset. */
  after(offset: number): Entry[] {
    return this.#entries.slice(this.#indexAfter(offset));
  }

  /** The newest retained version that is not after an offset. */
  upTo(offset: number): Entry | undefined {
    const index = this.#indexAfter(offset) - 1;
    return index < this.#from ? undefined : this.#entries[index];
  }

  /** The index of the first version after an offset. */
  #indexAfter(offset: number): number {
    let low = this.#from;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.offset > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
