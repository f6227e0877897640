/**
 * The difference between two values: JSON Merge Patch, RFC 7396.
 *
 * @module
 */

import { isDeepStrictEqual } from "node:util";
import library from "json-merge-patch";

// The library has no types.
const generate: (base: unknown, target: unknown) => unknown = library.generate;

/** The most levels of a value: the library, and who applies patches, recurse. */
const MAX_DEPTH = 100;
/** The most members of an object: the library takes the square of it in time. */
const MAX_MEMBERS = 1000;

/**
 * Finds the patch that makes one value of another.
 *
 * @param base The value that the other side has, as JSON text.
 * @param target The value that it is to have, as JSON text.
 * @returns The patch, as JSON text; or `undefined` if there is none that gives
 * exactly the target (a patch cannot set a member to `null`), if it is no shorter
 * than the target, or if a value is too deep or too wide to be compared quickly.
 */
export function mergePatch(base: string, target: string): string | undefined {
  // Anything but an object is its own patch.
  if (!base.startsWith("{") || !target.startsWith("{")) return undefined;
  const from: unknown = JSON.parse(base);
  const to: unknown = JSON.parse(target);
  if (!isModest(from, MAX_DEPTH) || !isModest(to, MAX_DEPTH)) return undefined;
  // It gives nothing for no difference.
  const patch = JSON.stringify(generate(from, to) ?? {});
  if (patch.length >= target.length) return undefined;
  // The text is tried, not the value: it is what the other side will have.
  const result = applyMergePatch(from, JSON.parse(patch));
  return isDeepStrictEqual(result, to) ? patch : undefined;
}

/**
 * Applies a patch, RFC 7396 §2. Neither of the arguments is changed; the result
 * shares what is the same with them.
 *
 * @param target A value, as parsed from JSON.
 * @param patch A JSON Merge Patch, parsed.
 * @returns The new value.
 */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  // Copied as a map, in which "__proto__" is a name like any other.
  const members = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, applyMergePatch(members.get(name), value));
  }
  return Object.fromEntries(members);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is compared quickly, and without an overflow of the stack. */
function isModest(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (depth === 0) return false;
  const members: unknown[] = Object.values(value);
  if (!Array.isArray(value) && members.length > MAX_MEMBERS) return false;
  return members.every((member) => isModest(member, depth - 1));
}
