/**
 * Pings, the latency that they measure, and peers that are gone.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { WsSettings } from "./limits.ts";

/** A ping that has no answer yet. */
interface Waiting {
  readonly payload: Uint8Array;
  readonly sentAt: number;
  readonly onPong: ((latency: number) => void) | undefined;
}

/** The most pings that are remembered. */
const MAX_WAITING = 256;

/** What is to be done when a heartbeat's time has come. */
export type Beat = "ping" | { dead: ConnError } | undefined;

/** When to ping, and when to give up. */
export class Heartbeat {
  /** Milliseconds from the last ping that was answered to its pong. */
  latency: number | undefined;
  readonly #settings: WsSettings;
  #waiting: Waiting[] | undefined;
  #count = 0;
  #pingAt = Infinity;
  /** Something must have come by then. */
  #pongAt = Infinity;
  #pingedAt = 0;
  #receivedAt = 0;

  constructor(settings: WsSettings) {
    this.#settings = settings;
  }

  /** The connection begins. */
  start(now: number): void {
    this.#pingAt = now + this.#settings.pingInterval;
  }

  /** When {@linkcode Heartbeat.beat} is due. */
  get deadline(): number {
    return Math.min(this.#pingAt, this.#pongAt);
  }

  /** The peer has sent something. */
  received(now: number): void {
    this.#receivedAt = now;
  }

  /** Four bytes that tell the pings of a connection apart. */
  payload(): Uint8Array {
    const count = ++this.#count;
    return new Uint8Array([count >>> 24, count >>> 16, count >>> 8, count]);
  }

  /** A ping was sent. */
  pinged(
    payload: Uint8Array,
    onPong: ((latency: number) => void) | undefined,
    now: number,
  ): void {
    this.#waiting ??= [];
    if (this.#waiting.length >= MAX_WAITING) this.#forgetOne();
    this.#waiting.push({ payload, sentAt: now, onPong });
  }

  /** Forgets the oldest ping that nobody waits for. */
  #forgetOne(): void {
    const index = this.#waiting!.findIndex(({ onPong }) => !onPong);
    if (index >= 0) this.#waiting!.splice(index, 1);
  }

  /**
   * A pong came. It answers the newest ping that has its payload, and with it
   * those before, RFC 6455 §5.5.3.
   *
   * @returns The latency, if there is such a ping.
   */
  ponged(payload: Uint8Array, now: number): number | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) return undefined;
    const index = waiting.findLastIndex((ping) => equal(ping.payload, payload));
    if (index < 0) return undefined;
    const answered = waiting.splice(0, index + 1);
    for (const { sentAt, onPong } of answered) onPong?.(now - sentAt);
    return this.latency = now - answered.at(-1)!.sentAt;
  }

  /**
   * Does what is due.
   *
   * @param now The time.
   * @param paused Nothing is read at present, so nothing can be missed.
   */
  beat(now: number, paused: boolean): Beat {
    const { pingInterval, pongTimeout } = this.#settings;
    if (now >= this.#pongAt) {
      if (paused) {
        this.#pongAt = now + pongTimeout;
      } else if (this.#receivedAt >= this.#pingedAt) {
        this.#pongAt = Infinity;
      } else {
        return { dead: gone(pongTimeout) };
      }
    }
    if (now < this.#pingAt) return undefined;
    this.#pingAt = now + pingInterval;
    // The one before is answered: this one begins another wait.
    if (this.#pongAt === Infinity || this.#receivedAt >= this.#pingedAt) {
      this.#pongAt = now + pongTimeout;
      this.#pingedAt = now;
    }
    return "ping";
  }

  /** A pause is over: the peer may have sent what could not be read. */
  resumed(now: number): void {
    if (this.#pongAt !== Infinity) {
      this.#pongAt = now + this.#settings.pongTimeout;
    }
  }

  /** Nobody waits for a pong any more. */
  stop(): void {
    this.#pingAt = this.#pongAt = Infinity;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function gone(timeout: number): ConnError {
  return new ConnError(
    `Connection is dead: the peer sent nothing for ${timeout} ms after a ping`,
    { code: "pong_timeout", side: "remote" },
  );
}
