/**
 * What has come of a subscription, and nobody has taken yet.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import type { Mode } from "../wire/protocol.ts";
import type { UpdateSource } from "./subscription.ts";
import type { ResetUpdate, Update } from "./updates.ts";

/** How much may wait in a queue. */
export interface QueueLimits {
  /** The most updates. */
  readonly queueCount: number;
  /** The most bytes of their messages. */
  readonly queueBytes: number;
}

interface Item {
  update: Update;
  /** The length of the message, if it counts. */
  readonly size: number;
  /** Where the subscription was when this was queued. */
  readonly before: string | undefined;
}

type Taken = IteratorResult<Update, undefined>;

const DONE: Taken = { done: true, value: undefined };

/**
 * Updates in order. In mode `latest` a value takes the place of the topic's that
 * waits, so that a topic which changes all the time does not wait forever, and no
 * more values wait than there are topics.
 */
export class UpdateQueue implements UpdateSource {
  readonly #limits: QueueLimits;
  readonly #onTake: () => void;
  #items: Item[] = [];
  #head = 0;
  /** Mode `latest`: the values that wait. */
  readonly #values: Map<string, Item> | undefined;
  #count = 0;
  #bytes = 0;
  readonly #takers: PromiseWithResolvers<Taken>[] = [];
  #end: { readonly error: ConnError | undefined } | undefined;
  /** The cursor of what has come last. */
  received: string | undefined;

  /**
   * @param mode Of the subscription.
   * @param limits How much may wait of what does not overtake itself.
   * @param onTake Called when something was taken.
   */
  constructor(mode: Mode, limits: QueueLimits, onTake: () => void) {
    this.#limits = limits;
    this.#onTake = onTake;
    if (mode === "latest") this.#values = new Map();
  }

  /** Where who has taken this far can go on. */
  get cursor(): string | undefined {
    const next = this.#items[this.#head];
    return next === undefined ? this.received : next.before;
  }

  /** Whether as much waits as may. */
  get isFull(): boolean {
    return this.#exceeds(1);
  }

  /** Whether more waits than can come by accident. */
  get isOverfull(): boolean {
    return this.#exceeds(2);
  }

  /** Whether there is room again. */
  get isLow(): boolean {
    return !this.#exceeds(1 / 2);
  }

  #exceeds(share: number): boolean {
    const { queueCount, queueBytes } = this.#limits;
    return this.#count > 0 &&
      (this.#count >= queueCount * share || this.#bytes >= queueBytes * share);
  }

  /**
   * Adds an update.
   *
   * @param update What has come.
   * @param size The length of its message.
   * @param cursor Where the subscription is now, if it has moved.
   */
  push(update: Update, size: number, cursor?: string): void {
    if (this.#end !== undefined) return;
    const before = this.received;
    if (update.type === "reset") this.#void(update);
    if (cursor !== undefined) this.received = cursor;
    if (update.type !== "value" || this.#values === undefined) {
      this.#add({ update, size, before });
    } else {
      const waiting = this.#values.get(update.topic);
      if (waiting !== undefined) {
        waiting.update = update;
        return;
      }
      const item = { update, size: 0, before };
      this.#values.set(update.topic, item);
      this.#items.push(item);
    }
    this.#serve();
  }

  #add(item: Item): void {
    this.#items.push(item);
    this.#count++;
    this.#bytes += item.size;
  }

  /** Takes out the values that a reset makes void, where order is no matter. */
  #void({ topic }: ResetUpdate): void {
    if (topic === undefined) this.received = undefined;
    if (this.#values === undefined) return;
    const isVoid = ({ update }: Item) =>
      update.type === "value" && (topic ?? update.topic) === update.topic;
    this.#items = this.#items.slice(this.#head).filter((item) => !isVoid(item));
    this.#head = 0;
    if (topic === undefined) this.#values.clear();
    else this.#values.delete(topic);
  }

  /** The next update, or the end. */
  next(): Promise<Taken> {
    const taker = Promise.withResolvers<Taken>();
    this.#takers.push(taker);
    this.#serve();
    return taker.promise;
  }

  /**
   * Nothing comes any more. With an error, what waits is given first; without,
   * it is dropped.
   */
  end(error?: ConnError): void {
    if (error === undefined) {
      // What is dropped was not given to anybody.
      this.received = this.cursor;
      this.#items = [];
      this.#head = this.#count = this.#bytes = 0;
      this.#values?.clear();
    } else if (this.#end !== undefined) return;
    this.#end = { error };
    this.#serve();
  }

  /** Nothing comes any more; what waits is given first. */
  finish(): void {
    this.#end ??= { error: undefined };
    this.#serve();
  }

  #serve(): void {
    let taken = false;
    while (this.#takers.length > 0 && this.#head < this.#items.length) {
      this.#takers.shift()!.resolve({ done: false, value: this.#take() });
      taken = true;
    }
    if (this.#end !== undefined) {
      const { error } = this.#end;
      for (const taker of this.#takers.splice(0)) {
        if (error === undefined) taker.resolve(DONE);
        else taker.reject(error);
      }
    }
    if (taken) this.#onTake();
  }

  #take(): Update {
    const item = this.#items[this.#head++]!;
    const { update, size } = item;
    if (update.type === "value" && this.#values !== undefined) {
      this.#values.delete(update.topic);
    } else {
      this.#count--;
      this.#bytes -= size;
    }
    // Not one by one: that takes the square of the length.
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return update;
  }
}
