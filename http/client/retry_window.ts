/**
 * How many requests and retries there were lately, for budgets of retries.
 *
 * @module
 */

/** How long a request or retry counts, in milliseconds. */
export const WINDOW = 10_000;
const SLICES = 10;
const SLICE = WINDOW / SLICES;

/**
 * Counts the requests and the retries of the last ten seconds, by the second.
 * Times are in milliseconds on any clock that does not go back.
 */
export class RetryWindow {
  readonly #requestsOf = new Array<number>(SLICES).fill(0);
  readonly #retriesOf = new Array<number>(SLICES).fill(0);
  #slice = 0;
  #sliceEnd = -Infinity;
  /** Requests in the window, when it was moved last. */
  requests = 0;
  /** Retries in the window, when it was moved last. */
  retries = 0;

  /** Counts a request. */
  countRequest(now: number): void {
    this.move(now);
    this.#requestsOf[this.#slice]!++;
    this.requests++;
  }

  /** Counts a retry. */
  countRetry(now: number): void {
    this.move(now);
    this.#retriesOf[this.#slice]!++;
    this.retries++;
  }

  /** Moves on to the slice of time that `now` lies in; what is old is forgotten. */
  move(now: number): void {
    if (now < this.#sliceEnd) return;
    const late = now - this.#sliceEnd;
    const steps = late >= WINDOW ? SLICES : Math.floor(late / SLICE) + 1;
    for (let i = 0; i < steps; i++) {
      this.#slice = (this.#slice + 1) % SLICES;
      this.requests -= this.#requestsOf[this.#slice]!;
      this.retries -= this.#retriesOf[this.#slice]!;
      this.#requestsOf[this.#slice] = 0;
      this.#retriesOf[this.#slice] = 0;
    }
    this.#sliceEnd = now - (now % SLICE) + SLICE;
  }
}
