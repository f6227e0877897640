/**
 * How long things took, counted in buckets.
 *
 * @module
 */

import { type HistogramSnapshot, LATENCY_BOUNDS } from "./snapshot.ts";

/** Counts times by the buckets of {@linkcode LATENCY_BOUNDS}. */
export class Histogram {
  readonly #counts: number[] = LATENCY_BOUNDS.map(() => 0);
  /** Those beyond the last bound. */
  #beyond = 0;
  #sum = 0;

  /**
   * Counts a time.
   *
   * @param ms In milliseconds. What is no positive number counts as 0: one such
   * value would spoil the sum for good.
   */
  observe(ms: number): void {
    const value = ms > 0 ? ms : 0;
    this.#sum += value;
    const counts = this.#counts;
    // Most are short: from below, a loop is done sooner than halving.
    for (let i = 0; i < counts.length; i++) {
      if (value <= LATENCY_BOUNDS[i]!) {
        counts[i]!++;
        return;
      }
    }
    this.#beyond++;
  }

  /** Adds what another one has counted. */
  add(other: HistogramSnapshot): void {
    const counts = this.#counts;
    for (let i = 0; i < counts.length; i++) counts[i]! += other.counts[i] ?? 0;
    this.#beyond += other.counts[counts.length] ?? 0;
    this.#sum += other.sum;
  }

  /** What was counted so far. */
  snapshot(): HistogramSnapshot {
    return { counts: [...this.#counts, this.#beyond], sum: this.#sum };
  }
}

/** How many values a histogram has counted. */
export function total(histogram: HistogramSnapshot): number {
  let sum = 0;
  for (const count of histogram.counts) sum += count;
  return sum;
}

/**
 * Estimates a quantile, as if values lay evenly in their bucket.
 *
 * @param histogram What was counted.
 * @param q The share of the values that are no longer, 0 to 1: 0.99.
 * @returns Milliseconds: 0 if nothing was counted, and the last bound if it lies
 * beyond that.
 */
export function quantile(histogram: HistogramSnapshot, q: number): number {
  const rank = total(histogram) * Math.min(1, Math.max(0, q));
  let below = 0;
  let lower = 0;
  for (const [i, upper] of LATENCY_BOUNDS.entries()) {
    const count = histogram.counts[i]!;
    if (count > 0 && below + count >= rank) {
      return lower + (upper - lower) * (rank - below) / count;
    }
    below += count;
    lower = upper;
  }
  return below < total(histogram) ? lower : 0;
}
