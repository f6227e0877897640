/**
 * Servers under load.
 *
 * @module
 */

import type { Program } from "./_process.ts";
import type { Sample, Subject } from "./_rounds.ts";
import { type Load, wrk } from "./_wrk.ts";

/** Puts load on a server for so many seconds. */
export type Generator = (server: Program, seconds: number) => Promise<Load>;

/** How much load. */
export interface LoadOptions {
  /** Open connections. */
  connections: number;
  /** What to ask for. @default {"/"} */
  path?: string;
  /** Requests that a connection sends at a time. @default {1} */
  depth?: number;
}

/**
 * Makes load with `wrk`.
 *
 * @param program The path of `wrk`.
 * @param options How much.
 * @returns The generator.
 */
export function wrkLoad(program: string, options: LoadOptions): Generator {
  const { path = "/", ...rest } = options;
  return (server, seconds) =>
    wrk(`http://127.0.0.1:${server.port}${path}`, {
      path: program,
      seconds,
      ...rest,
    });
}

/**
 * Makes load with `_raw_load.ts`.
 *
 * @param generator That program.
 * @param options How much.
 * @returns The generator.
 */
export function rawLoad(generator: Program, options: LoadOptions): Generator {
  const { connections, path = "/", depth = 1 } = options;
  return async (server, seconds) =>
    parseRun(
      await generator.ask(
        `run ${server.port} ${path} ${connections} ${depth} ${seconds * 1000}`,
      ),
    );
}

/**
 * Makes a subject of a server under load.
 *
 * @param label What it is called.
 * @param server The server.
 * @param load What to put on it.
 * @returns The subject.
 */
export function underLoad(
  label: string,
  server: Program,
  load: Generator,
): Subject {
  return {
    label,
    measure: (seconds) => sampleOf(server, () => load(server, seconds)),
  };
}

/**
 * Makes a subject of a program that drives itself, see `drive` in
 * `_program.mjs`.
 *
 * @param label What it is called.
 * @param program The program.
 * @param line What it is told, without the time.
 * @returns The subject.
 */
export function driven(
  label: string,
  program: Program,
  line: string,
): Subject {
  const run = async (seconds: number) =>
    parseRun(await program.ask(`${line} ${seconds * 1000}`));
  return { label, measure: (seconds) => sampleOf(program, () => run(seconds)) };
}

/** Weighs a program while something happens. */
async function sampleOf(
  program: Program,
  what: () => Promise<Load>,
): Promise<Sample> {
  const before = program.cpu();
  const { requests, microseconds } = await what();
  const cpu = program.cpu() - before;
  return {
    rate: requests / microseconds * 1e6,
    cpu: cpu / requests,
    busy: cpu / microseconds,
  };
}

function parseRun(answer: string): Load {
  const [requests = 0, milliseconds = 0] = answer.split(" ").map(Number);
  return { requests, microseconds: milliseconds * 1000 };
}
