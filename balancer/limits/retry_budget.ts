/**
 * How many retries.
 *
 * @module
 */

import { RetryWindow, WINDOW } from "../../http/client/retry_window.ts";

/**
 * Keeps retries to a share of the requests, so that backends in trouble do not
 * get a multiple of their load. As in Finagle and Linkerd, what was not used of
 * the last ten seconds' share, and of the minimum, may be used at once.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #reserve: number;
  readonly #window = new RetryWindow();

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
    this.#window.countRequest(now);
  }

  /**
   * Asks for a retry, and counts it if it is allowed.
   *
   * @param now Milliseconds on the clock of {@linkcode RetryBudget.request}.
   * @returns Whether it is allowed.
   */
  take(now: number): boolean {
    this.#window.move(now);
    const { requests, retries } = this.#window;
    const allowed = this.#reserve + this.#ratio * requests;
    // 0.29 * 100 is a little less than 29.
    if (retries + 1 > allowed + 1e-6) return false;
    this.#window.countRetry(now);
    return true;
  }
}
