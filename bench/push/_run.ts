/**
 * Hubs with subscribers, in turns.
 *
 * @module
 */

import { maxOpenFiles } from "../_proc.ts";
import { Program } from "../_process.ts";
import type { Context } from "../_suite.ts";
import { cpuOf, type Hub, type RunningHub } from "./_hubs.ts";

/** Files that each process needs for itself. */
const SPARE_FILES = 200;

/** A hub that runs, and what makes load for it. */
export interface Trial {
  /** What it is called. */
  readonly label: string;
  /** The hub. */
  readonly hub: RunningHub;
  /**
   * Opens subscribers and a publisher.
   *
   * @param count How many subscribers.
   * @param options How.
   */
  open(count: number, options?: OpenOptions): Promise<void>;
  /** Tells the generator what to do; see `_generator.ts`. */
  ask(line: string): Promise<number[]>;
  /** The same, and how busy both were meanwhile. */
  measure(line: string): Promise<Measured>;
}

/** How subscribers subscribe. */
export interface OpenOptions {
  /** Where. By default they get all values, in order. */
  path?: string;
  /** How many of them do not read after the first message. @default {0} */
  stalled?: number;
}

/** What a measurement gave. */
export interface Measured {
  /** The generator's answer. */
  answer: number[];
  /** CPU time of the hub, in microseconds. */
  cpu: number;
  /** CPU time of the generator, in microseconds. */
  load: number;
}

/** How long a run may take: slow hubs have to give all to all. */
const TIMEOUT = 300_000;

/** Starts the generator. */
export function startGenerator(): Promise<Program> {
  return Program.start({ file: "push/_generator.ts" });
}

/**
 * Starts a hub.
 *
 * @param hub What to start.
 * @param generator What makes load.
 * @param all What ends it.
 * @returns The hub, ready to be measured.
 */
export async function startTrial(
  hub: Hub,
  generator: Program,
  all: AsyncDisposableStack,
): Promise<Trial> {
  const running = all.use(await hub.start());
  const ask = async (line: string) =>
    (await generator.ask(line, TIMEOUT)).split(" ").map(Number);
  return {
    label: hub.label,
    hub: running,
    open: async (count, { path = hub.path, stalled = 0 } = {}) => {
      const ports = running.ports.join(",");
      await ask(`open ${ports} ${count} ${hub.format} ${stalled} ${path}`);
    },
    ask,
    measure: async (line) => {
      const before = [cpuOf(running), generator.cpu()] as const;
      const answer = await ask(line);
      return {
        answer,
        cpu: cpuOf(running) - before[0],
        load: generator.cpu() - before[1],
      };
    },
  };
}

/**
 * Says how many subscribers there can be.
 *
 * @param context Where to say that they are fewer, and whether they should be.
 * @param figure What they are for.
 * @param wanted How many there should be.
 * @param quick How many are enough for a smoke run.
 * @returns How many there are.
 */
export function subscribers(
  context: Context,
  figure: string,
  wanted: number,
  quick: number,
): number {
  const count = Math.min(
    context.quick ? quick : wanted,
    maxOpenFiles() - SPARE_FILES,
  );
  if (count < wanted) {
    context.skip(`${figure}: ${wanted - count} of ${wanted} subscribers`);
  }
  return count;
}
