/**
 * Packages of npm for other runtimes than Deno, from the cache of Deno, which
 * downloads them.
 *
 * @module
 */

/** A package, and where it is. */
export interface NpmPackage {
  /** Its name. */
  name: string;
  /** Its version. */
  version: string;
  /** Its folder; that of a package for another system may not exist. */
  path: string;
}

/**
 * Downloads a package, if it is not there yet.
 *
 * @param specifier What to download: `npm:ws@8`.
 * @returns The package and all that it depends on; none if it cannot be had.
 */
export function npmPackages(specifier: string): NpmPackage[] {
  deno("cache", "--quiet", "--no-config", "--no-lock", specifier);
  const info = deno("info", "--json", "--no-config", specifier);
  const { npmPackages = {} } = JSON.parse(info || "{}") as {
    npmPackages?: Record<
      string,
      { name: string; version: string; localPath: string }
    >;
  };
  return Object.values(npmPackages).map(({ name, version, localPath }) => ({
    name,
    version,
    path: localPath,
  }));
}

function deno(...args: string[]): string {
  const { stdout } = new Deno.Command(Deno.execPath(), {
    args,
    stderr: "null",
  }).outputSync();
  return new TextDecoder().decode(stdout);
}
