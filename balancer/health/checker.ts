/**
 * Active health checks of one backend.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import { connect } from "../../conn/connect.ts";
import type { BackendTlsConfig } from "../config/config.ts";
import type { Endpoint, HealthCheckSettings } from "../config/settings.ts";
import { probe, type ProbeTarget } from "./_probe.ts";
import { type CheckResult, failed } from "./_verdict.ts";

/** Options of {@linkcode HealthChecker}. */
export interface HealthCheckerOptions {
  /** What is checked. A name is looked up for each check. */
  readonly endpoint: Endpoint;
  /** What is asked for, what passes, and how often. */
  readonly settings: HealthCheckSettings;
  /** How TLS is spoken with an endpoint that wants it. */
  readonly tls: Readonly<BackendTlsConfig>;
  /** The clock of the interval and the time-out. */
  readonly clock: Clock;
  /** Gives numbers from 0 to 1, so that checks of several do not fall together. */
  readonly random: () => number;
  /**
   * Gets the result of each check.
   *
   * @param passed Whether it passed.
   * @param reason What the check saw, for people: `"status 503, expected 200"`.
   */
  readonly onResult: (passed: boolean, reason: string) => void;
  /**
   * Opens a connection: to another address of the endpoint's name, or in memory.
   *
   * @default {connect}
   */
  readonly connect?: typeof connect;
}

/**
 * Checks a backend: at once, and then again and again until it is closed. Each
 * check is a connection of its own, and there is one at a time: one that takes
 * longer than the interval puts the next one off. With a path the check is an
 * HTTP/1.1 GET; without one it is enough to connect, and to shake hands if it is
 * TLS. Nothing of it keeps the process alive for longer than a check's time-out.
 */
export class HealthChecker {
  readonly #options: HealthCheckerOptions;
  readonly #target: ProbeTarget;
  #timer: unknown;
  /** Ends the check that is under way. */
  #controller = new AbortController();
  #closed = false;

  /**
   * Starts to check.
   *
   * @param options What is checked, and how.
   */
  constructor(options: HealthCheckerOptions) {
    this.#options = options;
    this.#target = { connect, ...options };
    this.#check();
  }

  async #check(): Promise<void> {
    const { clock, settings, random } = this.#options;
    const started = clock.now();
    const { passed, reason } = await this.#bounded(settings.timeout);
    if (this.#closed) return;
    const period = settings.interval * (0.9 + 0.2 * random());
    const delay = Math.max(0, started + period - clock.now());
    this.#setTimer(() => this.#check(), delay);
    this.#options.onResult(passed, reason);
  }

  /** Runs a check within its time. */
  async #bounded(timeout: number): Promise<CheckResult> {
    const controller = this.#controller = new AbortController();
    let late = false;
    this.#setTimer(() => {
      late = true;
      controller.abort();
    }, timeout);
    const result = await probe(this.#target, controller.signal);
    this.#clearTimer();
    // The rest of the response is of no interest.
    controller.abort();
    return late ? failed(`no answer within ${timeout} ms`) : result;
  }

  #setTimer(callback: () => void, delay: number): void {
    const { clock } = this.#options;
    this.#timer = clock.setTimeout(callback, delay);
    clock.unrefTimer?.(this.#timer);
  }

  #clearTimer(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  /** Ends it, and the check that is under way without a result. */
  close(): void {
    this.#closed = true;
    this.#clearTimer();
    this.#controller.abort();
  }
}
