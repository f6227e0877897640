/**
 * What Linux knows of a process. Elsewhere every figure is NaN.
 *
 * @module
 */

/** Linux reports process times in ticks of 10 ms on all its architectures. */
const MICROSECONDS_PER_TICK = 10_000;

/**
 * Reads the CPU time that a process has used, in user and system mode and in all
 * its threads.
 *
 * @param pid The process.
 * @returns Microseconds.
 */
export function cpuTime(pid: number): number {
  return ticks(read(`/proc/${pid}/stat`)) * MICROSECONDS_PER_TICK;
}

/**
 * Reads how much memory of a process is resident.
 *
 * @param pid The process.
 * @returns Bytes.
 */
export function residentSize(pid: number): number {
  const status = read(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
}

/**
 * Reads how many files this process and those it starts may have open.
 *
 * @returns The soft limit, or `Infinity` if it is unknown.
 */
export function maxOpenFiles(): number {
  const limits = read("/proc/self/limits");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}

/** Takes utime and stime, fields 14 and 15, out of a line of `stat`. */
export function ticks(stat: string): number {
  // The second field is the program's name, in parentheses, and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11] ?? NaN) + Number(fields[12] ?? NaN);
}

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
