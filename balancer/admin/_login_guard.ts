/**
 * Slows down who guesses.
 *
 * @module
 */

/** Wrong tokens that an address may send before it has to wait. */
const FREE_FAILURES = 5;
/** The first wait and the longest, in milliseconds; each is twice the last. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;
/** Addresses that are remembered; beyond it the oldest failure is forgotten. */
const MAX_ADDRESSES = 1_000;

interface Failures {
  readonly count: number;
  readonly at: number;
}

/**
 * Counts wrong tokens by address. Whoever has to wait is refused unseen: if a
 * right token still passed, waiting would not keep anybody from finding it.
 *
 * Times are in milliseconds, on any clock that does not go back.
 */
export class LoginGuard {
  readonly #failures = new Map<string, Failures>();

  /** How long an address has to wait before it is heard; 0 if it is now. */
  wait(address: string, now: number): number {
    const failures = this.#failures.get(address);
    if (failures === undefined || failures.count < FREE_FAILURES) return 0;
    const wait = FIRST_WAIT * 2 ** (failures.count - FREE_FAILURES);
    return Math.max(0, failures.at + Math.min(wait, LONGEST_WAIT) - now);
  }

  /** Notes a wrong token. */
  failed(address: string, now: number): void {
    const before = this.#failures.get(address);
    const forgiven = before === undefined ||
      now - before.at > 2 * LONGEST_WAIT;
    // Deleted first, so that the map is in the order of the last failures.
    this.#failures.delete(address);
    this.#failures.set(address, {
      count: forgiven ? 1 : before.count + 1,
      at: now,
    });
    if (this.#failures.size <= MAX_ADDRESSES) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      break;
    }
  }

  /** Notes a right one. */
  passed(address: string): void {
    this.#failures.delete(address);
  }
}
