// Pings that somebody waits for.

import { connClosed } from "./_turns.ts";

/** The promises of a connection's pings. */
export class Pings {
  readonly #waiting = new Set<PromiseWithResolvers<number>>();

  /** Makes the promise of a ping, and what is to be told of the pong. */
  add(): { promise: Promise<number>; onPong: (latency: number) => void } {
    const waiting = Promise.withResolvers<number>();
    // Nobody has to wait for it.
    waiting.promise.catch(() => {});
    this.#waiting.add(waiting);
    const onPong = (latency: number) => {
      this.#waiting.delete(waiting);
      waiting.resolve(latency);
    };
    return { promise: waiting.promise, onPong };
  }

  /** No pong comes any more. */
  fail(): void {
    for (const { reject } of this.#waiting) reject(connClosed());
    this.#waiting.clear();
  }
}

/** The promise of a ping that cannot be sent any more. */
export function failedPing(): Promise<number> {
  const promise = Promise.reject(connClosed());
  promise.catch(() => {});
  return promise;
}
