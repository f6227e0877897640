/**
 * Who has the least to do.
 *
 * @module
 */

import { Rotation } from "./_rotation.ts";
import type { Candidate, Policy } from "./policy.ts";

/**
 * Chooses the candidate with the fewest requests under way for its weight; of
 * several, the one whose turn it is.
 */
export class LeastConnections implements Policy {
  readonly #rotation = new Rotation();

  /** See {@linkcode Policy.pick}. */
  pick(candidates: readonly Candidate[]): Candidate | undefined {
    const list = this.#rotation.list(candidates);
    if (list.length === 0) return undefined;
    let best = this.#rotation.next;
    let index = best;
    for (let i = 1; i < list.length; i++) {
      index = index + 1 < list.length ? index + 1 : 0;
      if (hasLess(list[index]!, list[best]!)) best = index;
    }
    return this.#rotation.chose(best);
  }
}

function hasLess(one: Candidate, other: Candidate): boolean {
  return one.inFlight * other.weight < other.inFlight * one.weight;
}
