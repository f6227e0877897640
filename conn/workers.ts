/**
 * The same server in several threads.
 *
 * @module
 */

import { WorkerThread } from "./_worker_thread.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { ConnError } from "./error.ts";
import type { ShutdownOptions } from "./listen.ts";

export {
  type WorkerContext,
  workerMain,
  type WorkerStart,
} from "./worker_main.ts";

/** Options of {@linkcode serveWorkers}. */
export interface ServeWorkersOptions {
  /**
   * The worker's module, which calls {@linkcode workerMain}. Written as
   * `new URL("./worker.ts", import.meta.url)`, it is found in a program made by
   * `deno compile --include worker.ts` too.
   */
  module: string | URL;
  /**
   * How many threads.
   *
   * @default {navigator.hardwareConcurrency}
   */
  workers?: number;
  /**
   * The address to listen on.
   *
   * @default {"0.0.0.0"}
   */
  hostname?: string;
  /**
   * The port; `0` for any free one, the same for all threads.
   *
   * @default {0}
   */
  port?: number;
  /**
   * Given to each worker when it starts, as it is at that time; must be cloneable.
   */
  data?: unknown;
  /**
   * How often a worker that crashed is started again, with growing pauses,
   * before it is given up. A minute without a crash starts the count anew.
   *
   * @default {10}
   */
  maxRestarts?: number;
  /**
   * Is told of each crash.
   *
   * @default {console.error}
   */
  onError?: (error: ConnError) => void;
  /** The clock of pauses and time-outs. */
  clock?: Clock;
}

/** A server in several threads. Disposing of it shuts it down. */
export interface WorkerServer extends AsyncDisposable {
  /** Where all threads listen. */
  readonly addr: Deno.Addr;
  /** How many threads there are. */
  readonly workers: number;
  /**
   * Resolves when all threads have ended. Rejects if one was given up because it
   * crashed again and again; the others have been shut down then.
   */
  readonly finished: Promise<void>;
  /**
   * Asks all threads something, see `onRequest` of {@linkcode WorkerContext}. A
   * thread that is being started again is left out: what it must know is to be in
   * `data` then.
   *
   * @param message What is asked; must be cloneable.
   * @returns The replies, in the order of the threads, once all have replied.
   * @throws {ConnError} What one of them threw; with code `"worker_timeout"` if
   * one does not reply for 10 seconds.
   */
  request(message: unknown): Promise<unknown[]>;
  /** Shuts the server down in each thread, and ends the threads. */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** Cuts all connections and ends the threads. */
  close(): void;
}

/**
 * Runs the same listener in several threads, so that one program uses all cores.
 * The system spreads connections over the threads (`SO_REUSEPORT`, on Linux).
 *
 * Needs Deno's `--unstable-net`, or `"unstable": ["net"]` in the program's
 * `deno.json`.
 *
 * @param options The worker's module, where to listen, and how many threads.
 * @returns The server, once all threads listen.
 * @throws {ConnError} With code `"worker_failed"` if a worker does not start.
 *
 * @example Four threads
 * ```ts ignore
 * import { serveWorkers } from "@meerkat/net/conn";
 *
 * const server = await serveWorkers({
 *   module: new URL("./worker.ts", import.meta.url),
 *   port: 8000,
 *   workers: 4,
 * });
 * Deno.addSignalListener("SIGTERM", () => server.shutdown());
 * await server.finished;
 * ```
 */
export async function serveWorkers(
  options: ServeWorkersOptions,
): Promise<WorkerServer> {
  const { workers = navigator.hardwareConcurrency } = options;
  const listen = {
    hostname: options.hostname ?? "0.0.0.0",
    port: options.port ?? 0,
    reusePort: true,
  };
  const start = (index: number) =>
    new WorkerThread({
      module: String(options.module),
      name: `worker ${index}`,
      maxRestarts: options.maxRestarts ?? 10,
      clock: options.clock ?? systemClock,
      onError: options.onError ?? console.error,
      context: () => ({ index, workers, listen, data: options.data }),
    });
  // The first worker finds the port. A listener of the main thread would take
  // connections that nobody accepts.
  const threads = [start(0)];
  try {
    const addr = await threads[0]!.listening;
    if ("port" in addr) listen.port = addr.port;
    for (let index = 1; index < workers; index++) threads.push(start(index));
    await Promise.all(threads.map((thread) => thread.listening));
    return new ThreadedServer(addr, threads);
  } catch (error) {
    for (const thread of threads) thread.close();
    await Promise.allSettled(threads.map((thread) => thread.finished));
    throw error;
  }
}

class ThreadedServer implements WorkerServer {
  readonly addr: Deno.Addr;
  readonly finished: Promise<void>;
  readonly #threads: readonly WorkerThread[];

  constructor(addr: Deno.Addr, threads: readonly WorkerThread[]) {
    this.addr = addr;
    this.#threads = threads;
    this.finished = this.#finish();
  }

  get workers(): number {
    return this.#threads.length;
  }

  async request(message: unknown): Promise<unknown[]> {
    const replies = this.#threads.map((thread) => thread.request(message));
    await Promise.allSettled(replies);
    const found = await Promise.all(replies);
    return found.flatMap((one) => one === undefined ? [] : [one.reply]);
  }

  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    const { timeout = 30_000 } = options;
    for (const thread of this.#threads) thread.shutdown(timeout);
    await Promise.allSettled(this.#threads.map((thread) => thread.finished));
  }

  close(): void {
    for (const thread of this.#threads) thread.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }

  async #finish(): Promise<void> {
    const ends = this.#threads.map((thread) => thread.finished);
    try {
      await Promise.all(ends);
    } catch (error) {
      await this.shutdown();
      throw error;
    }
  }
}
