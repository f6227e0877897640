/**
 * The better one of two.
 *
 * @module
 */

import type { Candidate, Policy } from "./policy.ts";
import { usable } from "./_usable.ts";

/**
 * Milliseconds that stand for a latency that nobody knows while a request is
 * finding it out.
 */
const UNKNOWN = 1e9;

/**
 * Power of two choices: draws two candidates, larger weights more often, and
 * chooses the one that costs less: its latency, for each request under way and
 * the new one, by its weight. Drawing keeps all from running to the best one at
 * the same time.
 *
 * A candidate without a latency is chosen if it has nothing under way, and is
 * then spared until its latency is known.
 */
export class PowerOfTwo implements Policy {
  readonly #random: () => number;
  #candidates: readonly Candidate[] | undefined;
  #list: readonly Candidate[] = [];
  /** For each of the list its weight and those before it. */
  #sums: number[] = [];

  /**
   * Creates the policy.
   *
   * @param random Gives numbers from 0 to below 1.
   */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** See {@linkcode Policy.pick}. */
  pick(candidates: readonly Candidate[]): Candidate | undefined {
    if (candidates !== this.#candidates) this.#adopt(candidates);
    const list = this.#list;
    if (list.length < 2) return list[0];
    const total = this.#sums[list.length - 1]!;
    const first = this.#at(this.#random() * total);
    const one = list[first]!;
    // The second one is drawn as if the first one were not there.
    let mark = this.#random() * (total - one.weight);
    if (mark >= this.#sums[first]! - one.weight) mark += one.weight;
    let second = this.#at(mark);
    // Rounding can lead back to the first one.
    if (second === first) second = first > 0 ? first - 1 : 1;
    const other = list[second]!;
    return costOf(other) < costOf(one) ? other : one;
  }

  #adopt(candidates: readonly Candidate[]): void {
    this.#candidates = candidates;
    this.#list = usable(candidates);
    let sum = 0;
    this.#sums = this.#list.map(({ weight }) => sum += weight);
  }

  /** The first in the list whose sum is above `mark`. */
  #at(mark: number): number {
    const sums = this.#sums;
    let low = 0;
    let high = sums.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! > mark) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function costOf({ latency, inFlight, weight }: Candidate): number {
  if (latency > 0) return latency * (inFlight + 1) / weight;
  return inFlight === 0 ? 0 : UNKNOWN * (inFlight + 1) / weight;
}
