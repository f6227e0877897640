// From a request's URL to the names of files. Pure: what the names lead to is
// for `_resolve.ts` to find out.

/** A path that was taken apart. */
export interface RequestPath {
  /** Decoded. None is empty, is `.` or `..`, or has a separator or NUL in it. */
  readonly names: readonly string[];
  /** Whether it ended in a slash, so that it can only name a directory. */
  readonly slash: boolean;
}

/** The path of an absolute URL, still encoded, and its query with the `?`. */
export function splitUrl(url: string): { path: string; query: string } {
  const authority = url.indexOf("://") + 3;
  const hash = url.indexOf("#", authority);
  const end = hash < 0 ? url.length : hash;
  const mark = url.indexOf("?", authority);
  const query = mark < 0 || mark > end ? end : mark;
  const slash = url.indexOf("/", authority);
  return {
    path: slash < 0 || slash > query ? "/" : url.slice(slash, query),
    query: url.slice(query, end),
  };
}

/**
 * Takes a path apart.
 *
 * Dot segments are refused and not resolved: clients resolve them before they
 * ask, so whoever sends them is up to something. An escape is decoded once; what
 * then still looks like one is part of a name.
 *
 * @param path Starts with a slash, percent-encoded.
 * @param windows Whether the names are for Windows, which forbids more.
 * @returns A status if it cannot be taken apart: 400 for what is malformed or a
 * traversal, 404 for names that no file can have.
 */
export function parsePath(
  path: string,
  windows: boolean,
): RequestPath | 400 | 404 {
  const parts = path.split("/").slice(1);
  const slash = parts.at(-1) === "";
  if (slash) parts.pop();
  let odd = false;
  for (const [i, part] of parts.entries()) {
    const name = decode(part);
    if (name === undefined || isTraversal(name)) return 400;
    odd ||= name === "" || windows && !isWindowsName(name);
    parts[i] = name;
  }
  return odd ? 404 : { names: parts, slash };
}

/** The path of `names`, percent-encoded. */
export function formatPath(names: readonly string[], slash: boolean): string {
  const path = names.map((name) => "/" + encodeURIComponent(name)).join("");
  return slash ? path + "/" : path;
}

/** Whether a directory entry has a name that {@linkcode parsePath} lets through. */
export function isServable(name: string, windows: boolean): boolean {
  return name !== "" && !isTraversal(name) && name.isWellFormed() &&
    (!windows || isWindowsName(name));
}

/** Not for overlong or other invalid UTF-8: the decoder throws on that. */
function decode(part: string): string | undefined {
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/**
 * A backslash is refused everywhere, not only where it separates: a name that
 * has one is far rarer than a probe for a server that mistakes it.
 */
function isTraversal(name: string): boolean {
  return name === "." || name === ".." || /[/\\\0]/.test(name);
}

/** Streams (`a.txt::$DATA`), drives, devices, and names that Windows trims. */
function isWindowsName(name: string): boolean {
  // deno-lint-ignore no-control-regex
  return !/[<>:"|?*\x00-\x1f]|[. ]$/.test(name) &&
    !/^(?:con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³])(?:\.|$)/i
      .test(name);
}
