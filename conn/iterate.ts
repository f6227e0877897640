/**
 * Events one by one, for `for await`.
 *
 * @module
 */

import type { Handler } from "./conn.ts";

interface Waiting<E> {
  readonly event: E;
  /** Lets the connection go on reading. */
  readonly taken: () => void;
}

/**
 * A handler that keeps events until somebody iterates. The connection is paused
 * until the consumer comes back for the next one, so at most one input event
 * waits.
 */
export class EventQueue<E extends { type: string }> {
  #waiting: Waiting<E>[] = [];
  #consumer: ((result: IteratorResult<E, undefined>) => void) | undefined;
  #release: (() => void) | undefined;
  #ended = false;

  /** The handler to give to the connection. */
  readonly handler: Handler<E, never> = (event) =>
    new Promise<void>((taken) => {
      this.#waiting.push({ event, taken });
      this.#serve();
    });

  /** Gives the next event, after letting the connection read on. */
  next(): Promise<IteratorResult<E, undefined>> {
    this.#release?.();
    this.#release = undefined;
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#consumer = resolve;
      this.#serve();
    });
  }

  #serve(): void {
    const consumer = this.#consumer;
    const first = this.#waiting[0];
    if (consumer === undefined || first === undefined) return;
    this.#waiting.shift();
    this.#consumer = undefined;
    this.#release = first.taken;
    if (first.event.type === "close") {
      this.#ended = true;
      first.taken();
    }
    consumer({ done: false, value: first.event });
  }
}
