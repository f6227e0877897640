/**
 * One after the other.
 *
 * @module
 */

import { Rotation } from "./_rotation.ts";
import type { Candidate, Policy } from "./policy.ts";

/**
 * Chooses the candidates in turn, in their order, whatever their weights (but for
 * 0, which is none). Where the candidates change, it goes on behind the last one.
 */
export class RoundRobin implements Policy {
  readonly #rotation = new Rotation();

  /** See {@linkcode Policy.pick}. */
  pick(candidates: readonly Candidate[]): Candidate | undefined {
    const { length } = this.#rotation.list(candidates);
    return length === 0 ? undefined : this.#rotation.chose(this.#rotation.next);
  }
}
