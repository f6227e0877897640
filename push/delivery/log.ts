/**
 * What those who are behind have still to get.
 *
 * @module
 */

import { Entry, type Gap } from "./entry.ts";

/** What a log holds. */
type Logged = Entry | Gap;

/** Limits of a {@linkcode Log}. */
export interface LogLimits {
  /** The most items. */
  readonly queueCount: number;
  /** The most bytes of values. */
  readonly queueBytes: number;
}

/**
 * The newest items of a feed, numbered from 0. All subscribers that are behind
 * read the same log, each from its own place; beyond its limits the oldest items
 * are dropped.
 */
export class Log {
  readonly #limits: LogLimits;
  #items: (Logged | undefined)[] = [];
  /** The number of the first item in `#items`, and of the first that counts. */
  #base = 0;
  #first = 0;
  #size = 0;
  #droppedTo = 0;
  /** The number behind the last notice that was dropped. */
  #noticesTo = 0;

  constructor(limits: LogLimits) {
    this.#limits = limits;
  }

  /** The number of the oldest item. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next item will have. */
  get end(): number {
    return this.#base + this.#items.length;
  }

  /** The offset of the last item that was dropped. */
  get droppedTo(): number {
    return this.#droppedTo;
  }

  /** Whether there is, or was, a notice among the items from one to another. */
  hasNotice(from: number, to: number): boolean {
    if (from < this.#noticesTo) return true;
    for (let number = Math.max(from, this.#first); number < to; number++) {
      if (!(this.at(number) instanceof Entry)) return true;
    }
    return false;
  }

  /** The item with this number, which must be there. */
  at(number: number): Logged {
    return this.#items[number - this.#base]!;
  }

  /** Adds items, and drops the oldest beyond the limits. */
  push(items: readonly Logged[]): void {
    for (const item of items) {
      this.#items.push(item);
      this.#size += sizeOf(item);
    }
    const { queueCount, queueBytes } = this.#limits;
    while (
      this.#first < this.end &&
      (this.end - this.#first > queueCount || this.#size > queueBytes)
    ) this.#drop();
    if (this.#first - this.#base > this.#items.length / 2) {
      this.#items.splice(0, this.#first - this.#base);
      this.#base = this.#first;
    }
  }

  /** Counts items that nobody is behind on, and drops all. */
  skip(count: number): void {
    this.#base = this.#first = this.end + count;
    this.#items = [];
    this.#size = 0;
  }

  #drop(): void {
    const index = this.#first++ - this.#base;
    const item = this.#items[index]!;
    this.#size -= sizeOf(item);
    this.#droppedTo = item.offset;
    if (!(item instanceof Entry)) this.#noticesTo = this.#first;
    // What was dropped is not kept.
    this.#items[index] = undefined;
  }
}

function sizeOf(item: Logged): number {
  return item instanceof Entry ? item.data.length : 0;
}
