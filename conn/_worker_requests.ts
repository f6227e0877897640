/**
 * What one worker was asked and has not replied to.
 *
 * @module
 */

import type { FromWorker } from "./_worker_messages.ts";
import type { Clock } from "./clock.ts";
import { ConnError } from "./error.ts";

/** How long a worker may take to reply, in ms. */
const TIMEOUT = 10_000;

/** A worker's reply. */
export interface WorkerReply {
  readonly reply: unknown;
}

interface Waiting {
  readonly resolve: (reply: WorkerReply | undefined) => void;
  readonly reject: (error: ConnError) => void;
  readonly timer: unknown;
}

/** Requests to one worker, and to those that take its place. */
export class WorkerRequests {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor({ name, clock }: { name: string; clock: Clock }) {
    this.#name = name;
    this.#clock = clock;
  }

  /**
   * Sends a request.
   *
   * @param post Does so, with this id.
   * @returns The reply; nothing if the worker ends before.
   * @throws {ConnError} What the worker threw; with code `"worker_timeout"` if it
   * does not reply.
   */
  add(post: (id: number) => void): Promise<WorkerReply | undefined> {
    const id = ++this.#lastId;
    post(id);
    const { promise, resolve, reject } = Promise.withResolvers<
      WorkerReply | undefined
    >();
    const timer = this.#clock.setTimeout(() => {
      this.#waiting.delete(id);
      const message =
        `Worker "${this.#name}" did not reply: expected it within ${TIMEOUT} ms`;
      reject(new ConnError(message, { code: "worker_timeout", side: "local" }));
    }, TIMEOUT);
    this.#waiting.set(id, { resolve, reject, timer });
    return promise;
  }

  /** Takes what the worker replied. */
  settle(message: Extract<FromWorker, { type: "reply" | "refused" }>): void {
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id);
    this.#clock.clearTimeout(waiting.timer);
    if (message.type === "reply") {
      waiting.resolve({ reply: message.reply });
    } else {
      const { message: text, options } = message.refusal;
      waiting.reject(new ConnError(text, options));
    }
  }

  /** Gives up all: the worker has ended. */
  drop(): void {
    for (const { resolve, timer } of this.#waiting.values()) {
      this.#clock.clearTimeout(timer);
      resolve(undefined);
    }
    this.#waiting.clear();
  }
}
