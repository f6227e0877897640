/**
 * Ending many WebSocket connections, but not all at once: their clients come back
 * together otherwise.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import type { WebSocketTunnel } from "./tunnel.ts";

/** The clock may be so late, in milliseconds, and what is due is made up for. */
const CATCH_UP = 100;

/** Options of {@linkcode Drainer}. */
export interface DrainerOptions {
  /** Tunnels a second; `Infinity` for all at once. */
  readonly rate: number;
  /** The clock. */
  readonly clock: Clock;
}

/** Tells tunnels to go away (1001), evenly paced; all drains share the pace. */
export class Drainer {
  readonly #clock: Clock;
  /** Milliseconds between two of them. */
  #interval: number;
  /** Those whose turn is to come, in order. */
  readonly #waiting = new Set<WebSocketTunnel>();
  /** When the next one may be told. */
  #nextAt = -Infinity;
  #isRunning = false;
  #timer: unknown;

  /**
   * Creates a drainer.
   *
   * @param options The pace, and the clock that it is kept by.
   */
  constructor({ rate, clock }: DrainerOptions) {
    this.#clock = clock;
    this.#interval = 1000 / rate;
  }

  /** Changes the pace, in tunnels a second. */
  setRate(rate: number): void {
    this.#interval = 1000 / rate;
    if (!this.#isRunning) return;
    this.#clock.clearTimeout(this.#timer);
    this.#nextAt = Math.min(this.#nextAt, this.#clock.now() + this.#interval);
    this.#run();
  }

  /** Spares tunnels whose turn has not come. */
  keep(tunnels: Iterable<WebSocketTunnel>): void {
    for (const tunnel of tunnels) this.#waiting.delete(tunnel);
  }

  /**
   * Tells tunnels to go away when it is their turn, behind those of earlier calls.
   * One that closes before that costs no turn.
   *
   * @param tunnels The tunnels.
   * @returns Resolves when all of them have closed.
   */
  async drain(tunnels: Iterable<WebSocketTunnel>): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const tunnel of tunnels) {
      this.#waiting.add(tunnel);
      closing.push(
        tunnel.closed.then(() => void this.#waiting.delete(tunnel)),
      );
    }
    if (!this.#isRunning) this.#run();
    await Promise.all(closing);
  }

  readonly #run = (): void => {
    const now = this.#clock.now();
    this.#nextAt = Math.max(
      this.#nextAt,
      this.#isRunning ? now - CATCH_UP : now,
    );
    for (const tunnel of this.#waiting) {
      if (this.#nextAt > now) break;
      this.#waiting.delete(tunnel);
      this.#nextAt += this.#interval;
      tunnel.goAway();
    }
    this.#isRunning = this.#waiting.size > 0;
    if (!this.#isRunning) return;
    this.#timer = this.#clock.setTimeout(this.#run, this.#nextAt - now);
  };
}
