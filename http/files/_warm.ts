// Which paths the kernel has in its caches. There a look-up takes about 3 µs and
// a read of 64 KiB about 5; the hop to a thread of the pool and back costs
// several times that. But what must wait for a disk must not hold up every other
// connection. So the first use of a path goes through the pool, and those that
// follow soon after are made in the calling thread.

/** For how many milliseconds after its last use a path counts as cached. */
const WARM_FOR = 5000;

/** Paths remembered; the one used longest ago goes first. */
const MAX_PATHS = 4096;

/** Paths that were used a moment ago. Says nothing about what is there. */
class RecentPaths {
  readonly #lastUse = new Map<string, number>();

  /** Whether `path` was used lately; if so, that is a use, too. */
  has(path: string): boolean {
    const used = this.#lastUse.get(path);
    if (used === undefined) return false;
    this.#lastUse.delete(path);
    const now = Date.now();
    if (Math.abs(now - used) > WARM_FOR) return false;
    this.#lastUse.set(path, now);
    return true;
  }

  /** Notes that `path` was used. */
  add(path: string): void {
    this.#lastUse.set(path, Date.now());
    if (this.#lastUse.size <= MAX_PATHS) return;
    this.#lastUse.delete(this.#lastUse.keys().next().value as string);
  }
}

/** Small files that were read as a whole. */
export const recentReads = new RecentPaths();

const recentLookUps = new RecentPaths();

/**
 * Sees to it that looking up `path` will not wait for a disk.
 *
 * @param path The path, whether or not anything is there.
 * @returns A promise to wait for, or `undefined` if there is nothing to do.
 */
export function warm(path: string): Promise<void> | undefined {
  if (recentLookUps.has(path)) return undefined;
  // Noted only once it is done: who asks meanwhile would wait for the disk, too.
  const done = () => recentLookUps.add(path);
  return Deno.stat(path).then(done, done); // the real look-up will tell
}
