/**
 * Events one by one, for `for await`.
 *
 * @module
 */

import type { Handler } from "./conn.ts";
import { ConnError } from "./error.ts";

interface Waiting<E> {
  readonly event: E;
  /** Lets the connection go on reading. */
  readonly taken: () => void;
}

type Consumer<E> = PromiseWithResolvers<IteratorResult<E, undefined>>;

/**
 * A handler that keeps events until somebody iterates. The connection is paused
 * until the consumer comes back for the next one, so at most one input event
 * waits; and `open` and `drain`, which are no input.
 */
export class EventQueue<E extends { type: string }> {
  #waiting: Waiting<E>[] = [];
  #consumers: Consumer<E>[] = [];
  #release: (() => void) | undefined;
  #ended = false;
  #error: ConnError | undefined;

  /** The handler to give to the connection. */
  readonly handler: Handler<E, never> = (event) => {
    if (event.type === "open" || event.type === "drain") {
      return this.#note(event);
    }
    return new Promise<void>((taken) => {
      this.#waiting.push({ event, taken });
      this.#serve();
    });
  };

  /** Keeps what is no input, each kind once: nobody may come for it. */
  #note(event: E): void {
    if (this.#waiting.some((other) => other.event.type === event.type)) return;
    this.#waiting.push({ event, taken: () => {} });
    this.#serve();
  }

  /** Gives the next event, after letting the connection read on. */
  next(): Promise<IteratorResult<E, undefined>> {
    this.#release?.();
    this.#release = undefined;
    const consumer: Consumer<E> = Promise.withResolvers();
    this.#consumers.push(consumer);
    this.#serve();
    return consumer.promise;
  }

  /** No event comes any more: who waits for one, or asks for one, gets `error`. */
  end(error: ConnError): void {
    this.#ended = true;
    this.#error = error;
    this.#serve();
  }

  #serve(): void {
    while (this.#consumers.length > 0 && this.#waiting.length > 0) {
      const { event, taken } = this.#waiting.shift()!;
      this.#consumers.shift()!.resolve({ done: false, value: event });
      if (event.type === "close") this.#ended = true;
      // Somebody asks for the next one already.
      if (this.#ended || this.#consumers.length > 0) taken();
      else this.#release = taken;
    }
    if (!this.#ended) return;
    for (const consumer of this.#consumers.splice(0)) {
      if (this.#error !== undefined) consumer.reject(this.#error);
      else consumer.resolve({ done: true, value: undefined });
    }
  }
}

/**
 * Iterates over what a connection without a handler keeps.
 *
 * @throws {ConnError} With code `"has_handler"` if there is no queue.
 */
export function iterate<E extends { type: string }>(
  events: EventQueue<E> | undefined,
): AsyncIterator<E, undefined> {
  if (events === undefined) {
    throw new ConnError(
      "Cannot iterate over the events: they go to the connection's handler",
      { code: "has_handler", side: "local" },
    );
  }
  return { next: () => events.next() };
}
