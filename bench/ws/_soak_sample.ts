/**
 * What a process holds, and whether it gave back what it took.
 *
 * @module
 */

import { systemClock } from "@meerkat/net/conn";
import { wheelFor } from "../../conn/wheel.ts";
import { deflateBudget } from "../../ws/deflate/budget.ts";

/** What a process holds at one moment, with no connection open. */
export interface Holding {
  /** Resident memory, in bytes. */
  resident: number;
  /** Live objects, in bytes. */
  heap: number;
  /** What objects hold outside the heap, in bytes. */
  external: number;
  /** Open files, sockets among them; NaN if unknown. */
  files: number;
  /** Open connections. */
  connections: number;
  /** Deadlines in the timer wheel. */
  timers: number;
  /** What compression has reserved for contexts, in bytes. */
  contexts: number;
}

/** What a holding may differ by from another: a part of it, and a constant. */
type Slack = Readonly<
  Record<keyof Holding, readonly [part: number, plus: number]>
>;

const MB = 1_000_000;

/** Memory is given back in pieces, and the compiler keeps learning. */
const SLACK: Slack = {
  resident: [0.15, 24 * MB],
  heap: [0.15, 2 * MB],
  external: [0.15, 2 * MB],
  files: [0, 0],
  connections: [0, 0],
  timers: [0, 0],
  contexts: [0, 0],
};

/**
 * Collects garbage, and looks at this process.
 *
 * @param connections How many connections are open.
 * @returns What it holds.
 */
export function hold(connections: number): Holding {
  const { gc } = globalThis as { gc?: () => void };
  for (let i = 0; i < 3; i++) gc?.();
  const { rss, heapUsed, external } = Deno.memoryUsage();
  return {
    resident: rss,
    heap: heapUsed,
    external,
    files: openFiles(),
    connections,
    timers: wheelFor(systemClock).size,
    contexts: deflateBudget.used,
  };
}

function openFiles(): number {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return NaN;
  }
}

/**
 * Finds what grew.
 *
 * @param before What a process held when it was warm.
 * @param after What it holds now.
 * @returns A line for each that grew by more than chance; none is good.
 */
export function grown(before: Holding, after: Holding): string[] {
  const found: string[] = [];
  for (const [name, [part, plus]] of Object.entries(SLACK)) {
    const key = name as keyof Holding;
    const limit = before[key] * (1 + part) + plus;
    if (after[key] > limit) {
      found.push(`${name}: ${before[key]} became ${after[key]}`);
    }
  }
  return found;
}
