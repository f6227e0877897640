import type { Clock } from "../../conn/clock.ts";
import type { ConnError } from "../../conn/error.ts";
import { type BatchResult, type Item, sizeOf } from "./_redis_store.ts";
import { unavailable } from "./unavailable.ts";

/** The most that a batch has; Redis does nothing else meanwhile. */
const BATCH_COUNT = 256;
const BATCH_BYTES = 1 << 20;
/** The most that may wait. */
const QUEUE_COUNT = 100_000;
const QUEUE_BYTES = 64 << 20;

/** Values that go to Redis as one. */
export interface Batch {
  /** Grows with each. */
  readonly number: number;
  readonly items: readonly Item[];
}

/** What a publisher needs. */
export interface PublisherOptions {
  readonly clock: Clock;
  /** How long a value may take to be published, in milliseconds. */
  readonly timeout: number;
  /**
   * Sends a batch. It is sent again, after the next `resume`, if this is
   * `undefined`, and given up if it rejects.
   */
  send(batch: Batch): Promise<BatchResult | undefined>;
  /** How far the hub was told of the log. */
  told(): number;
}

/** An item, and who waits for it. */
interface Pending {
  readonly item: Item;
  readonly size: number;
  readonly deadline: number;
  readonly settle: (outcome: Outcome) => void;
}

/** What became of an item: or why nothing did. */
export type Outcome =
  | { readonly offset: number; readonly duplicate: boolean }
  | ConnError;

/** Pending items whose batch is done, until the hub was told of it. */
interface Done {
  readonly seq: number;
  readonly outcomes: readonly (readonly [Pending, Outcome])[];
}

/**
 * Publishes the values of a hub in their order: one batch at a time, and the next
 * one is all that came meanwhile. A batch whose answer was lost is sent again as
 * it was, by its number, so that none is published twice.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  /** All that was not settled, the oldest first. */
  readonly #pending = new Set<Pending>();
  /** What was not sent yet. */
  readonly #queue = new Set<Pending>();
  #bytes = 0;
  /** What was sent, and not answered. */
  #batch: { number: number; pending: readonly Pending[] } | undefined;
  #done: Done[] = [];
  #number = 0;
  #running = false;
  #sending = false;
  #timer: unknown;
  #idle: (() => void) | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Publishes an item, or removes its topic. Never rejects. */
  add(item: Item): Promise<Outcome> {
    const size = sizeOf(item);
    const { clock, timeout } = this.#options;
    if (
      this.#pending.size >= QUEUE_COUNT || this.#bytes + size > QUEUE_BYTES
    ) {
      const message = "Cannot publish: too many values wait for Redis";
      return Promise.resolve(unavailable(message));
    }
    this.#bytes += size;
    // The others of this turn go with it.
    if (this.#queue.size === 0) queueMicrotask(this.#send);
    return new Promise((settle) => {
      const deadline = clock.now() + timeout;
      const pending = { item, size, deadline, settle };
      this.#pending.add(pending);
      this.#queue.add(pending);
      this.#timer ??= clock.setTimeout(this.#expire, timeout);
    });
  }

  /** The store can be reached, and is the one that is known. */
  resume(): void {
    this.#running = true;
    this.#send();
  }

  /** The store cannot be reached. */
  pause(): void {
    this.#running = false;
  }

  /** The hub was told more of the log. */
  told(): void {
    while (this.#done[0] !== undefined) {
      const { seq, outcomes } = this.#done[0];
      if (seq > this.#options.told()) return;
      this.#done.shift();
      for (const [pending, outcome] of outcomes) this.#settle(pending, outcome);
    }
  }

  /** What was published into an epoch that is over may be lost with it. */
  lose(error: ConnError): void {
    for (const { outcomes } of this.#done.splice(0)) {
      for (const [pending] of outcomes) this.#settle(pending, error);
    }
  }

  /** Resolves when all is settled. */
  async idle(): Promise<void> {
    if (this.#pending.size === 0) return;
    await new Promise<void>((resolve) => this.#idle = resolve);
  }

  /** Gives up all that waits. */
  fail(error: ConnError): void {
    this.#running = false;
    this.#done = [];
    for (const pending of this.#pending) this.#settle(pending, error);
  }

  readonly #send = async (): Promise<void> => {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#running) {
      const batch = this.#batch = this.#next();
      if (batch === undefined) break;
      const items = batch.pending.map(({ item }) => item);
      try {
        const { number } = batch;
        const result = await this.#options.send({ number, items });
        if (result === undefined) break;
        this.#finish(batch.pending, result);
      } catch (error) {
        this.#refuse(batch.pending, error);
      }
      this.#batch = undefined;
    }
    this.#sending = false;
  };

  /** What was sent before, unless nobody waits for it; or what comes next. */
  #next() {
    const before = this.#batch?.pending.some((each) => this.#pending.has(each));
    if (before) return this.#batch;
    const pending: Pending[] = [];
    let bytes = 0;
    for (const next of this.#queue) {
      bytes += next.size;
      if (pending.length > 0 && bytes > BATCH_BYTES) break;
      if (pending.length === BATCH_COUNT) break;
      pending.push(next);
      this.#queue.delete(next);
    }
    if (pending.length === 0) return undefined;
    return { number: ++this.#number, pending };
  }

  #finish(pending: readonly Pending[], { seq, results }: BatchResult): void {
    const outcomes = pending.map((each, i) => {
      const { topic } = each.item;
      const outcome = results[i] ?? unavailable(
        `Cannot publish to "${topic}": the key of its history in Redis holds something else`,
      );
      return [each, outcome] as const;
    });
    this.#done.push({ seq, outcomes });
    this.told();
  }

  #refuse(pending: readonly Pending[], cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = unavailable(`Cannot publish: ${reason}`, cause);
    for (const each of pending) this.#settle(each, error);
  }

  #settle(pending: Pending, outcome: Outcome): void {
    if (!this.#pending.delete(pending)) return;
    this.#queue.delete(pending);
    this.#bytes -= pending.size;
    pending.settle(outcome);
    if (this.#pending.size > 0) return;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#idle?.();
  }

  /** Gives up what has waited for too long; all wait equally long. */
  readonly #expire = (): void => {
    this.#timer = undefined;
    const { clock, timeout } = this.#options;
    const now = clock.now();
    const error = unavailable(
      `Cannot publish: Redis was out of reach for ${timeout} ms`,
    );
    for (const pending of this.#pending) {
      const left = pending.deadline - now;
      if (left > 0) {
        this.#timer = clock.setTimeout(this.#expire, left);
        return;
      }
      this.#settle(pending, error);
    }
  };
}
