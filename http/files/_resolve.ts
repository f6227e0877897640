// From names to a file or directory on disk that lies inside a root.

import { fromFileUrl } from "@std/path";
import { warm } from "./_warm.ts";

/** What names lead to, with symbolic links followed. */
export interface Found {
  readonly path: string;
  readonly info: Deno.FileInfo;
}

const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

/** A path from a path or a `file:` URL. */
export function toPath(path: string | URL): string {
  return typeof path === "string" ? path : fromFileUrl(path);
}

/** A path below `root`. */
export function joinNames(root: string, names: readonly string[]): string {
  if (names.length === 0) return root;
  const base = /[/\\]$/.test(root) ? root.slice(0, -1) : root;
  return `${base}/${names.join("/")}`;
}

/**
 * Finds what `names` lead to, below `root`.
 *
 * Each component is looked at, which costs less than resolving both real paths
 * and compares to nothing that was remembered. As long as none is a symbolic
 * link, no name can lead outside; where one is, the real paths decide.
 *
 * @returns `undefined` if there is nothing, or it lies outside.
 */
export async function lookUpInside(
  root: string,
  names: readonly string[],
): Promise<Found | undefined> {
  await warm(joinNames(root, names));
  return resolveInside(root, names);
}

function resolveInside(
  root: string,
  names: readonly string[],
): Found | undefined {
  try {
    if (names.length === 0) return { path: root, info: Deno.statSync(root) };
    let path = joinNames(root, []);
    if (/[/\\]$/.test(path)) path = path.slice(0, -1);
    for (const [i, name] of names.entries()) {
      path += `/${name}`;
      const info = Deno.lstatSync(path);
      if (info.isSymlink) return followInside(root, joinNames(root, names));
      if (i === names.length - 1) return { path, info };
      if (!info.isDirectory) return undefined;
    }
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return undefined;
}

function followInside(root: string, path: string): Found | undefined {
  const realRoot = Deno.realPathSync(root);
  const realPath = Deno.realPathSync(path);
  const prefix = realRoot.endsWith(SEPARATOR) ? realRoot : realRoot + SEPARATOR;
  if (realPath !== realRoot && !realPath.startsWith(prefix)) return undefined;
  return { path: realPath, info: Deno.statSync(realPath) };
}

/** Finds a file wherever it is, following links. */
export async function lookUpAnywhere(
  path: string,
): Promise<Found | undefined> {
  await warm(path);
  try {
    return { path, info: Deno.statSync(path) };
  } catch (error) {
    if (!isMissing(error)) throw error;
    return undefined;
  }
}

/** Codes of errors for which `Deno.errors` has no class of their own. */
const MISSING_CODES = ["ENAMETOOLONG", "EINVAL", "ELOOP", "ENOTDIR"];

/** Whether a look-up failed because there is nothing under that name. */
export function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.FilesystemLoop ||
    error instanceof Error && "code" in error &&
      MISSING_CODES.includes(String(error.code));
}

/** Whether the system does not let this process at a file. */
export function isDenied(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied;
}
