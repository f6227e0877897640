/**
 * How often a peer may send.
 *
 * @module
 */

/** A token bucket that holds one second's worth, and at least one message. */
export class MessageRate {
  /** Messages a second. */
  readonly perSecond: number;
  readonly #most: number;
  #tokens: number;
  #filledAt: number | undefined;
  #isPaused = false;

  constructor(perSecond: number) {
    this.perSecond = perSecond;
    this.#most = this.#tokens = Math.max(1, perSecond);
  }

  /** Takes a token; `false` if there is none. */
  take(now: number): boolean {
    this.#fill(now);
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  /** The handler has paused: the peer goes on sending, but nothing is read. */
  paused(now: number): void {
    this.#fill(now);
    this.#isPaused = true;
  }

  /**
   * The pause is over: what the peer has sent meanwhile is read at once, and may
   * be more than a second's worth.
   */
  resumed(now: number): void {
    if (this.#isPaused) this.#tokens += this.#earned(now);
    this.#isPaused = false;
  }

  #fill(now: number): void {
    const filled = Math.min(this.#most, this.#tokens + this.#earned(now));
    // What a pause has earned is not lost.
    this.#tokens = Math.max(this.#tokens, filled);
  }

  /** Tokens for the time since this was called last. */
  #earned(now: number): number {
    const since = now - (this.#filledAt ?? now);
    this.#filledAt = now;
    return since * this.perSecond / 1000;
  }
}
