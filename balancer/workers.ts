/**
 * The same balancer in several threads.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import type { ShutdownOptions } from "../conn/listen.ts";
import {
  serveWorkers,
  type ServeWorkersOptions,
  type WorkerServer,
} from "../conn/workers.ts";
import {
  type BalancerMessage,
  type BalancerStart,
  type Change,
  changesAfter,
  forThreads,
  withChange,
} from "./_worker_messages.ts";
import type { AdminTarget, ExplainQuery } from "./admin/target.ts";
import type { BalancerExplanation } from "./balancer.ts";
import type { BackendConfig, BalancerConfig } from "./config/config.ts";
import { resolveBackend, resolveConfig } from "./config/resolve.ts";
import { mergeSnapshots } from "./telemetry/merge.ts";
import type { BalancerSnapshot } from "./telemetry/snapshot.ts";

export { balancerMain, type BalancerWorkerContext } from "./worker_main.ts";

/**
 * The balancers of several threads, as one: does in all of them what the methods
 * of {@linkcode Balancer} do in one.
 */
export interface ThreadedBalancer extends AdminTarget {
  /**
   * Lets all threads do something else from now on. What did not change is not
   * touched.
   *
   * @throws {ConfigError} If the configuration is wrong; all stays as it is then.
   */
  update(config: BalancerConfig): Promise<void>;
  /** Counts a new configuration that could not even be read. */
  updateRefused(): void;
  /** The figures of all threads, added up. */
  snapshot(): Promise<BalancerSnapshot>;
  /** Says where one of the threads would send a request, and why. */
  explain(query: ExplainQuery): Promise<BalancerExplanation>;
  /** Adds a backend, until the configuration changes. */
  addBackend(upstream: string, backend: BackendConfig): Promise<void>;
  /** Takes a backend out; what is under way there goes on to its end. */
  removeBackend(upstream: string, id: string): Promise<void>;
  /** Gives a backend nothing new, or gives it requests again. */
  setDraining(upstream: string, id: string, draining: boolean): Promise<void>;
  /** Changes a backend's share. */
  setWeight(upstream: string, id: string, weight: number): Promise<void>;
}

/** A balancer in several threads. Disposing of it shuts it down. */
export interface BalancerWorkers extends Omit<WorkerServer, "request"> {
  /** What it does, and how to change that. */
  readonly balancer: ThreadedBalancer;
}

/**
 * Runs the same balancer in several threads, as {@linkcode serveWorkers} does with
 * other servers. Each has its own connections to the backends, checks their health
 * itself, and holds to limits such as `rateLimit`, `maxInFlight` and
 * `maxConnections` for itself.
 *
 * @param config What goes where. It is copied for each thread, so it has no policy
 * that is a function.
 * @param options The worker's module, which calls {@linkcode balancerMain}; where
 * to listen, and how many threads.
 * @returns The server, once all threads listen.
 * @throws {ConfigError} If the configuration is wrong.
 * @throws {DOMException} With name `"DataCloneError"` if it has a function.
 * @throws {ConnError} With code `"worker_failed"` if a worker does not start.
 *
 * @example Four threads, and one admin port
 * ```ts ignore
 * import { balanceWorkers, serveAdmin } from "@meerkat/net/balancer";
 *
 * const server = await balanceWorkers(
 *   { routes: [{ upstream: { backends: ["127.0.0.1:8910"] } }] },
 *   {
 *     module: new URL("./worker.ts", import.meta.url),
 *     workers: 4,
 *     port: 8000,
 *   },
 * );
 * const token = crypto.randomUUID();
 * await using admin = serveAdmin(server.balancer, { port: 8001, token });
 * await server.finished;
 * ```
 */
export async function balanceWorkers(
  config: BalancerConfig,
  options: ServeWorkersOptions,
): Promise<BalancerWorkers> {
  const { workers = navigator.hardwareConcurrency, data } = options;
  const threads = new Threads(config, workers, data);
  const server = await serveWorkers({
    ...options,
    workers,
    data: threads.start,
  });
  threads.server = server;
  return new Workers(server, threads);
}

