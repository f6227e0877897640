/**
 * The worker's side of a server in several threads.
 *
 * @module
 */

import { pack, type ToWorker, unpack } from "./_worker_messages.ts";
import { ConnError } from "./error.ts";
import type { Server, SocketListenOptions } from "./listen.ts";

/** What a worker is told when it starts. */
export interface WorkerContext<T = unknown> {
  /** Which worker this is, from 0. */
  readonly index: number;
  /** How many workers there are. */
  readonly workers: number;
  /** Where to listen: goes into the options of `listen` or `serve` as it is. */
  readonly listen: Required<
    Pick<SocketListenOptions, "hostname" | "port" | "reusePort">
  >;
  /** The `data` of {@linkcode serveWorkers}, copied. */
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
  let server: Server | undefined;
  scope.addEventListener("message", (event) => {
    const message = unpack<ToWorker>(event.data);
    switch (message?.type) {
      case "start":
        start(message.context as WorkerContext<T>);
        break;
      case "shutdown":
        server?.shutdown({ timeout: message.timeout });
        break;
      case "close":
        server?.close();
    }
  });
  scope.postMessage(pack({ type: "loaded" }));

  async function start(context: WorkerContext<T>): Promise<void> {
    try {
      server = await run(context);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      scope.postMessage(pack({ type: "failed", message }));
      return;
    }
    scope.postMessage(pack({ type: "listening", addr: server.addr }));
    await server.finished;
    scope.postMessage(pack({ type: "finished" }));
  }
}
