/**
 * Who may be chosen at all.
 *
 * @module
 */

import type { Candidate } from "./policy.ts";

/**
 * The candidates that have a share: a weight of 0 is none, with every policy.
 *
 * @param candidates All.
 * @returns The same array if it is all of them.
 */
export function usable(
  candidates: readonly Candidate[],
): readonly Candidate[] {
  for (let i = 0; i < candidates.length; i++) {
    if (candidates[i]!.weight > 0) continue;
    return candidates.filter((candidate) => candidate.weight > 0);
  }
  return candidates;
}
