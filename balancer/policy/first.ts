/**
 * The first that is there.
 *
 * @module
 */

import type { Candidate, Policy } from "./policy.ts";

/** Chooses the first candidate that has a weight; the others are its reserve. */
export class First implements Policy {
  /** See {@linkcode Policy.pick}. */
  pick(candidates: readonly Candidate[]): Candidate | undefined {
    for (let i = 0; i < candidates.length; i++) {
      if (candidates[i]!.weight > 0) return candidates[i];
    }
    return undefined;
  }
}
