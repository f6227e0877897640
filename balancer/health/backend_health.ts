/**
 * Whether a backend gets requests: what its active checks, its circuit and its
 * slow start come to. The state is that of the first line that fits:
 *
 * | checks | circuit | slow start | state | available |
 * | --- | --- | --- | --- | --- |
 * | down | any | any | `down` | no |
 * | up | `open` | any | `ejected` | no |
 * | up | `half_open` | any | `trial` | until the trial is given out |
 * | up | `closed` | running | `starting` | yes |
 * | up | `closed` | over | `up` | yes |
 *
 * `_check_tally.ts` and `_circuit.ts` have the tables of what changes the first
 * two. Slow start begins when the checks are up again, and when the circuit has
 * closed again; a backend that is new has none.
 *
 * Checks that passed all along do not end an ejection: they do not see what the
 * requests ran into. Those that failed and pass again say something new, so the
 * wait is cut short; but a request has the last word.
 *
 * @module
 */

import type { UpstreamSettings } from "../config/settings.ts";
import type { BackendSnapshot, BackendState } from "../telemetry/snapshot.ts";
import { CheckTally, type CheckThresholds } from "./_check_tally.ts";
import { Circuit } from "./_circuit.ts";

/** The share that slow start begins with: with nothing it would learn nothing. */
const FIRST_SHARE = 0.1;

/** What {@linkcode BackendHealth} goes by; {@linkcode UpstreamSettings} has it all. */
export interface BackendHealthSettings {
  /** The thresholds of active checks, if there are any. */
  readonly health: CheckThresholds | undefined;
  /** When requests that fail eject, and for how long. */
  readonly ejection: UpstreamSettings["ejection"];
  /** How long slow start takes, in milliseconds. */
  readonly slowStart: number;
}

/**
 * Keeps the state of one backend. It is told what happens, and has no clock:
 * times are in milliseconds on any clock that never goes back.
 *
 * A request begins with {@linkcode BackendHealth.begin} and ends with one of
 * `succeeded`, `failed` and `dropped`, which get the ticket that it began with.
 * So a request that began before an ejection, and ends long after it, is not
 * taken for the trial.
 *
 * Methods that return a boolean return `true` if
 * {@linkcode BackendHealth.isAvailable} may have changed.
 */
export class BackendHealth {
  #slowStart: number;
  readonly #checks: CheckTally;
  readonly #circuit: Circuit;

  /**
   * Creates the state of a backend that is up.
   *
   * @param settings Thresholds and times.
   */
  constructor(settings: BackendHealthSettings) {
    this.#slowStart = settings.slowStart;
    this.#checks = new CheckTally(settings.health);
    this.#circuit = new Circuit(settings.ejection);
  }

  /** Goes by other settings; what is known stays. */
  configure(settings: BackendHealthSettings): void {
    this.#slowStart = settings.slowStart;
    this.#checks.configure(settings.health);
    this.#circuit.configure(settings.ejection);
  }

  /** The circuit: what requests say. */
  get circuit(): BackendSnapshot["circuit"] {
    return this.#circuit.state;
  }

  /** What the last active check said, if there was one. */
  get check(): BackendSnapshot["check"] {
    return this.#checks.last;
  }

  /** How often it was ejected. */
  get ejections(): number {
    return this.#circuit.ejections;
  }

  /** Whether it may be given a request. */
  get isAvailable(): boolean {
    return !this.#checks.down && this.#circuit.state !== "open" &&
      !this.#circuit.onTrial;
  }

  /** The state, but for draining, which is not a matter of health. */
  state(now: number): Exclude<BackendState, "draining"> {
    if (this.#checks.down) return "down";
    switch (this.#circuit.state) {
      case "open":
        return "ejected";
      case "half_open":
        return "trial";
      case "closed":
        return this.#age(now) < this.#slowStart ? "starting" : "up";
    }
  }

  /** Why it is in that state, for people; empty if it is simply up. */
  explain(now: number): string {
    const { openUntil, reason } = this.#circuit;
    switch (this.state(now)) {
      case "down":
        return `its checks fail: ${this.#checks.last?.reason}`;
      case "ejected": {
        const left = Math.max(0, Math.ceil(openUntil - now));
        return `ejected for ${left} ms more: ${reason}`;
      }
      case "trial":
        return `one request finds out whether it works again: ${reason}`;
      case "starting":
        return `slow start: ${
          Math.round(100 * this.share(now))
        } % of its weight`;
      case "up":
        return "";
    }
  }

  /** How much of its weight it has: from 0.1 to 1 in slow start, otherwise 1. */
  share(now: number): number {
    if (this.state(now) !== "starting") return 1;
    return Math.max(FIRST_SHARE, this.#age(now) / this.#slowStart);
  }

  /** How long it has worked since it came back. */
  #age(now: number): number {
    return now - this.#circuit.backAt;
  }

  /**
   * An active check passed.
   *
   * @param now The time.
   * @param reason What the check saw, for people.
   */
  checkPassed(now: number, reason = ""): boolean {
    const wasDown = this.#checks.down;
    if (!this.#checks.passed(reason)) return false;
    if (this.#circuit.state === "open") {
      this.#circuit.halfOpen();
      return true;
    }
    if (wasDown && this.#circuit.state === "closed") this.#circuit.renew(now);
    return wasDown;
  }

  /**
   * An active check failed.
   *
   * @param _now The time.
   * @param reason Why, for people.
   */
  checkFailed(_now: number, reason: string): boolean {
    return this.#checks.failed(reason);
  }

  /**
   * A request is given to the backend. If it is the trial, the backend is not
   * available from here on until that is over.
   *
   * @returns The ticket to end the request with.
   */
  begin(): number {
    return this.#circuit.begin();
  }

  /**
   * A request got its response.
   *
   * @param now The time.
   * @param latency Its time to the first byte, in milliseconds; `undefined` if it
   * came before the request was complete.
   * @param ticket What {@linkcode BackendHealth.begin} returned.
   */
  succeeded(
    now: number,
    latency: number | undefined,
    ticket: number,
  ): boolean {
    return this.#circuit.succeeded(now, latency, ticket);
  }

  /**
   * A request failed, and that was the backend's fault.
   *
   * @param now The time.
   * @param code What happened: `"connect_refused"`.
   * @param ticket What {@linkcode BackendHealth.begin} returned.
   */
  failed(now: number, code: string, ticket: number): boolean {
    return this.#circuit.failed(now, code, ticket);
  }

  /**
   * A request ended in a way that says nothing about the backend: the client
   * left, another backend was faster, there was no connection to spare.
   *
   * @param ticket What {@linkcode BackendHealth.begin} returned.
   */
  dropped(ticket: number): boolean {
    return this.#circuit.dropped(ticket);
  }

  /** When {@linkcode BackendHealth.tick} is due: at the end of an ejection. */
  deadline(): number {
    return this.#circuit.openUntil;
  }

  /** Ends an ejection whose time is over. */
  tick(now: number): boolean {
    if (now < this.#circuit.openUntil) return false;
    this.#circuit.halfOpen();
    return true;
  }
}
