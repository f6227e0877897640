/**
 * Taking turns while candidates come and go.
 *
 * @module
 */

import type { Candidate } from "./policy.ts";
import { usable } from "./_usable.ts";

/**
 * Whose turn it is. When the candidates change, it goes on behind the one that
 * was chosen last, or behind the place where that one was.
 */
export class Rotation {
  #candidates: readonly Candidate[] | undefined;
  #list: readonly Candidate[] = [];
  #last: string | undefined;
  #next = 0;

  /** Where in {@linkcode Rotation.list} the one is whose turn it is. */
  get next(): number {
    return this.#next;
  }

  /**
   * Takes over the candidates of a choice.
   *
   * @param candidates All that are available.
   * @returns Those that have a weight.
   */
  list(candidates: readonly Candidate[]): readonly Candidate[] {
    if (candidates !== this.#candidates) this.#adopt(candidates);
    return this.#list;
  }

  /**
   * Notes who was chosen.
   *
   * @param index Where in the list.
   * @returns The candidate.
   */
  chose(index: number): Candidate {
    const candidate = this.#list[index]!;
    this.#last = candidate.id;
    this.#next = index + 1 < this.#list.length ? index + 1 : 0;
    return candidate;
  }

  #adopt(candidates: readonly Candidate[]): void {
    const old = this.#list;
    this.#candidates = candidates;
    this.#list = usable(candidates);
    const last = find(this.#list, this.#last);
    this.#next = last === -1
      ? this.#following(old)
      : (last + 1) % this.#list.length;
  }

  /** The first that is still there of those whose turn it was about to be. */
  #following(old: readonly Candidate[]): number {
    for (let i = 0; i < old.length; i++) {
      const { id } = old[(this.#next + i) % old.length]!;
      const index = find(this.#list, id);
      if (index !== -1) return index;
    }
    return 0;
  }
}

function find(list: readonly Candidate[], id: string | undefined): number {
  return list.findIndex((candidate) => candidate.id === id);
}
