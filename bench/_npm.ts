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

/** Finds `ws`, for Node. */
export const findWs: () => NpmPackage | undefined = once(() =>
  npmPackages("npm:ws@8").find(({ name }) => name === "ws")
);

/** Finds Bun; its path is that of the program. */
export const findBun: () => NpmPackage | undefined = once(() => {
  // There is a package for each system and libc: one of them runs here.
  for (const each of npmPackages("npm:bun@1")) {
    const path = `${each.path}/bin/bun`;
    if (each.name.startsWith("@oven/") && runs(path)) return { ...each, path };
  }
  return undefined;
});

function runs(program: string): boolean {
  try {
    const command = new Deno.Command(program, { args: ["--version"] });
    return command.outputSync().success;
  } catch {
    return false;
  }
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
