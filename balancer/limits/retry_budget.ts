/**
 * How many retries.
 *
 * @module
 */

/** How long a request or retry counts, in milliseconds. */
const WINDOW = 10_000;
const SLICES = 10;
const SLICE = WINDOW / SLICES;

/**
 * Keeps retries to a share of the requests, so that backends in trouble do not
 * get a multiple of their load. As in Finagle and Linkerd, what was not used of
 * the last ten seconds' share, and of the minimum, may be used at once.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #requests = new Array<number>(SLICES).fill(0);
  readonly #retries = new Array<number>(SLICES).fill(0);
  /** The sums of the slices. */
  #requestsInWindow = 0;
  #retriesInWindow = 0;
  #slice = 0;
  #sliceEnd = -Infinity;

  /**
   * Creates a budget.
   *
   * @param settings Retries for each request, and retries a second that are
   * allowed in any case.
   */
  constructor(
    settings: { readonly ratio: number; readonly minPerSecond: number },
  ) {
    this.#ratio = settings.ratio;
    this.#reserve = settings.minPerSecond * WINDOW / 1000;
  }

  /**
   * Counts a request, not a retry.
   *
   * @param now Milliseconds on any clock that does not go back.
   */
  request(now: number): void {
    if (now >= this.#sliceEnd) this.#turn(now);
    this.#requests[this.#slice]!++;
    this.#requestsInWindow++;
  }

  /**
   * Asks for a retry, and counts it if it is allowed.
   *
   * @param now Milliseconds on the clock of {@linkcode RetryBudget.request}.
   * @returns Whether it is allowed.
   */
  take(now: number): boolean {
    if (now >= this.#sliceEnd) this.#turn(now);
    const allowed = this.#reserve + this.#ratio * this.#requestsInWindow;
    // 0.29 * 100 is a little less than 29.
    if (this.#retriesInWindow + 1 > allowed + 1e-6) return false;
    this.#retries[this.#slice]!++;
    this.#retriesInWindow++;
    return true;
  }

  /** Moves on to the slice of time that `now` lies in; what is old is forgotten. */
  #turn(now: number): void {
    const late = now - this.#sliceEnd;
    const steps = late >= WINDOW ? SLICES : Math.floor(late / SLICE) + 1;
    for (let i = 0; i < steps; i++) {
      this.#slice = (this.#slice + 1) % SLICES;
      this.#requestsInWindow -= this.#requests[this.#slice]!;
      this.#retriesInWindow -= this.#retries[this.#slice]!;
      this.#requests[this.#slice] = 0;
      this.#retries[this.#slice] = 0;
    }
    this.#sliceEnd = now - (now % SLICE) + SLICE;
  }
}
