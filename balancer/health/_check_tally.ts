/**
 * What active checks in a row come to.
 *
 * | from | when | to |
 * | --- | --- | --- |
 * | up, at first | the very first check fails | down |
 * | up | `unhealthyAfter` checks in a row failed | down |
 * | down | `healthyAfter` checks in a row passed | up |
 *
 * @module
 */

import type { HealthCheckSettings } from "../config/settings.ts";
import type { BackendSnapshot } from "../telemetry/snapshot.ts";

/** How many checks in a row it takes. */
export type CheckThresholds = Pick<
  HealthCheckSettings,
  "healthyAfter" | "unhealthyAfter"
>;

/** Counts the active checks of a backend. */
export class CheckTally {
  #thresholds: CheckThresholds | undefined;
  /** In a row; before any has failed, as many as can be needed. */
  #passed = Infinity;
  /** In a row. */
  #failed = 0;
  /** What the last one said, if there was one. */
  last: BackendSnapshot["check"] = null;
  /** Whether they say that the backend does not work. */
  down = false;

  constructor(thresholds: CheckThresholds | undefined) {
    this.#thresholds = thresholds;
  }

  /** Goes by other thresholds; without any, nothing is known any more. */
  configure(thresholds: CheckThresholds | undefined): void {
    this.#thresholds = thresholds;
    if (thresholds !== undefined) return;
    this.#passed = Infinity;
    this.#failed = 0;
    this.last = null;
    this.down = false;
  }

  /**
   * Takes a check that passed.
   *
   * @returns Whether, after some that failed, now enough have passed.
   */
  passed(reason: string): boolean {
    this.last = { passed: true, reason };
    this.#failed = 0;
    const needed = this.#thresholds?.healthyAfter ?? 1;
    if (this.#passed >= needed || ++this.#passed < needed) return false;
    this.down = false;
    return true;
  }

  /**
   * Takes a check that failed.
   *
   * @returns Whether the backend has gone down by it.
   */
  failed(reason: string): boolean {
    // Nothing is known yet in favour of a backend whose first check fails.
    const needed = this.last === null
      ? 1
      : this.#thresholds?.unhealthyAfter ?? 1;
    this.last = { passed: false, reason };
    this.#passed = 0;
    if (this.down || ++this.#failed < needed) return false;
    this.down = true;
    return true;
  }
}
