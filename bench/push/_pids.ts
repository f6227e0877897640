/**
 * The processes of daemons that write their id into a file.
 *
 * @module
 */

const TIMEOUT = 5_000;
const STEP = 20;

/**
 * Finds a daemon's processes. It may listen before it has written its file, and
 * before it has started others.
 *
 * @param file The path of the file.
 * @param children How many others it starts.
 * @returns Its id and those of the others.
 */
export async function daemonPids(
  file: string,
  children: number,
): Promise<number[]> {
  const end = performance.now() + TIMEOUT;
  for (;;) {
    const [pid] = numbers(file);
    const others = numbers(`/proc/${pid}/task/${pid}/children`);
    if (pid !== undefined && others.length >= children) return [pid, ...others];
    if (performance.now() > end) {
      throw new Error(`Cannot find the process of "${file}"`);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP));
  }
}

function numbers(file: string): number[] {
  try {
    const words = Deno.readTextFileSync(file).split(/\s+/);
    return words.filter((word) => word !== "").map(Number);
  } catch {
    return []; // It is not there yet.
  }
}
