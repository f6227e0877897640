/**
 * How many requests a second.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";

/** Longer keys are remembered by their SHA-256, so that none takes much room. */
const MAX_KEY = 64;

/** A generation lasts so many milliseconds at least: a new one costs something. */
const MIN_SPAN = 1000;

/** Options of {@linkcode RateLimiter}. */
export interface RateLimiterOptions {
  /**
   * How many buckets are remembered, at most.
   *
   * @default {100000}
   */
  maxKeys?: number;
}

/**
 * A token bucket for each key.
 *
 * A bucket is one number: when it will be full again. Those that are full are as
 * good as none, so they are forgotten: buckets live in two generations, and a
 * generation without use for as long as a bucket takes to fill goes as a whole.
 * Where there are too many, the older generation goes early.
 */
export class RateLimiter {
  /** Milliseconds for a token. */
  readonly #interval: number;
  /** How long a generation lasts: no less than an empty bucket takes to fill. */
  readonly #span: number;
  /** How far off being full a bucket that holds a token can be. */
  readonly #reach: number;
  readonly #maxKeys: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #turn = -Infinity;

  /**
   * Creates a limiter; all buckets are full.
   *
   * @param settings Tokens a second, above 0, and how many a bucket holds, at
   * least 1.
   * @param options How much it remembers.
   */
  constructor(
    settings: { readonly rate: number; readonly burst: number },
    options: RateLimiterOptions = {},
  ) {
    this.#interval = 1000 / settings.rate;
    const fillTime = settings.burst * this.#interval;
    this.#span = Math.max(fillTime, MIN_SPAN);
    // A thousandth of a token makes up for sums that are not exact.
    this.#reach = fillTime - this.#interval * 0.999;
    this.#maxKeys = options.maxKeys ?? 100_000;
  }

  /**
   * Takes a token.
   *
   * @param key Whose; of any length.
   * @param now Milliseconds on any clock that does not go back.
   * @returns 0 if there was one; otherwise nothing is taken, and it is the
   * milliseconds until there is one.
   */
  take(key: string, now: number): number {
    if (now >= this.#turn || this.#young.size >= this.#maxKeys / 2) {
      this.#age(now);
    }
    if (key.length > MAX_KEY) key = hash("sha256", key, "base64");
    const known = this.#young.get(key);
    const full = Math.max(known ?? this.#old.get(key) ?? now, now);
    if (known === undefined) key = copy(key);
    const wait = full - now - this.#reach;
    // Who keeps asking is not forgotten for being refused.
    if (wait <= 0) this.#young.set(key, full + this.#interval);
    else if (known === undefined) this.#young.set(key, full);
    return Math.max(wait, 0);
  }

  /**
   * What was young gets old. If its time was over, all buckets that are dropped
   * are full: they were last used before it.
   */
  #age(now: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#turn = now + this.#span;
  }
}

/** A part of a received head would keep all of the head in memory. */
function copy(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}
