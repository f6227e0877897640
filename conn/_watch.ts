/**
 * Everything about a connection that can be late.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";
import { ConnError } from "./error.ts";
import type { AttachOptions } from "./loop.ts";
import type { Output } from "./_output.ts";
import { type TimerWheel, WheelEntry, wheelFor } from "./wheel.ts";

/** The connection, as far as its {@linkcode Watch} looks at it. */
export interface Watched {
  /** Nothing is expected of the peer any more once this is not `"open"`. */
  readonly state: "open" | "closing" | "closed";
  /** Whether the handler has paused input. */
  readonly paused: boolean;
  /** The sending half. */
  readonly output: Output;
  /** When the machine wants to be called, `Infinity` for never. */
  machineDeadline(): number;
  /** How long the machine waits for the peer's end, if it has a say. */
  readonly machineCloseTimeout: number | undefined;
  /** Calls the machine. */
  tick(): void;
  /** Closes with the protocol's last words. */
  fail(error: ConnError): void;
  /** Closes at once. */
  finish(error?: ConnError): void;
}

/**
 * One entry in the timer wheel for all time-outs of a connection: the machine's,
 * an idle peer's, a stalled write's, and that of an orderly close.
 */
export class Watch extends WheelEntry {
  readonly #conn: Watched;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #idleTimeout: number;
  readonly #sendTimeout: number;
  readonly #closeTimeout: number;
  #lastInput = 0;
  #closeAt = Infinity;
  #stallCheckAt = Infinity;
  #stallBytes = -1;

  constructor(conn: Watched, options: AttachOptions) {
    super();
    this.#conn = conn;
    this.#clock = options.clock ?? systemClock;
    this.#wheel = wheelFor(this.#clock);
    this.#idleTimeout = options.idleTimeout ?? Infinity;
    this.#sendTimeout = options.sendTimeout ?? 30_000;
    this.#closeTimeout = options.closeTimeout ?? 5_000;
  }

  /** Milliseconds on the connection's clock. */
  get now(): number {
    return this.#clock.now();
  }

  /** The connection begins. */
  start(): void {
    this.#lastInput = this.now;
    this.#stallCheckAt = this.#lastInput + this.#sendTimeout;
  }

  /** The peer has sent something, or a pause is over. */
  input(): void {
    if (this.#idleTimeout !== Infinity) this.#lastInput = this.now;
  }

  /** All is sent: from here on the peer has a bounded time to do the same. */
  awaitPeersEnd(): void {
    const timeout = this.#conn.machineCloseTimeout ?? this.#closeTimeout;
    this.#closeAt = this.now + timeout;
  }

  /** Sets the wheel to whatever is due first. */
  arm(): void {
    const { state } = this.#conn;
    if (state === "closed") return;
    let at = Math.min(this.#closeAt, this.#stallCheckAt);
    if (state === "open") {
      at = Math.min(
        at,
        this.#conn.machineDeadline(),
        this.#lastInput + this.#idleTimeout,
      );
    }
    this.#wheel.schedule(this, at);
  }

  /** Nothing is late any more. */
  stop(): void {
    this.#wheel.cancel(this);
  }

  override due(now: number): void {
    if (now >= this.#closeAt) return this.#conn.finish();
    if (now >= this.#stallCheckAt && this.#stalled(now)) return;
    if (this.#conn.state === "open") {
      if (now >= this.#conn.machineDeadline()) this.#conn.tick();
      if (now >= this.#lastInput + this.#idleTimeout) this.#idle(now);
    }
    this.arm();
  }

  /** Cuts the connection if nothing was taken of a write since the last check. */
  #stalled(now: number): boolean {
    const { writing, sent } = this.#conn.output;
    const same = writing && this.#stallBytes === sent;
    this.#stallBytes = writing ? sent : -1;
    this.#stallCheckAt = now + this.#sendTimeout;
    if (!same) return false;
    this.#conn.finish(
      new ConnError(
        `Cannot send: the peer took nothing for ${this.#sendTimeout} ms`,
        { code: "send_timeout", side: "remote" },
      ),
    );
    return true;
  }

  #idle(now: number): void {
    if (this.#conn.paused) {
      this.#lastInput = now;
      return;
    }
    this.#conn.fail(
      new ConnError(`Connection was idle for ${this.#idleTimeout} ms`, {
        code: "idle_timeout",
        side: "remote",
        reply: 408,
      }),
    );
  }
}
