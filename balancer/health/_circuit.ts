/**
 * What the outcomes of requests come to: the circuit breaker of one backend.
 *
 * | from | when | to |
 * | --- | --- | --- |
 * | `closed` | `failures` requests in a row failed | `open` |
 * | `closed` | the mean latency is over `maxLatency` | `open` |
 * | `open` | the time is over, or checks that had failed pass again | `half_open` |
 * | `half_open` | the trial succeeded within `maxLatency` | `closed` |
 * | `half_open` | the trial failed, or was slower | `open` |
 * | `half_open` | the trial was dropped | `half_open`, for another trial |
 *
 * It is open for `baseTime`, or for twice as long as the last time, up to
 * `maxTime`, if it opens again in a row: after a failed trial, or before the
 * backend has worked for as long as the circuit had been open.
 *
 * @module
 */

import type { UpstreamSettings } from "../config/settings.ts";
import type { BackendSnapshot } from "../telemetry/snapshot.ts";

/** The mean latency is that of about so many requests, and is not judged before. */
const MEAN_OVER = 20;

/** The ticket of a request whose outcome does not count. */
const UNCOUNTED = 0;

/** A circuit breaker. Its methods return whether the state changed. */
export class Circuit {
  #settings: UpstreamSettings["ejection"];
  /** Counts the lives of the backend: the ticket of what begins now. */
  #period = UNCOUNTED + 1;
  /** Failed requests in a row. */
  #failures = 0;
  #samples = 0;
  #mean = 0;
  #openFor = 0;
  state: BackendSnapshot["circuit"] = "closed";
  /** Whether the trial is under way. */
  onTrial = false;
  /** How often it opened. */
  ejections = 0;
  /** When being open ends; `Infinity` if it is not open. */
  openUntil = Infinity;
  /** Why it opened the last time, for people. */
  reason = "";
  /** Since when the backend has worked again. */
  backAt = -Infinity;

  constructor(settings: UpstreamSettings["ejection"]) {
    this.#settings = settings;
  }

  /** Goes by other settings; without any it is closed. */
  configure(settings: UpstreamSettings["ejection"]): void {
    this.#settings = settings;
    if (settings !== false || this.state === "closed") return;
    this.state = "closed";
    this.openUntil = Infinity;
    this.#forget();
  }

  /** Gives the ticket of a request; the first one while half open is the trial. */
  begin(): number {
    if (this.state === "closed") return this.#period;
    // Where no backend is available all are tried, so this one may get some, too.
    if (this.state === "open" || this.onTrial) return UNCOUNTED;
    this.onTrial = true;
    return this.#period;
  }

  succeeded(
    now: number,
    latency: number | undefined,
    ticket: number,
  ): boolean {
    if (ticket !== this.#period || this.#settings === false) return false;
    const { maxLatency } = this.#settings;
    if (this.state === "half_open") {
      if (latency !== undefined && latency > maxLatency) {
        return this.#open(now, `the trial took ${Math.round(latency)} ms`);
      }
      this.state = "closed";
      this.renew(now);
      return true;
    }
    this.#failures = 0;
    if (maxLatency === Infinity || latency === undefined) return false;
    this.#observe(latency);
    if (this.#samples < MEAN_OVER || this.#mean <= maxLatency) return false;
    return this.#open(now, `mean latency of ${Math.round(this.#mean)} ms`);
  }

  failed(now: number, code: string, ticket: number): boolean {
    if (ticket !== this.#period || this.#settings === false) return false;
    if (this.state === "half_open") {
      return this.#open(now, `the trial failed with "${code}"`);
    }
    const count = ++this.#failures;
    if (count < this.#settings.failures) return false;
    const failures = count === 1 ? "1 failure" : `${count} failures in a row`;
    return this.#open(now, `${failures}, the last "${code}"`);
  }

  /** A request says nothing about the backend; if it was the trial, there is another. */
  dropped(ticket: number): boolean {
    if (ticket !== this.#period || !this.onTrial) return false;
    this.onTrial = false;
    return true;
  }

  /** Ends being open, ahead of its time or at its end. */
  halfOpen(): void {
    this.state = "half_open";
    this.openUntil = Infinity;
  }

  /** Begins a new life: what is under way in the old one does not count. */
  renew(now: number): void {
    this.backAt = now;
    this.#forget();
  }

  /** A mean that weighs all alike at first, and forgets what is old later. */
  #observe(latency: number): void {
    if (this.#samples < MEAN_OVER) this.#samples++;
    this.#mean += (latency - this.#mean) / this.#samples;
  }

  #open(now: number, reason: string): true {
    const { baseTime, maxTime } = this.#settings || { baseTime: 0, maxTime: 0 };
    const inRow = this.state === "half_open" ||
      now - this.backAt < this.#openFor;
    this.#openFor = Math.min(maxTime, inRow ? 2 * this.#openFor : baseTime);
    this.openUntil = now + this.#openFor;
    this.reason = reason;
    this.ejections++;
    this.state = "open";
    this.#forget();
    return true;
  }

  #forget(): void {
    this.onTrial = false;
    this.#failures = 0;
    this.#samples = 0;
    this.#mean = 0;
    this.#period++;
  }
}
