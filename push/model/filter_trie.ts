/**
 * Finds the filters that match a topic, among any number of them.
 *
 * @module
 */

import { collect, find, newNode, put, take } from "./_filter_node.ts";

/**
 * A map from filters to values, asked by topic. To match costs what the topic's
 * levels and the filters that begin as it does cost; the others cost nothing.
 */
export class FilterTrie<T extends NonNullable<unknown>> {
  readonly #root = newNode<T>();
  #size = 0;

  /** How many filters there are. */
  get size(): number {
    return this.#size;
  }

  /** The value of a filter, by its text. */
  get(filter: string): T | undefined {
    return find(this.#root, filter);
  }

  /** Sets the value of a filter, which is valid. */
  set(filter: string, value: T): void {
    if (put(this.#root, filter, value) === undefined) this.#size++;
  }

  /** Drops a filter; `false` if it was not there. */
  delete(filter: string): boolean {
    const isThere = take(this.#root, filter) !== undefined;
    if (isThere) this.#size--;
    return isThere;
  }

  /** The values of all filters that match a topic, in no particular order. */
  match(topic: string): T[] {
    const found: T[] = [];
    collect(this.#root, topic.split("/"), 0, found);
    return found;
  }
}
