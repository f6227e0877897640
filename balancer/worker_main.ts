/**
 * The worker's side of a balancer in several threads.
 *
 * @module
 */

import { type WorkerContext, workerMain } from "../conn/worker_main.ts";
import {
  apply,
  type BalancerMessage,
  type BalancerStart,
} from "./_worker_messages.ts";
import type { BalancerServer } from "./balance.ts";
import type { Balancer } from "./balancer.ts";
import type { BalancerConfig } from "./config/config.ts";

/** What a worker of {@linkcode balanceWorkers} is told when it starts. */
export interface BalancerWorkerContext<T = unknown>
  extends Omit<WorkerContext<T>, "onRequest"> {
  /** What the balancer does. */
  readonly config: BalancerConfig;
}

/**
 * Makes the module that it is called in a worker of {@linkcode balanceWorkers}.
 *
 * @param run Starts the balancer with `context.config`, and with `context.listen`
 * among its options.
 * @throws {ConnError} If the module does not run in a worker.
 *
 * @example A worker's module
 * ```ts ignore
 * import { balance, balancerMain } from "@meerkat/net/balancer";
 *
 * balancerMain(({ config, listen }) => balance(config, listen));
 * ```
 */
export function balancerMain<T = unknown>(
  run: (
    context: BalancerWorkerContext<T>,
  ) => BalancerServer | Promise<BalancerServer>,
): void {
  workerMain<BalancerStart<T>>(async ({ onRequest, ...context }) => {
    const { config, changes, data } = context.data;
    const server = await run({ ...context, config, data });
    const { balancer } = server;
    for (const change of changes) {
      try {
        await apply(change, balancer);
      } catch {
        // What the change was made to is gone in the other threads, too.
      }
    }
    onRequest((message) => answer(message as BalancerMessage, balancer));
    return server;
  });
}

function answer(message: BalancerMessage, balancer: Balancer): unknown {
  switch (message.type) {
    case "update":
      return balancer.update(message.config);
    case "explain":
      return balancer.explain(message.query);
    case "ready":
      return balancer.ready();
    case "snapshot":
      return balancer.snapshot();
    default:
      return apply(message, balancer);
  }
}
