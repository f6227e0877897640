/**
 * A publisher, and subscribers in great number who look at the number of each
 * message that they get.
 *
 * @module
 */

import { clientFrame } from "../ws/_frames.ts";
import { Poll, receiveSome, sendAll, sendSome } from "../ws/_libc.ts";
import { Histogram } from "./_histogram.ts";
import { NumberReader, Outbox } from "./_messages.ts";
import { closeWebSockets, openWebSocket } from "../ws/_websockets.ts";

/** Who subscribes, and where. */
export interface Seats {
  /** The hubs' ports; subscribers take turns. The publisher goes to the first. */
  ports: readonly number[];
  /** How many subscribers. */
  count: number;
  /** Where they subscribe. */
  path: string;
  /** More fields of their requests, each with its line end. */
  fields?: string;
  /**
   * So many subscribers, the first ones, do not read after the first message,
   * until {@linkcode Audience.resume}.
   */
  stalled?: number;
  /** What each sends when it is connected. */
  command?: string;
  /** How many bytes follow the number in what they get. */
  tail?: number;
}

/** What came of a run. */
export interface Outcome {
  /** How many messages all subscribers together got. */
  deliveries: number;
  /** How long it took, in milliseconds. */
  milliseconds: number;
}

const PUBLISHER_PATH = "/publisher";
const TEXT = 1;
/** How long the system may say nothing before the time is looked at. */
const WAIT = 10;
/** How long to sleep where nothing is to do, in milliseconds. */
const NAP = 0.05;
/** Nobody changes it. */
const NEVER = new Int32Array(new SharedArrayBuffer(4));
/** How long nothing may come while something is missing, in milliseconds. */
const PATIENCE = 10_000;
/** How long nothing comes before a first message is published again. */
const SETTLE = 1_000;
const SETTLE_ATTEMPTS = 20;

/** Room for what came before: the beginning of a frame, at most this long. */
const ROOM = 1024;
const CHUNK = 256 * 1024;
const buffer = new Uint8Array(ROOM + CHUNK);
const chunk = buffer.subarray(ROOM);

/** Messages that are under way at a time, at most. */
const RING = 1 << 16;

/** A publisher and its subscribers. */
export class Audience implements Disposable {
  readonly #publisher: number;
  readonly #fds: number[] = [];
  readonly #poll = new Poll();
  readonly #outbox = new Outbox();
  readonly #reader: NumberReader;
  /** For each subscriber, the beginning of a frame. */
  readonly #rests: (Uint8Array | undefined)[] = [];
  /** For each subscriber, the number that it got last. */
  readonly #last: Int32Array;
  /** For each message under way, how many got it. */
  readonly #got = new Int32Array(RING);
  /** For each message under way, when it was due; 0 if at any time. */
  readonly #due = new Float64Array(RING);
  readonly #times = new Histogram();
  /** Messages from here on must come to all, and in order; none before. */
  #strictFrom = Infinity;
  /** Whether some may be left out. */
  #latest = false;
  /** So many subscribers do not read now. */
  #stalled = 0;
  #deliveries = 0;
  /** The number of the last message. */
  #sent: number;
  /** All have got the messages up to this one. */
  #complete: number;

  /**
   * Opens all connections, one after the other.
   *
   * @param seats Who subscribes, and where.
   * @param sent The number of the last message that the hub may still have.
   */
  constructor(seats: Seats, sent: number) {
    const { ports, count, path, command, stalled = 0, tail = 0 } = seats;
    this.#sent = this.#complete = sent;
    this.#reader = new NumberReader(ROOM + CHUNK, tail);
    this.#last = new Int32Array(count);
    const frame = command &&
      clientFrame(TEXT, new TextEncoder().encode(command));
    for (let i = 0; i < count; i++) {
      const port = ports[i % ports.length]!;
      const { fd, rest } = openWebSocket(port, path, {
        ...seats,
        small: i < stalled,
      });
      this.#fds.push(fd);
      this.#rests.push(rest);
      if (frame) sendAll(fd, frame);
      this.#poll.add(fd, i);
    }
    this.#publisher = openWebSocket(ports[0]!, PUBLISHER_PATH).fd;
    this.#poll.add(this.#publisher, count);
    this.#settle();
    this.#stalled = stalled;
  }

  /** The number of the last message. */
  get sent(): number {
    return this.#sent;
  }

  /** How long messages were under way, of the last {@linkcode Audience.pace}. */
  get times(): Histogram {
    return this.#times;
  }

