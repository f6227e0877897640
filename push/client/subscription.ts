/**
 * What a program holds of a subscription.
 *
 * @module
 */

import type { Update } from "./updates.ts";

/** Where updates come from. */
export interface UpdateSource {
  /** Where who has taken this far can go on. */
  readonly cursor: string | undefined;
  /** The next update, or the end. */
  next(): Promise<IteratorResult<Update, undefined>>;
}

/**
 * Makes what a program holds.
 *
 * @param filter The topics.
 * @param source What has come.
 * @param close Ends it.
 */
export let subscriptionOf: <T>(
  filter: string,
  source: UpdateSource,
  close: () => void,
) => Subscription<T>;

/**
 * A subscription, made by `subscribe` of `PushClient` or of `Hub`: iterate over it.
 * That of a client is restored on each connection, from where it was. It ends when
 * the loop is left.
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
  readonly #source: UpdateSource;
  readonly #close: () => void;

  private constructor(
    filter: string,
    source: UpdateSource,
    close: () => void,
  ) {
    this.filter = filter;
    this.#source = source;
    this.#close = close;
  }

  static {
    subscriptionOf = (filter, source, close) =>
      new Subscription(filter, source, close);
  }

  /**
   * What to come back with later, as `since`: all that is not after it was given
   * to the program. `undefined` as long as there was nothing.
   */
  get cursor(): string | undefined {
    return this.#source.cursor;
  }

  /** Ends it: iterations end, and what waits is dropped. */
  close(): void {
    this.#close();
  }

  /** The updates, one by one. Leaving the loop ends the subscription. */
  [Symbol.asyncIterator](): AsyncIterator<Update<T>, undefined> {
    const next = () =>
      this.#source.next() as Promise<IteratorResult<Update<T>, undefined>>;
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
