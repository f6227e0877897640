/**
 * Snapshots as server-sent events, made once for all who listen.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import { encodeEvent } from "../../http/events/sse.ts";
import type { BalancerSnapshot } from "../telemetry/snapshot.ts";

/** The time between two snapshots, in milliseconds. */
const INTERVAL = 1_000;
/** Snapshots that may wait for a slow listener; it misses those beyond. */
const MAX_WAITING = 2;

type Listener = ReadableStreamDefaultController<Uint8Array>;

const encoder = new TextEncoder();

/** Asks for a snapshot each second while somebody listens. */
export class SnapshotFeed {
  readonly #snapshot: () => BalancerSnapshot | Promise<BalancerSnapshot>;
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  /** The last event, for who comes next. */
  #last: Uint8Array | undefined;
  #timer: unknown;
  #running = false;
  #closed = false;

  constructor(
    snapshot: () => BalancerSnapshot | Promise<BalancerSnapshot>,
    clock: Clock,
  ) {
    this.#snapshot = snapshot;
    this.#clock = clock;
  }

  /** A stream of events for one more listener; it leaves by cancelling it. */
  open(): ReadableStream<Uint8Array> {
    let listener: Listener;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        listener = controller;
        this.#join(listener);
      },
      cancel: () => this.#leave(listener),
    }, { highWaterMark: MAX_WAITING });
  }

  /** Ends all streams, and those that are opened later at once. */
  close(): void {
    this.#closed = true;
    for (const listener of this.#listeners) listener.close();
    this.#listeners.clear();
    this.#rest();
  }

  #join(listener: Listener): void {
    if (this.#closed) return listener.close();
    this.#listeners.add(listener);
    if (this.#last !== undefined) listener.enqueue(this.#last);
    if (this.#running) return;
    this.#running = true;
    this.#tick();
  }

  #leave(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size === 0) this.#rest();
  }

  /** Stops the clock, if it is that which is waited for. */
  #rest(): void {
    this.#last = undefined;
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running = false;
  }

  async #tick(): Promise<void> {
    this.#timer = undefined;
    try {
      const data = JSON.stringify(await this.#snapshot());
      this.#send(encoder.encode(encodeEvent({ event: "snapshot", data })));
    } catch (error) {
      // Each answer breaks, so the server hears of it and the page comes back.
      for (const listener of this.#listeners) listener.error(error);
      this.#listeners.clear();
    }
    if (this.#listeners.size === 0) {
      this.#last = undefined;
      this.#running = false;
      return;
    }
    this.#timer = this.#clock.setTimeout(() => this.#tick(), INTERVAL);
  }

  #send(event: Uint8Array): void {
    this.#last = event;
    for (const listener of this.#listeners) {
      if ((listener.desiredSize ?? 0) > 0) listener.enqueue(event);
    }
  }
}
