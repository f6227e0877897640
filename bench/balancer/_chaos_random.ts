/**
 * Chance that can be had again.
 *
 * @module
 */

/** Chance from a seed. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to 1, by mulberry32. */
  next(): number {
    this.#state = this.#state + 0x6d2b79f5 >>> 0;
    let t = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  }

  /** A whole number, `from` and below `to`. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from));
  }

  /** One of some. */
  pick<T>(list: readonly T[]): T {
    return list[this.between(0, list.length)]!;
  }

  /** Waits for some milliseconds, `from` and below `to`. */
  pause(from: number, to: number): Promise<void> {
    return pause(this.between(from, to));
  }
}

/** Waits for some milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
