/**
 * JSON Merge Patch, RFC 7396, as clients apply it.
 *
 * @module
 */

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

/** Whether a value is an object, and no array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
