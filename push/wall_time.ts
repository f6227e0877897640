/**
 * The time of day, for what is kept longer than a program runs.
 *
 * @module
 */

import type { Clock } from "../conn/clock.ts";

/**
 * The time of day in milliseconds since the epoch: the system's, or, for a test,
 * one that begins at the system's and goes on with a clock.
 */
export function wallTime(clock?: Clock): () => number {
  if (clock === undefined) return Date.now;
  const start = Date.now() - clock.now();
  return () => start + clock.now();
}
