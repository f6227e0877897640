/**
 * Finds undici for Node in the cache of Deno, which downloads it.
 *
 * @module
 */

import { nodeVersion } from "../_machine.ts";

/** Where undici is, and which it is. */
export interface Undici {
  /** Its main module. */
  path: string;
  /** Its version. */
  version: string;
}

/**
 * Finds the newest undici that a Node can run.
 *
 * @param node The path of Node.
 * @returns The package, or `undefined` if it cannot be had.
 */
export function findUndici(node: string): Undici | undefined {
  const [major = 0, minor = 0] = nodeVersion(node);
  const range = major > 22 || (major === 22 && minor >= 19) ? "^8" : "^7";
  const specifier = `npm:undici@${range}`;
  deno("cache", "--quiet", "--no-config", "--no-lock", specifier);
  const info = deno("info", "--json", "--no-config", specifier);
  const { npmPackages = {} } = JSON.parse(info || "{}") as {
    npmPackages?: Record<string, { version: string; localPath: string }>;
  };
  const [found] = Object.values(npmPackages);
  if (found === undefined) return undefined;
  return { path: `${found.localPath}/index.js`, version: found.version };
}

function deno(...args: string[]): string {
  const { stdout } = new Deno.Command(Deno.execPath(), {
    args,
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout);
}
