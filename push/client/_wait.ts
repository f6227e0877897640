/**
 * A time to wait for, which can be called off.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";

/** Knows when something may go on. */
export class Wait {
  readonly #clock: Clock;
  #end = 0;
  #cancel: (() => void) | undefined;

  /** Begins with nothing to wait for. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It may go on in so many milliseconds. */
  set(delay: number): void {
    this.#end = this.#clock.now() + delay;
  }

  /** Resolves when it may go on, or was called off. */
  async over(): Promise<void> {
    const left = this.#end - this.#clock.now();
    if (!(left > 0)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimeout(resolve, left);
    this.#cancel = () => {
      this.#clock.clearTimeout(timer);
      resolve();
    };
    await promise;
    this.#cancel = undefined;
  }

  /** Waits no more. */
  cancel(): void {
    this.#cancel?.();
  }
}
