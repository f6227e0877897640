/**
 * What the threads of a balancer tell each other, and what one that starts later
 * has to know.
 *
 * @module
 */

import type { AdminTarget, ExplainQuery } from "./admin/target.ts";
import type {
  BackendConfig,
  BalancerConfig,
  UpstreamConfig,
} from "./config/config.ts";
import { sameBackend, sameSettings } from "./config/diff.ts";
import type { BalancerSettings } from "./config/settings.ts";

/** A change that lasts until the configuration changes. */
export type Change =
  | { type: "add"; upstream: string; id: string; backend: BackendConfig }
  | { type: "remove"; upstream: string; id: string }
  | { type: "drain"; upstream: string; id: string; draining: boolean }
  | { type: "weight"; upstream: string; id: string; weight: number };

/** What the main thread asks the others. */
export type BalancerMessage =
  | Change
  | { type: "update"; config: BalancerConfig }
  | { type: "explain"; query: ExplainQuery }
  | { type: "ready" }
  | { type: "snapshot" };

/** What a thread is told when it starts. */
export interface BalancerStart<T = unknown> {
  config: BalancerConfig;
  /** What changed since. */
  changes: readonly Change[];
  readonly data: T;
}

/** Makes a change. */
export function apply(
  change: Change,
  target: AdminTarget,
): void | Promise<void> {
  const { upstream, id } = change;
  switch (change.type) {
    case "add":
      return target.addBackend(upstream, change.backend);
    case "remove":
      return target.removeBackend(upstream, id);
    case "drain":
      return target.setDraining(upstream, id, change.draining);
    case "weight":
      return target.setWeight(upstream, id, change.weight);
  }
}

/**
 * Adds a change to those that came before, and leaves out what it makes void: the
 * list does not grow for ever.
 */
export function withChange(
  changes: readonly Change[],
  change: Change,
): readonly Change[] {
  const isSame = (other: Change) =>
    other.upstream === change.upstream && other.id === change.id;
  const isVoid = (other: Change) =>
    isSame(other) && (change.type === "remove" || other.type === change.type);
  const rest = changes.filter((other) => !isVoid(other));
  // What no configuration had need not be removed.
  const wasAdded = change.type === "remove" &&
    changes.find(isSame)?.type === "add";
  return wasAdded ? rest : [...rest, change];
}

/** Leaves out the changes that do not outlive a change of the configuration. */
export function changesAfter(
  changes: readonly Change[],
  before: BalancerSettings,
  after: BalancerSettings,
): readonly Change[] {
  return changes.filter(({ type, upstream, id }) => {
    const [old, now] = [before, after].map(({ upstreams }) =>
      upstreams.find(({ name }) => name === upstream)
    );
    if (old === undefined || now === undefined) return false;
    if (sameSettings(old.backends, now.backends)) return true;
    const [was, is] = [old, now].map(({ backends }) =>
      backends.find((backend) => backend.id === id)
    );
    return type === "drain" && was !== undefined && is !== undefined &&
      sameBackend(was, is);
  });
}

/**
 * The configuration for one of several threads: a client's cookie holds in each of
 * them, and together they are as fast to drain as one.
 *
 * @param config The configuration.
 * @param secret For the cookies of policies that were given none.
 * @param workers How many threads there are.
 */
export function forThreads(
  config: BalancerConfig,
  secret: string,
  workers: number,
): BalancerConfig {
  const upstreams = Object.entries(config.upstreams ?? {}).map((
    [name, upstream],
  ) => [name, withSecret(upstream, secret)]);
  return {
    ...config,
    upstreams: Object.fromEntries(upstreams),
    routes: config.routes.map((route) =>
      typeof route.upstream === "object"
        ? { ...route, upstream: withSecret(route.upstream, secret) }
        : route
    ),
    drainRate: (config.drainRate ?? 100) / workers,
  };
}

function withSecret(upstream: UpstreamConfig, secret: string): UpstreamConfig {
  const { policy } = upstream;
  if (policy === "sticky") {
    return { ...upstream, policy: { type: "sticky", secret } };
  }
  if (typeof policy === "object" && policy.type === "sticky") {
    return { ...upstream, policy: { secret, ...policy } };
  }
  return upstream;
}
