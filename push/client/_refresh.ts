/**
 * Shows a newer token before the old one ends.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";

/** So long before the end, at most, the next token is shown, in ms. */
const MAX_LEAD = 60_000;
/** With less than this, in ms, it is too late. */
const MIN_LEFT = 1000;

/** Calls a function in time, and again if it fails. */
export class Refresh {
  readonly #clock: Clock;
  readonly #show: () => Promise<unknown>;
  #timer: unknown;
  /** Tells rounds apart: what an earlier one still does is no matter. */
  #round = 0;

  /** @param show Shows a newer token; what comes of it sets the next time. */
  constructor(clock: Clock, show: () => Promise<unknown>) {
    this.#clock = clock;
    this.#show = show;
  }

  /** The token of now ends in so many milliseconds. */
  expires(expiresIn: number): void {
    this.stop();
    this.#plan(this.#clock.now() + expiresIn, this.#round);
  }

  /** Nothing is to be shown. */
  stop(): void {
    this.#round++;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #plan(end: number, round: number): void {
    const left = end - this.#clock.now();
    // The hub closes the connection, and the next one begins with a new token.
    if (round !== this.#round || !(left >= MIN_LEFT)) return;
    const delay = Math.max(left * 0.8, left - MAX_LEAD);
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#show().catch(() => this.#plan(end, round));
    }, delay);
  }
}