  /**
   * Publishes as fast as all get it: so many messages are under way at a time.
   * Ends when all have got all.
   *
   * @param window How many.
   * @param milliseconds How long to publish.
   */
  flood(window: number, milliseconds: number): Outcome {
    this.#begin(false);
    const begin = performance.now();
    const end = begin + milliseconds;
    for (let now = begin; now < end; now = performance.now()) {
      while (this.#sent - this.#complete < window) this.#publish();
      this.#turn(WAIT);
    }
    this.#finish();
    return this.#outcome(begin);
  }

  /**
   * Publishes at a fixed rate, and notes how long each message is under way to
   * each subscriber, from when it was due. Ends when all who read have got the
   * last one.
   *
   * @param rate How many messages a second.
   * @param milliseconds How long to publish.
   * @param latest Whether messages may be left out for newer ones.
   */
  pace(rate: number, milliseconds: number, latest: boolean): Outcome {
    this.#begin(latest);
    const begin = performance.now();
    const step = 1000 / rate;
    const total = Math.floor(milliseconds / step);
    for (let i = 0; i < total;) {
      const now = performance.now();
      while (i < total && begin + i * step <= now && !this.#outbox.full) {
        this.#publish(begin + i++ * step);
      }
      const left = begin + i * step - performance.now();
      const wait = Math.max(0, Math.min(WAIT, Math.floor(left)));
      // The timer of `epoll_wait` is too coarse for less than a millisecond.
      if (this.#turn(wait) === 0 && wait === 0) Atomics.wait(NEVER, 0, 0, NAP);
    }
    this.#finish();
    return this.#outcome(begin);
  }

  /**
   * Makes those who do not read do it again, until each has the last message.
   *
   * @returns How many messages they got.
   */
  resume(): number {
    const count = this.#stalled;
    this.#stalled = 0;
    this.#deliveries = 0;
    const begin = performance.now();
    // What came meanwhile was told of once, and is not again.
    for (let i = 0; i < count; i++) this.#receive(i);
    this.#finish(begin);
    return this.#deliveries;
  }

  /** How many connections the hub has not ended. */
  get alive(): number {
    return this.#fds.filter((fd) => receiveSome(fd, buffer) !== 0).length;
  }

  /** Says goodbye on all connections. */
  [Symbol.dispose](): void {
    closeWebSockets([...this.#fds, this.#publisher]);
    this.#poll[Symbol.dispose]();
  }

  /** Publishes until a message comes to all: whoever did not get it was early. */
  #settle(): void {
    for (let i = 0; i < SETTLE_ATTEMPTS; i++) {
      this.#got.fill(0);
      this.#complete = this.#sent;
      this.#publish();
      let end = performance.now() + SETTLE;
      while (performance.now() < end) {
        // As long as it still comes to some, the others may only be later.
        if (this.#turn(WAIT) > 0) end = performance.now() + SETTLE;
        if (this.#complete === this.#sent) return;
      }
    }
    throw new Error(`Not all of "${this.#fds.length}" get what is published`);
  }

  #begin(latest: boolean): void {
    this.#latest = latest;
    this.#strictFrom = this.#sent + 1;
    this.#complete = this.#sent;
    this.#deliveries = 0;
    this.#got.fill(0);
    this.#times.clear();
  }

  /** Waits until all who read have got the last message. */
  #finish(begin = performance.now()): void {
    let deliveries = this.#deliveries;
    let end = begin + PATIENCE;
    while (!this.#allGotLast()) {
      this.#turn(WAIT);
      const now = performance.now();
      if (this.#deliveries > deliveries) end = now + PATIENCE;
      deliveries = this.#deliveries;
      if (now > end) throw new Error("Some never get the last message");
    }
  }

  #allGotLast(): boolean {
    if (!this.#latest) return this.#complete === this.#sent;
    const readers = this.#fds.length - this.#stalled;
    return this.#got[this.#sent % RING] === readers;
  }

  #outcome(begin: number): Outcome {
    return {
      deliveries: this.#deliveries,
      milliseconds: performance.now() - begin,
    };
  }

  #publish(due = 0): void {
    const number = ++this.#sent;
    this.#due[number % RING] = due;
    this.#got[number % RING] = 0;
    this.#outbox.add(number);
  }

  /** Sends what waits, and takes what came; gives how many had something. */
  #turn(wait: number): number {
    if (!this.#outbox.empty) {
      const count = sendSome(this.#publisher, this.#outbox.bytes);
      if (count > 0) this.#outbox.sent(count);
    }
    const count = this.#poll.wait(wait);
    for (let at = 0; at < count; at++) {
      if (this.#poll.broke(at)) throw new Error("A connection broke");
      const i = this.#poll.tag(at);
      if (i >= this.#stalled) this.#receive(i);
    }
    return count;
  }

  #receive(i: number): void {
    const fd = this.#fds[i];
    // What a publisher is told of its messages is of no interest.
    if (fd === undefined) return drop(this.#publisher);
    for (;;) {
      const count = receiveSome(fd, chunk);
      if (count === 0) throw new Error("The hub closed the connection");
      if (count > 0) this.#read(i, ROOM + count);
      // Less than there was room for: that was all.
      if (count < CHUNK) return;
    }
  }

  #read(i: number, end: number): void {
    const rest = this.#rests[i];
    const begin = ROOM - (rest?.length ?? 0);
    if (rest !== undefined) buffer.set(rest, begin);
    const next = this.#reader.read(buffer, begin, end);
    this.#rests[i] = next === end ? undefined : buffer.slice(next, end);
    const { numbers, count } = this.#reader;
    const now = count > 0 ? performance.now() : 0;
    for (let at = 0; at < count; at++) this.#take(i, numbers[at]!, now);
  }

  #take(i: number, number: number, now: number): void {
    const last = this.#last[i]!;
    if (number >= this.#strictFrom) {
      const inOrder = this.#latest ? number > last : number === last + 1;
      if (!inOrder) {
        throw new Error(`Message "${number}" came after message "${last}"`);
      }
      this.#deliveries++;
      const due = this.#due[number % RING]!;
      if (due > 0) this.#times.add(now - due);
    }
    this.#last[i] = number;
    if (number <= this.#complete) return;
    this.#got[number % RING]!++;
    while (
      this.#complete < this.#sent &&
      this.#got[(this.#complete + 1) % RING] === this.#fds.length
    ) this.#complete++;
  }
}

function drop(fd: number): void {
  while (receiveSome(fd, chunk) === CHUNK);
}
