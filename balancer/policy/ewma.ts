/**
 * A mean that forgets.
 *
 * @module
 */

/** How long until an old value counts 1/e of what it did, in milliseconds. */
const DECAY = 10_000;

/** What is left of any latency: 0 is for none. */
const LEAST = 0.001;

/**
 * An exponentially weighted moving average of latencies that is quick to see
 * trouble: a larger value counts at once, smaller ones by the time that has
 * passed. While there are none it falls, so that who was slow is tried again.
 */
export class Ewma {
  #value = 0;
  #time = 0;

  /**
   * Takes a latency in.
   *
   * @param ms Milliseconds.
   * @param now Milliseconds on any clock that does not go back.
   */
  observe(ms: number, now: number): void {
    if (ms >= this.#value) {
      this.#value = Math.max(ms, LEAST);
    } else {
      this.#value = ms + (this.#value - ms) * this.#rest(now);
    }
    this.#time = now;
  }

  /**
   * The mean at this moment.
   *
   * @param now Milliseconds on the clock of {@linkcode Ewma.observe}.
   * @returns Milliseconds; 0 if no latency was taken in yet, and only then.
   */
  value(now: number): number {
    if (this.#value === 0) return 0;
    return Math.max(this.#value * this.#rest(now), LEAST);
  }

  /** The share that counts still of what was taken in last. */
  #rest(now: number): number {
    return Math.exp((this.#time - now) / DECAY);
  }
}
