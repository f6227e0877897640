/**
 * What is the same in two settings, so that it can be left alone.
 *
 * @module
 */

import type { BackendSettings, UpstreamSettings } from "./settings.ts";

/**
 * Whether two backends are one: what is known about the old one holds for the new
 * one. The weight may differ.
 */
export function sameBackend(a: BackendSettings, b: BackendSettings): boolean {
  return a.id === b.id && sameSettings(a.endpoint, b.endpoint);
}

/** Whether two upstreams check their backends in the same way. */
export function sameChecks(a: UpstreamSettings, b: UpstreamSettings): boolean {
  return a.proxyProtocol === b.proxyProtocol &&
    sameSettings(a.health, b.health) && sameSettings(a.tls, b.tls);
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
