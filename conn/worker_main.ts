/**
 * The worker's side of a server in several threads.
 *
 * @module
 */

import {
  type FromWorker,
  pack,
  packError,
  type ToWorker,
  unpack,
} from "./_worker_messages.ts";
import { ConnError } from "./error.ts";
import type { Server, SocketListenOptions } from "./listen.ts";

/** What a worker is told when it starts, and how it takes part. */
export interface WorkerContext<T = unknown> extends WorkerStart<T> {
  /**
   * Answers what the main thread asks by `request` of {@linkcode WorkerServer}.
   * What is asked before the server listens waits for that.
   *
   * @param answer Gets the message; what it returns or resolves to must be
   * cloneable. Of a `ConnError` that it throws, the message, `code`, `side` and
   * `reply` come over.
   */
  readonly onRequest: (answer: (message: unknown) => unknown) => void;
  /**
   * Does something after the server has finished and before the thread ends, such
   * as to write the last lines of a log. The thread waits for it; `shutdown` with
   * its time-out, and `close`, do not wait for longer.
   */
  readonly onFinished: (last: () => void | Promise<void>) => void;
}

/** What a worker is told when it starts. */
export interface WorkerStart<T = unknown> {
  /** Which worker this is, from 0. */
  readonly index: number;
  /** How many workers there are. */
  readonly workers: number;
  /** Where to listen: goes into the options of `listen` or `serve` as it is. */
  readonly listen: Required<
    Pick<SocketListenOptions, "hostname" | "port" | "reusePort">
  >;
  /** The `data` of {@linkcode serveWorkers}, copied when this worker started. */
  readonly data: T;
}

/** The part of a worker's global scope that is used here. */
interface WorkerScope {
  addEventListener(
    type: "message",
    listener: (event: MessageEvent) => void,
  ): void;
  postMessage(message: unknown): void;
}

/**
 * Makes the module that it is called in a worker of {@linkcode serveWorkers}.
 *
 * @param run Starts the server, with `context.listen` among its options.
 * @throws {ConnError} If the module does not run in a worker.
 *
 * @example A worker's module
 * ```ts ignore
 * import { listen, workerMain } from "@meerkat/net/conn";
 *
 * workerMain((context) =>
 *   listen({ ...context.listen }, (event, conn) => {
 *     if (event.type === "bytes") conn.send(event.bytes);
 *   })
 * );
 * ```
 */
export function workerMain<T = unknown>(
  run: (context: WorkerContext<T>) => Server | Promise<Server>,
): void {
  const scope = globalThis as unknown as WorkerScope;
  if (typeof scope.postMessage !== "function") {
    throw new ConnError(
      'Cannot run the worker\'s module: expected it to be started by "serveWorkers"',
      { code: "not_a_worker", side: "local" },
    );
  }
  const worker = new WorkerSide(run, (message) => {
    scope.postMessage(pack(message));
  });
  scope.addEventListener("message", (event) => {
    const message = unpack<ToWorker>(event.data);
    if (message !== undefined) worker.receive(message);
  });
  scope.postMessage(pack({ type: "loaded" }));
}

class WorkerSide<T> {
  readonly #run: (context: WorkerContext<T>) => Server | Promise<Server>;
  readonly #post: (message: FromWorker) => void;
  readonly #started = Promise.withResolvers<void>();
  #server: Server | undefined;
  #answer: ((message: unknown) => unknown) | undefined;
  #last: (() => void | Promise<void>) | undefined;

  constructor(
    run: (context: WorkerContext<T>) => Server | Promise<Server>,
    post: (message: FromWorker) => void,
  ) {
    this.#run = run;
    this.#post = post;
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case "start":
        this.#start(message.context as WorkerStart<T>);
        break;
      case "request":
        this.#reply(message.id, message.message);
        break;
      case "shutdown":
        this.#server?.shutdown({ timeout: message.timeout });
        break;
      case "close":
        this.#server?.close();
    }
  }

  async #start(start: WorkerStart<T>): Promise<void> {
    let server: Server;
    try {
      server = this.#server = await this.#run({
        ...start,
        onRequest: (answer) => this.#answer = answer,
        onFinished: (last) => this.#last = last,
      });
    } catch (error) {
      this.#post({ type: "failed", message: packError(error).message });
      return;
    }
    this.#post({ type: "listening", addr: server.addr });
    this.#started.resolve();
    await server.finished;
    await this.#last?.();
    this.#post({ type: "finished" });
  }

  async #reply(id: number, message: unknown): Promise<void> {
    await this.#started.promise;
    try {
      if (this.#answer === undefined) {
        throw new ConnError(
          'Cannot answer a request: expected the worker to have called "onRequest"',
          { code: "not_handled", side: "local" },
        );
      }
      this.#post({ type: "reply", id, reply: await this.#answer(message) });
    } catch (error) {
      this.#post({ type: "refused", id, refusal: packError(error) });
    }
  }
}
