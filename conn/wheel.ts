/**
 * One timer for all deadlines of a thread.
 *
 * A connection's deadline moves with every message and nearly never comes. So
 * entries hang in the slots of a wheel, moving one to a later time only notes
 * the time, and the entry is put where it belongs when its old slot comes up. A
 * single timer, which does not keep the process alive, sleeps until the next
 * slot that holds something; with nothing to wait for there is no timer.
 *
 * @module
 */

import { type Clock, systemClock } from "./clock.ts";

/** Slots in a wheel; a deadline further away goes round again. */
const SLOTS = 512;

/**
 * Something with a deadline. Extended by what has one, so that setting it
 * allocates nothing.
 */
export abstract class WheelEntry {
  /** When it is due, in milliseconds on the wheel's clock; for the wheel. */
  wheelAt = Infinity;
  /** A time-out later than this needs no earlier slot; for the wheel. */
  wheelAfter = 0;
  /** The neighbours in the slot, `undefined` outside a wheel; for the wheel. */
  wheelNext: WheelEntry | undefined = undefined;
  /** As {@linkcode WheelEntry.wheelNext}. */
  wheelPrevious: WheelEntry | undefined = undefined;

  /** Runs when the deadline has come; the entry is out of the wheel by then. */
  abstract due(now: number): void;
}

/** The fixed point of a circular list. */
class Ring extends WheelEntry {
  constructor() {
    super();
    this.wheelNext = this.wheelPrevious = this;
  }

  get isEmpty(): boolean {
    return this.wheelNext === this;
  }

  override due(): void {}
}

function link(entry: WheelEntry, ring: WheelEntry): void {
  const last = ring.wheelPrevious!;
  entry.wheelPrevious = last;
  entry.wheelNext = ring;
  last.wheelNext = entry;
  ring.wheelPrevious = entry;
}

function unlink(entry: WheelEntry): void {
  const next = entry.wheelNext!;
  const previous = entry.wheelPrevious!;
  next.wheelPrevious = previous;
  previous.wheelNext = next;
  entry.wheelNext = entry.wheelPrevious = undefined;
}

/** Options of {@linkcode TimerWheel}. */
export interface TimerWheelOptions {
  /**
   * How coarse the wheel is, in milliseconds: an entry comes up to so much too
   * late, and never too early.
   *
   * @default {100}
   */
  tick?: number;
}

/** A hashed timer wheel with lazy re-scheduling. */
export class TimerWheel {
  readonly #clock: Clock;
  readonly #tick: number;
  readonly #slots: Ring[] = Array.from({ length: SLOTS }, () => new Ring());
  /** What is being run. */
  readonly #firing = new Ring();
  #size = 0;
  /** All slots up to this one, counted from the clock's zero, are done. */
  #done: number;
  #timer: unknown;
  /** The slot that the timer wakes for. */
  #wakeAt = Infinity;
  #running = false;

  /**
   * Creates a wheel; {@linkcode wheelFor} gives the one that all share.
   *
   * @param clock Its clock.
   * @param options How coarse it is.
   */
  constructor(clock: Clock, options: TimerWheelOptions = {}) {
    this.#clock = clock;
    this.#tick = options.tick ?? 100;
    this.#done = Math.floor(clock.now() / this.#tick);
  }

  /** How many entries wait. */
  get size(): number {
    return this.#size;
  }

  /** Milliseconds on the wheel's clock. */
  now(): number {
    return this.#clock.now();
  }

  /**
   * Sets when an entry is due, whether it waits already or not.
   *
   * @param entry The entry.
   * @param at Milliseconds on the wheel's clock; `Infinity` for never.
   */
  schedule(entry: WheelEntry, at: number): void {
    if (entry.wheelNext !== undefined) {
      if (at > entry.wheelAfter && at !== Infinity) {
        entry.wheelAt = at;
        return;
      }
      this.#remove(entry);
    }
    if (at === Infinity) return this.#sleep();
    // Slots that nobody waited in need no visit.
    if (this.#size === 0 && !this.#running) {
      this.#done = Math.floor(this.#clock.now() / this.#tick);
    }
    this.#insert(entry, at);
    this.#size++;
    this.#wakeBy(entry);
  }

