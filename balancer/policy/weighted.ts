/**
 * One after the other, some more often.
 *
 * @module
 */

import type { Candidate, Policy } from "./policy.ts";
import { usable } from "./_usable.ts";

/** What a candidate has saved up. */
interface Credit {
  weight: number;
  value: number;
}

/**
 * Smooth weighted round robin, as nginx does it: each candidate saves up its
 * weight, and who has most is chosen and pays the weights of all. So 5, 1, 1 is
 * chosen as a a b a c a a, and not as a a a a a b c.
 *
 * What a candidate has saved up is kept by its id while the others change.
 */
export class Weighted implements Policy {
  readonly #credits = new Map<string, Credit>();
  #candidates: readonly Candidate[] | undefined;
  #list: readonly Candidate[] = [];
  /** The credits of the list. */
  #active: Credit[] = [];
  #total = 0;

  /** See {@linkcode Policy.pick}. */
  pick(candidates: readonly Candidate[]): Candidate | undefined {
    if (candidates !== this.#candidates) this.#adopt(candidates);
    const active = this.#active;
    if (active.length === 0) return undefined;
    let best = 0;
    for (let i = 0; i < active.length; i++) {
      const credit = active[i]!;
      credit.value += credit.weight;
      if (credit.value > active[best]!.value) best = i;
    }
    active[best]!.value -= this.#total;
    return this.#list[best];
  }

  #adopt(candidates: readonly Candidate[]): void {
    this.#candidates = candidates;
    const list = this.#list = usable(candidates);
    const mean = this.#mean();
    let changed = false;
    this.#total = 0;
    this.#active = list.map(({ id, weight }) => {
      this.#total += weight;
      let credit = this.#credits.get(id);
      if (credit === undefined) {
        // Others may all be above or below 0 by now: a new one begins among them.
        this.#credits.set(id, credit = { weight, value: mean });
      } else if (credit.weight !== weight) {
        credit.weight = weight;
        changed = true;
      }
      return credit;
    });
    if (changed) this.#bound(mean);
    this.#forget();
  }

  /** The mean of what those in the list have saved up already. */
  #mean(): number {
    let sum = 0;
    let known = 0;
    for (const { id } of this.#list) {
      const credit = this.#credits.get(id);
      if (credit === undefined) continue;
      sum += credit.value;
      known++;
    }
    return known === 0 ? 0 : sum / known;
  }

  /**
   * Keeps what was saved up under larger weights from being spent in one go under
   * smaller ones. Among the same weights, nobody is further off than their sum.
   */
  #bound(mean: number): void {
    for (const credit of this.#active) {
      const off = credit.value - mean;
      credit.value = mean + Math.max(-this.#total, Math.min(off, this.#total));
    }
  }

  /** Forgets who is gone, once that is most; it may be back in a moment. */
  #forget(): void {
    if (this.#credits.size <= 2 * this.#list.length + 16) return;
    this.#credits.clear();
    this.#list.forEach(({ id }, i) => this.#credits.set(id, this.#active[i]!));
  }
}
