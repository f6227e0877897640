// Reads what a listing shows.

import type { ListingEntry } from "./_listing.ts";
import { isServable } from "./_path.ts";
import { isDenied, isMissing, joinNames, lookUpInside } from "./_resolve.ts";
import type { Found } from "./_resolve.ts";

/** Entries beyond this many are counted and not shown. */
const MAX_ENTRIES = 10_000;

/** Entries that are looked up at the same time. */
const BATCH = 64;

/** What to read. */
export interface ReadDirectoryOptions {
  /** The root that links must not leave. */
  readonly root: string;
  /** The names of the directory below it. */
  readonly names: readonly string[];
  /** Whether names that start with a dot are shown. */
  readonly dotfiles: boolean;
}

/** Reads the entries that the server would also serve. */
export async function readDirectory(
  directory: Found,
  options: ReadDirectoryOptions,
): Promise<{ entries: ListingEntry[]; hidden: number }> {
  const windows = Deno.build.os === "windows";
  const names: string[] = [];
  let hidden = 0;
  for await (const { name } of Deno.readDir(directory.path)) {
    if (!options.dotfiles && name.startsWith(".")) continue;
    if (!isServable(name, windows)) continue;
    if (names.length < MAX_ENTRIES) names.push(name);
    else hidden++;
  }
  const entries: ListingEntry[] = [];
  for (let i = 0; i < names.length; i += BATCH) {
    const found = await Promise.all(
      names.slice(i, i + BATCH).map((name) => look(directory, name, options)),
    );
    for (const entry of found) if (entry) entries.push(entry);
  }
  return { entries, hidden };
}

/** Looks at one entry; `undefined` if a request for it would get no answer. */
async function look(
  directory: Found,
  name: string,
  { root, names }: ReadDirectoryOptions,
): Promise<ListingEntry | undefined> {
  try {
    let info = await Deno.lstat(joinNames(directory.path, [name]));
    if (info.isSymlink) {
      const target = await lookUpInside(root, [...names, name]);
      if (!target) return undefined;
      info = target.info;
    }
    if (!info.isFile && !info.isDirectory) return undefined;
    return {
      name,
      directory: info.isDirectory,
      size: info.size,
      modified: info.mtime?.getTime(),
    };
  } catch (error) {
    // It was removed since, or this process may not look at it.
    if (isMissing(error) || isDenied(error)) return undefined;
    throw error;
  }
}