  /** Takes an entry out; does nothing if it does not wait. */
  cancel(entry: WheelEntry): void {
    if (entry.wheelNext === undefined) return;
    this.#remove(entry);
    this.#sleep();
  }

  #insert(entry: WheelEntry, at: number): void {
    const first = this.#done + 1;
    const wanted = Math.ceil(at / this.#tick);
    const slot = Math.max(first, Math.min(wanted, this.#done + SLOTS));
    entry.wheelAt = at;
    entry.wheelAfter = (slot - 1) * this.#tick;
    link(entry, this.#slots[slot % SLOTS]!);
  }

  #remove(entry: WheelEntry): void {
    unlink(entry);
    this.#size--;
  }

  /** Makes sure that the timer fires when the entry's slot comes up. */
  #wakeBy(entry: WheelEntry): void {
    const at = entry.wheelAfter + this.#tick;
    if (this.#running || at >= this.#wakeAt) return;
    this.#setTimer(at);
  }

  #setTimer(at: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#wakeAt = at;
    this.#timer = this.#clock.setTimeout(
      () => this.#run(),
      // A timer may fire a fraction of a millisecond early.
      Math.max(0, Math.ceil(at - this.#clock.now())),
    );
    this.#clock.unrefTimer?.(this.#timer);
  }

  /** Drops the timer if nothing waits. */
  #sleep(): void {
    if (this.#size > 0 || this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#wakeAt = Infinity;
  }

  /** Runs the slots that have come up, and sleeps until the next one. */
  #run(): void {
    this.#timer = undefined;
    this.#wakeAt = Infinity;
    this.#running = true;
    const now = this.#clock.now();
    const last = Math.floor(now / this.#tick);
    // After a long sleep of the machine, each slot once is enough.
    const first = Math.max(this.#done + 1, last - SLOTS + 1);
    // Entries that are put back go behind what is run here.
    this.#done = Math.max(this.#done, last);
    for (let slot = first; slot <= last; slot++) {
      this.#runSlot(this.#slots[slot % SLOTS]!, now);
    }
    this.#running = false;
    this.#wakeForNext();
  }

  #runSlot(ring: Ring, now: number): void {
    if (ring.isEmpty) return;
    // Aside first: what is put back may come into this very slot.
    const firing = this.#firing;
    firing.wheelNext = ring.wheelNext!;
    firing.wheelPrevious = ring.wheelPrevious!;
    firing.wheelNext.wheelPrevious = firing.wheelPrevious.wheelNext = firing;
    ring.wheelNext = ring.wheelPrevious = ring;
    while (!firing.isEmpty) {
      const entry = firing.wheelNext!;
      unlink(entry);
      if (entry.wheelAt > now) {
        this.#insert(entry, entry.wheelAt);
        continue;
      }
      this.#size--;
      try {
        entry.due(now);
      } catch (error) {
        // One entry's failure must not stop the others'.
        console.error(error);
      }
    }
  }

  #wakeForNext(): void {
    if (this.#size === 0) return;
    for (let slot = this.#done + 1; slot <= this.#done + SLOTS; slot++) {
      if (this.#slots[slot % SLOTS]!.isEmpty) continue;
      return this.#setTimer(slot * this.#tick);
    }
  }
}

const wheels = new WeakMap<Clock, TimerWheel>();

/**
 * Gives the wheel that everything on a clock shares.
 *
 * @param clock The clock.
 * @returns The same wheel for the same clock.
 */
export function wheelFor(clock: Clock = systemClock): TimerWheel {
  let wheel = wheels.get(clock);
  if (wheel === undefined) wheels.set(clock, wheel = new TimerWheel(clock));
  return wheel;
}
