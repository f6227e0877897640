/**
 * The difference between two values: JSON Merge Patch, RFC 7396.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import { applyMergePatch, isObject } from "./merge_patch.ts";

/** The most levels of a value: who makes and applies patches recurses. */
const MAX_DEPTH = 100;

/**
 * Finds the patch that makes one value of another.
 *
 * @param base The value that the other side has, as JSON text.
 * @param target The value that it is to have, as JSON text.
 * @returns The patch, as JSON text; or `undefined` if there is none that gives
 * exactly the target (a patch cannot set a member to `null`), if it is no shorter
 * than the target, or if a value is too deep.
 */
export function mergePatch(base: string, target: string): string | undefined {
  // Anything but an object is its own patch.
  if (!base.startsWith("{") || !target.startsWith("{")) return undefined;
  const from: unknown = JSON.parse(base);
  const to: unknown = JSON.parse(target);
  if (!isModest(from, MAX_DEPTH) || !isModest(to, MAX_DEPTH)) return undefined;
  if (!isObject(from) || !isObject(to)) return undefined;
  const patch = JSON.stringify(difference(from, to));
  if (patch.length >= target.length) return undefined;
  // The text is tried, not the value: it is what the other side will have.
  const result = applyMergePatch(from, JSON.parse(patch));
  return isDeepStrictEqual(result, to) ? patch : undefined;
}

/** The patch from one object to another; nothing is in it that is the same. */
function difference(
  from: Readonly<Record<string, unknown>>,
  to: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const patch: [string, unknown][] = [];
  for (const name of Object.keys(from)) {
    if (!Object.hasOwn(to, name)) patch.push([name, null]);
  }
  for (const [name, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, name) ? from[name] : undefined;
    if (isObject(before) && isObject(value)) {
      const inside = difference(before, value);
      if (Object.keys(inside).length > 0) patch.push([name, inside]);
    } else if (!isDeepStrictEqual(before, value)) patch.push([name, value]);
  }
  return Object.fromEntries(patch);
}

/** Whether a value is compared without an overflow of the stack. */
function isModest(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  return Object.values(value).every((member) => isModest(member, depth - 1));
}