/** The balancers of all threads. */
class Threads implements ThreadedBalancer {
  /** What a thread gets that starts now. */
  readonly start: BalancerStart;
  server: WorkerServer | undefined;
  isStopping = false;
  readonly #workers: number;
  readonly #secret = crypto.randomUUID() + crypto.randomUUID();
  /** Settles when all changes have been made; never fails. */
  #turn: Promise<void> = Promise.resolve();
  #reloads = 0;
  #reloadsRefused = 0;

  constructor(config: BalancerConfig, workers: number, data: unknown) {
    this.#workers = workers;
    this.start = { config: this.#prepare(config), changes: [], data };
  }

  update(config: BalancerConfig): Promise<void> {
    return this.#inTurn(async () => {
      const { start } = this;
      try {
        const next = this.#prepare(config);
        const [before, after] = [start.config, next].map(resolveConfig);
        start.changes = changesAfter(start.changes, before!, after!);
        start.config = next;
      } catch (error) {
        this.#reloadsRefused++;
        throw error;
      }
      await this.#ask({ type: "update", config: start.config });
      this.#reloads++;
    });
  }

  updateRefused(): void {
    this.#reloadsRefused++;
  }

  async ready(): Promise<boolean> {
    if (this.isStopping) return false;
    const replies = await this.#ask<boolean>({ type: "ready" });
    return replies.every((isReady) => isReady);
  }

  async snapshot(): Promise<BalancerSnapshot> {
    const snapshots = await this.#ask<BalancerSnapshot>({ type: "snapshot" });
    // A thread that was started again has not seen all of them.
    return {
      ...mergeSnapshots(snapshots),
      reloads: this.#reloads,
      reloadsRefused: this.#reloadsRefused,
    };
  }

  async explain(query: ExplainQuery): Promise<BalancerExplanation> {
    const message = { type: "explain", query } as const;
    return (await this.#ask<BalancerExplanation>(message))[0]!;
  }

  async addBackend(upstream: string, backend: BackendConfig): Promise<void> {
    const { id } = resolveBackend(backend);
    await this.#change({ type: "add", upstream, id, backend });
  }

  removeBackend(upstream: string, id: string): Promise<void> {
    return this.#change({ type: "remove", upstream, id });
  }

  setDraining(upstream: string, id: string, draining: boolean): Promise<void> {
    return this.#change({ type: "drain", upstream, id, draining });
  }

  setWeight(upstream: string, id: string, weight: number): Promise<void> {
    return this.#change({ type: "weight", upstream, id, weight });
  }

  /** Checks a configuration, and makes a copy for the threads. */
  #prepare(config: BalancerConfig): BalancerConfig {
    resolveConfig(config);
    return structuredClone(forThreads(config, this.#secret, this.#workers));
  }

  #change(change: Change): Promise<void> {
    return this.#inTurn(async () => {
      const { start } = this;
      const before = start.changes;
      // First of all, so that a thread that starts meanwhile knows of it.
      start.changes = withChange(before, change);
      try {
        await this.#ask(change);
      } catch (error) {
        start.changes = before;
        throw error;
      }
    });
  }

  /** One change after the other, so that all threads see them in one order. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const made = this.#turn.then(change);
    this.#turn = made.catch(() => {});
    return made;
  }

  async #ask<R>(message: BalancerMessage): Promise<R[]> {
    const replies = await this.server?.request(message) ?? [];
    if (replies.length > 0) return replies as R[];
    throw new ConnError("Cannot ask the balancer: none of its threads runs", {
      code: "no_worker",
      side: "local",
      reply: 503,
    });
  }
}

class Workers implements BalancerWorkers {
  readonly balancer: ThreadedBalancer;
  readonly #threads: Threads;
  readonly #server: WorkerServer;

  constructor(server: WorkerServer, threads: Threads) {
    this.#server = server;
    this.balancer = this.#threads = threads;
  }

  get addr(): Deno.Addr {
    return this.#server.addr;
  }

  get workers(): number {
    return this.#server.workers;
  }

  get finished(): Promise<void> {
    return this.#server.finished;
  }

  shutdown(options?: ShutdownOptions): Promise<void> {
    this.#threads.isStopping = true;
    return this.#server.shutdown(options);
  }

  close(): void {
    this.#threads.isStopping = true;
    this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}
