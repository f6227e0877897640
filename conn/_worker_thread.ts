/**
 * One worker of a server in several threads, and its successors.
 *
 * @module
 */

import { type FromWorker, pack, unpack } from "./_worker_messages.ts";
import { type WorkerReply, WorkerRequests } from "./_worker_requests.ts";
import type { Clock } from "./clock.ts";
import { ConnError } from "./error.ts";
import type { WorkerStart } from "./worker_main.ts";

/** Before a worker is started again: the first wait and the longest, in ms. */
const MIN_BACK_OFF = 100;
const MAX_BACK_OFF = 10_000;
/** A worker that ran so long, in ms, is not one that crashes at once. */
const STABLE_AFTER = 60_000;
/** How much longer than its server's shutdown a worker may take, in ms. */
const GRACE = 1000;

/** What a thread needs to know. */
export interface ThreadSettings {
  readonly module: string;
  readonly name: string;
  readonly maxRestarts: number;
  readonly clock: Clock;
  readonly onError: (error: ConnError) => void;
  /** Makes the context for each start. */
  readonly context: () => WorkerStart;
}

/** Keeps one worker running until it is stopped. */
export class WorkerThread {
  readonly #settings: ThreadSettings;
  readonly #listening = Promise.withResolvers<Deno.Addr>();
  readonly #finished = Promise.withResolvers<void>();
  #worker: Worker | undefined;
  #startedAt = 0;
  #everListened = false;
  #listens = false;
  readonly #requests: WorkerRequests;
  /** It was told what to do, and knows what was asked before. */
  #isTold = false;
  #stopping = false;
  #restarts = 0;
  #timer: unknown;

  constructor(settings: ThreadSettings) {
    this.#settings = settings;
    this.#requests = new WorkerRequests(settings);
    // Who waits for neither learns of a failure by `onError`.
    this.#listening.promise.catch(() => {});
    this.#finished.promise.catch(() => {});
    this.#start();
  }

  /** Resolves when it first listens; rejects if it never did. */
  get listening(): Promise<Deno.Addr> {
    return this.#listening.promise;
  }

  /** Resolves when it has ended; rejects if it was given up. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /**
   * Asks the worker something.
   *
   * @returns What it replies; nothing if there is no worker now, or it ends before
   * it has replied.
   */
  request(message: unknown): Promise<WorkerReply | undefined> {
    const worker = this.#worker;
    if (worker === undefined || !this.#isTold) {
      return Promise.resolve(undefined);
    }
    return this.#requests.add((id) =>
      worker.postMessage(pack({ type: "request", id, message }))
    );
  }

  /** Lets the worker's server drain, and ends the worker. */
  shutdown(timeout: number): void {
    this.#stop();
    this.#worker?.postMessage(pack({ type: "shutdown", timeout }));
    if (this.#worker === undefined || timeout === Infinity) return;
    this.#timer = this.#settings.clock.setTimeout(
      () => this.#end(),
      timeout + GRACE,
    );
  }

  /** Cuts the worker's connections, and ends the worker. */
  close(): void {
    this.#stop();
    this.#worker?.postMessage(pack({ type: "close" }));
    this.#clearTimer();
    if (this.#worker === undefined) return;
    this.#timer = this.#settings.clock.setTimeout(() => this.#end(), GRACE);
  }

  #stop(): void {
    this.#stopping = true;
    this.#clearTimer();
    // Nothing to drain in a worker that does not listen yet.
    if (!this.#listens) this.#end();
  }

  #start(): void {
    const { module, name, clock } = this.#settings;
    this.#startedAt = clock.now();
    const worker = new Worker(module, { type: "module", name });
    this.#worker = worker;
    worker.addEventListener("message", (event) => {
      if (worker === this.#worker) this.#receive(event.data);
    });
    worker.addEventListener("error", (event) => {
      // Otherwise the failure would end the main thread as well.
      event.preventDefault();
      if (worker === this.#worker) this.#crashed(event.message);
    });
  }

  #receive(data: unknown): void {
    const message = unpack<FromWorker>(data);
    switch (message?.type) {
      case "loaded":
        this.#isTold = true;
        this.#worker?.postMessage(
          pack({ type: "start", context: this.#settings.context() }),
        );
        break;
      case "listening":
        this.#listens = this.#everListened = true;
        this.#listening.resolve(message.addr);
        break;
      case "reply":
      case "refused":
        this.#requests.settle(message);
        break;
      case "failed":
        this.#crashed(message.message);
        break;
      case "finished":
        this.#end();
    }
  }

  /** Ends the worker, and starts another one after a while. */
  #crashed(reason: string): void {
    const { name, clock, maxRestarts, onError } = this.#settings;
    this.#terminate();
    const error = new ConnError(`Worker "${name}" failed: ${reason}`, {
      code: "worker_failed",
      side: "local",
    });
    if (this.#stopping) return this.#end();
    if (clock.now() - this.#startedAt > STABLE_AFTER) this.#restarts = 0;
    // One that never worked will not work the next time either.
    if (!this.#everListened || this.#restarts >= maxRestarts) {
      return this.#end(error);
    }
    onError(error);
    const delay = Math.min(MAX_BACK_OFF, MIN_BACK_OFF * 2 ** this.#restarts);
    this.#restarts++;
    this.#timer = clock.setTimeout(() => this.#start(), delay);
  }

  #end(error?: ConnError): void {
    this.#clearTimer();
    this.#terminate();
    this.#listening.reject(
      error ?? new ConnError("The worker was stopped before it listened", {
        code: "aborted",
        side: "local",
      }),
    );
    if (error === undefined) this.#finished.resolve();
    else this.#finished.reject(error);
  }

  #terminate(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#listens = this.#isTold = false;
    this.#requests.drop();
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) {
      this.#settings.clock.clearTimeout(this.#timer);
    }
    this.#timer = undefined;
  }
}
