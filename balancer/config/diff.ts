/**
 * What is the same in two settings, so that it can be left alone.
 *
 * @module
 */

import type {
  BackendSettings,
  BalancerSettings,
  UpstreamSettings,
} from "./settings.ts";

/** Names, by what became of them. Each list is in the order of the settings. */
export interface Changes {
  /** In both, and the same. */
  readonly same: readonly string[];
  /** In both, and not the same. */
  readonly changed: readonly string[];
  /** Only in the new ones. */
  readonly added: readonly string[];
  /** Only in the old ones. */
  readonly removed: readonly string[];
}

/** What is the same in two settings. */
export interface SettingsDiff {
  /** Routes, by their names. */
  readonly routes: Changes;
  /** Upstreams, by their names. */
  readonly upstreams: Changes;
  /** Backends by their ids, for each upstream that is in either. */
  readonly backends: ReadonlyMap<string, Changes>;
}

/**
 * Compares two settings.
 *
 * @param before The old ones.
 * @param after The new ones.
 * @returns What is the same, and what is not.
 */
export function diffSettings(
  before: BalancerSettings,
  after: BalancerSettings,
): SettingsDiff {
  const old = byKey(before.upstreams, ({ name }) => name);
  const now = byKey(after.upstreams, ({ name }) => name);
  const backends = new Map<string, Changes>();
  for (const name of new Set([...now.keys(), ...old.keys()])) {
    const changes = compare(
      byKey(old.get(name)?.backends ?? [], ({ id }) => id),
      byKey(now.get(name)?.backends ?? [], ({ id }) => id),
    );
    backends.set(name, changes);
  }
  return {
    routes: compare(
      byKey(before.routes, ({ name }) => name),
      byKey(after.routes, ({ name }) => name),
    ),
    upstreams: compare(old, now),
    backends,
  };
}

/**
 * Whether two backends are one: what is known about the old one holds for the new
 * one. The weight may differ.
 */
export function sameBackend(a: BackendSettings, b: BackendSettings): boolean {
  return a.id === b.id && sameSettings(a.endpoint, b.endpoint);
}

/** Whether connections to a backend of one upstream serve the other, too. */
export function samePool(a: UpstreamSettings, b: UpstreamSettings): boolean {
  return a.proxyProtocol === b.proxyProtocol &&
    sameSettings(a.pool, b.pool) && sameSettings(a.tls, b.tls);
}

/** Whether two upstreams tell in the same way how their backends are. */
export function sameHealth(a: UpstreamSettings, b: UpstreamSettings): boolean {
  return a.slowStart === b.slowStart &&
    sameSettings(a.health, b.health) && sameSettings(a.ejection, b.ejection) &&
    // Checks speak TLS, too.
    sameSettings(a.tls, b.tls);
}

/** Whether what a policy has remembered for one upstream serves the other, too. */
export function samePolicy(a: UpstreamSettings, b: UpstreamSettings): boolean {
  return sameSettings(a.policy, b.policy);
}

/**
 * Whether two parts of settings say the same: lists in their order, objects in any
 * order; an option that is `undefined` is one that is left out; a function is the
 * same only as itself.
 */
export function sameSettings(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  for (const key of keys) {
    if (!sameSettings(own(a, key), own(b, key))) return false;
  }
  return true;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A field may be called as something that every object has. */
function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function byKey<T>(
  items: readonly T[],
  key: (item: T) => string,
): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [key(item), item]));
}

function compare<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): Changes {
  const same: string[] = [];
  const changed: string[] = [];
  const added: string[] = [];
  for (const [name, item] of after) {
    if (!before.has(name)) added.push(name);
    else if (sameSettings(before.get(name), item)) same.push(name);
    else changed.push(name);
  }
  const removed = [...before.keys()].filter((name) => !after.has(name));
  return { same, changed, added, removed };
}
