/**
 * What a program holds of a subscription.
 *
 * @module
 */

import type { UpdateQueue } from "./_update_queue.ts";
import type { Update } from "./updates.ts";

/**
 * Makes what a program holds.
 *
 * @param filter The topics.
 * @param queue What has come.
 * @param close Ends it.
 */
export let subscriptionOf: <T>(
  filter: string,
  queue: UpdateQueue,
  close: () => void,
) => Subscription<T>;

/**
 * A subscription, made by `subscribe` of `PushClient`: iterate over it. It is restored on each connection, from where
 * it was, and ends when the loop is left.
 *
 * An iteration ends with an error if the hub refuses the subscription, or the
 * client ends with one; what had come until then is given before.
 *
 * @typeParam T What the values are; they are not checked.
 */
export class Subscription<T = unknown>
  implements AsyncIterable<Update<T>>, Disposable {
  /** The topics. */
  readonly filter: string;
  readonly #queue: UpdateQueue;
  readonly #close: () => void;

  private constructor(filter: string, queue: UpdateQueue, close: () => void) {
    this.filter = filter;
    this.#queue = queue;
    this.#close = close;
  }

  static {
    subscriptionOf = (filter, queue, close) =>
      new Subscription(filter, queue, close);
  }

  /**
   * What to come back with later, as `since`: all that is not after it was given
   * to the program. `undefined` as long as there was nothing.
   */
  get cursor(): string | undefined {
    return this.#queue.cursor;
  }

  /** Ends it: iterations end, and what waits is dropped. */
  close(): void {
    this.#close();
  }

  /** The updates, one by one. Leaving the loop ends the subscription. */
  [Symbol.asyncIterator](): AsyncIterator<Update<T>, undefined> {
    const next = () =>
      this.#queue.next() as Promise<IteratorResult<Update<T>, undefined>>;
    return {
      next,
      return: () => {
        this.close();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** The values alone, one by one. Leaving the loop ends the subscription. */
  async *values(): AsyncGenerator<T, void, void> {
    for await (const update of this) {
      if (update.type === "value") yield update.value;
    }
  }

  /** The same as {@linkcode Subscription.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
