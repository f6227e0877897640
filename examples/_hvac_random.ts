// Chance that can be repeated: the same seed, the same numbers.

/** Makes numbers at random from a seed; for simulations, not for secrets. */
export class Random {
  #state: number;

  /** @param seed A whole number. */
  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to but not 1, each as likely. */
  next(): number {
    // The generator mulberry32: 32 bits of state are plenty here.
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** From one number up to another. */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** Around 0, as measurements scatter; the standard deviation is 1. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /** Whether something happens in a time that it happens in at a mean rate. */
  happens(duration: number, meanInterval: number): boolean {
    return this.next() < 1 - Math.exp(-duration / meanInterval);
  }
}
