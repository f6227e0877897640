/**
 * How much a client may ask for.
 *
 * @module
 */

/**
 * A token bucket that holds one second's worth, and may be overdrawn: what was
 * asked for is done, and then the client has to wait.
 */
export class CommandRate {
  readonly #perSecond: number;
  #tokens: number;
  #filledAt: number;

  constructor(perSecond: number, now: number) {
    this.#perSecond = this.#tokens = perSecond;
    this.#filledAt = now;
  }

  /**
   * Takes tokens.
   *
   * @param cost How many.
   * @param now Milliseconds on a clock.
   * @returns How long the client has to wait now, in milliseconds.
   */
  spend(cost: number, now: number): number {
    const earned = (now - this.#filledAt) * this.#perSecond / 1000;
    this.#filledAt = now;
    this.#tokens = Math.min(this.#perSecond, this.#tokens + earned) - cost;
    return Math.max(0, -this.#tokens * 1000 / this.#perSecond);
  }
}
