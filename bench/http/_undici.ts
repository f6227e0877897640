/**
 * Finds undici for Node in the cache of Deno, which downloads it.
 *
 * @module
 */

import { nodeVersion } from "../_machine.ts";
import { npmPackages } from "../_npm.ts";

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
  const [found] = npmPackages(`npm:undici@${range}`);
  if (found === undefined) return undefined;
  return { path: `${found.path}/index.js`, version: found.version };
}
