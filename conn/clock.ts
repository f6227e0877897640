/**
 * Time, as connections see it; and one that a test moves by hand.
 *
 * @module
 */

/**
 * Where time-outs get the time from. Every option named `clock` takes one;
 * {@linkcode systemClock} is the default.
 */
export interface Clock {
  /** Milliseconds since some moment in the past; never goes back. */
  now(): number;
  /**
   * Calls `callback` once, `delay` milliseconds from now or later.
   *
   * @returns What {@linkcode Clock.clearTimeout} takes.
   */
  setTimeout(callback: () => void, delay: number): unknown;
  /** Drops a timer; does nothing if it has fired. */
  clearTimeout(timer: unknown): void;
  /** Stops a timer from keeping the process alive. */
  unrefTimer?(timer: unknown): void;
}

// No timer of the system may be longer: it would fire at once.
const MAX_DELAY = 2 ** 31 - 1;

let turn: number | undefined;
const resolved = Promise.resolve();
const turnOver = () => {
  turn = undefined;
};

/**
 * The machine's monotonic clock. It shows one time for all that happens in one
 * turn of the event loop: a look at the system's costs more than parsing a short
 * head.
 */
export const systemClock: Clock = {
  now: () => {
    if (turn === undefined) {
      turn = performance.now();
      resolved.then(turnOver);
    }
    return turn;
  },
  setTimeout: (callback, delay) =>
    setTimeout(callback, Math.min(delay, MAX_DELAY)),
  clearTimeout: (timer) => clearTimeout(timer as number),
  unrefTimer: (timer) => Deno.unrefTimer(timer as number),
};

interface TestTimer {
  readonly id: number;
  readonly at: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until a test moves it.
 *
 * @example A time-out without waiting
 * ```ts
 * import { attach, memoryPair, RawMachine, TestClock } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new TestClock();
 * const [here] = memoryPair();
 * const conn = attach(here, new RawMachine(), () => {}, {
 *   clock,
 *   idleTimeout: 60_000,
 *   closeTimeout: 1_000,
 * });
 * await clock.advance(62_000);
 * assertEquals((await conn.closed)?.code, "idle_timeout");
 * ```
 */
export class TestClock implements Clock {
  #now: number;
  #lastId = 0;
  /** By time, and then by age. */
  #timers: TestTimer[] = [];

  /**
   * Creates a clock.
   *
   * @param now The time that it begins at, in milliseconds.
   */
  constructor(now = 0) {
    this.#now = now;
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Milliseconds that the clock shows. */
  now(): number {
    return this.#now;
  }

  /** Calls `callback` when the clock has been moved by `delay` milliseconds. */
  setTimeout(callback: () => void, delay: number): number {
    const timer = {
      id: ++this.#lastId,
      at: this.#now + Math.max(0, delay),
      callback,
    };
    const after = this.#timers.findIndex((other) => other.at > timer.at);
    if (after === -1) this.#timers.push(timer);
    else this.#timers.splice(after, 0, timer);
    return timer.id;
  }

  /** Drops a timer. */
  clearTimeout(timer: unknown): void {
    const index = this.#timers.findIndex((other) => other.id === timer);
    if (index !== -1) this.#timers.splice(index, 1);
  }

  /**
   * Moves the clock, and calls what is due on the way, in order, each at its
   * time. Before the first and after each of them, everything else that can run
   * does so.
   *
   * @param delay Milliseconds, not negative.
   */
  async advance(delay: number): Promise<void> {
    const end = this.#now + delay;
    await settle();
    while (this.#timers[0] !== undefined && this.#timers[0].at <= end) {
      const { at, callback } = this.#timers.shift()!;
      this.#now = Math.max(this.#now, at);
      callback();
      await settle();
    }
    this.#now = Math.max(this.#now, end);
  }
}

/** Lets all promises that can settle do so, by letting the event loop turn. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
