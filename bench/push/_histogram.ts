/**
 * Many times, and what part of them is below which.
 *
 * @module
 */

/** How fine it is, in milliseconds. */
const STEP = 0.01;
/** What is longer counts as this, in milliseconds. */
const MOST = 20_000;

/** Times in great number; adding one allocates nothing. */
export class Histogram {
  readonly #counts = new Uint32Array(MOST / STEP);
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Adds times that are alike, in milliseconds. */
  add(time: number, count = 1): void {
    const at = Math.min(Math.max(0, time / STEP), this.#counts.length - 1);
    this.#counts[Math.trunc(at)]! += count;
    this.#size += count;
  }

  /** The time, in milliseconds, that a part of all is not above. */
  quantile(part: number): number {
    let left = Math.ceil(part * this.#size);
    for (const [i, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0 && count > 0) return (i + 1) * STEP;
    }
    return NaN;
  }

  /** Forgets all. */
  clear(): void {
    this.#counts.fill(0);
    this.#size = 0;
  }
}
