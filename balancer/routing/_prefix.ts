// What it means for a path to be at or below a prefix.

const SLASH = 0x2f;

/**
 * Whether a path is the prefix or below it: `/api` covers `/api` and `/api/x`,
 * not `/apix`; `/api/` covers only what is below it, and itself.
 */
export function covers(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false;
  const { length } = prefix;
  return path.length === length || path.charCodeAt(length) === SLASH ||
    prefix.charCodeAt(length - 1) === SLASH;
}

/** The prefix without a slash at its end; what is below begins with one then. */
export function baseOf(prefix: string): string {
  return prefix.endsWith("/") ? prefix.slice(0, -1) : prefix;
}
