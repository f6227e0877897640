/**
 * Telling a body that comes too slowly.
 *
 * @module
 */

import type { HttpSettings } from "./limits.ts";

/**
 * A body has credit for `bodyGrace` at first. Time uses the credit up, bytes add
 * to it, and it never grows beyond where it began: who was fast may not be silent
 * for it. While the handler pauses, time stands still.
 */
export class BodyRate {
  readonly #perByte: number;
  readonly #grace: number;
  #due = Infinity;
  #credit = -1;

  constructor(settings: HttpSettings) {
    this.#perByte = 1000 / settings.minBodyRate;
    this.#grace = settings.minBodyRate > 0 ? settings.bodyGrace : Infinity;
  }

  /** When the credit is used up; `Infinity` while paused. */
  get due(): number {
    return this.#credit < 0 ? this.#due : Infinity;
  }

  /** A body begins. */
  begin(now: number): void {
    this.#credit = -1;
    this.#due = now + this.#grace;
  }

  /** Some of it came. */
  progress(bytes: number, now: number): void {
    // Without a minimum, nothing times what a byte earns would be no number.
    if (bytes === 0) return;
    this.#due = Math.min(this.#due + bytes * this.#perByte, now + this.#grace);
  }

  /** The handler pauses. */
  pause(now: number): void {
    if (this.#credit < 0) this.#credit = Math.max(0, this.#due - now);
  }

  /** The handler is done with its pause. */
  resume(now: number): void {
    if (this.#credit < 0) return;
    this.#due = now + this.#credit;
    this.#credit = -1;
  }
}
