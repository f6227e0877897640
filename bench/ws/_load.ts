/**
 * WebSocket servers under load.
 *
 * @module
 */

import { Program } from "../_process.ts";
import { type Claim, claimTable, compare, seriesTable } from "../_report.ts";
import { type Sample, sideBySide, type Subject } from "../_rounds.ts";
import type { Context } from "../_suite.ts";
import type { Kind } from "./_frames.ts";
import type { Server } from "./_servers.ts";

/** What clients do. */
export interface Load {
  /** How many there are. */
  connections: number;
  /** What they send. */
  kind: Kind;
  /** How long the messages are, in bytes. */
  size: number;
  /**
   * After how many messages from the server a client sends its next one.
   *
   * @default {1}
   */
  answers?: number;
  /**
   * Which compression they offer, see `_generator.ts`.
   *
   * @default {"none"}
   */
  offer?: "none" | "browser" | "no_context";
}

/** A server, and how much of its throughput is wanted at least. */
export interface Peer {
  /** The server; left out if it could not be found. */
  server: Server | undefined;
  /** The wanted ratio; left out for one that is only shown. */
  atLeast?: number | undefined;
}

/** Starts the generator. */
export function startGenerator(): Promise<Program> {
  return Program.start({ file: "ws/_generator.ts" });
}

/**
 * Puts load on our server and its peers in turns, prints and compares.
 *
 * @param context How long, and where to print.
 * @param ours Our server.
 * @param peers The others.
 * @param load The load.
 * @param suffix What labels end in, to tell figures apart.
 * @returns Our server compared with each of the others.
 */
export async function against(
  context: Context,
  ours: Server,
  peers: readonly Peer[],
  load: Load,
  suffix: string,
): Promise<Claim[]> {
  await using all = new AsyncDisposableStack();
  const generator = all.use(await startGenerator());
  const subjects: Subject[] = [];
  const add = async ({ label, start }: Server) => {
    const program = all.use(await start());
    subjects.push(underLoad(`${label}${suffix}`, program, generator, load));
  };
  await add(ours);
  const there = peers.filter(({ server }) => server !== undefined);
  for (const { server } of there) await add(server!);
  const [first, ...others] = await sideBySide(subjects, context.plan);
  const claims = others.map((peer, i) =>
    compare(first!, peer, there[i]!.atLeast)
  );
  context.print(`${seriesTable([first!, ...others], "message")}\n`);
  context.print(`${claimTable(claims)}\n`);
  return claims;
}

/** A server under load. Opening and closing connections does not count. */
function underLoad(
  label: string,
  server: Program,
  generator: Program,
  load: Load,
): Subject {
  const { connections, kind, size, answers = 1, offer = "none" } = load;
  let checked = false;
  const open = async () => {
    await generator.ask(`open ${server.port} ${connections} ${offer}`);
    // Once is enough, and where all get all, an echo is not all that comes.
    if (checked || answers > 1) return;
    await generator.ask(`check ${kind} ${size}`);
    checked = true;
  };
  const run = async (seconds: number): Promise<Sample> => {
    const before = [server.cpu(), generator.cpu()] as const;
    const answer = await generator.ask(
      `run ${kind} ${size} ${answers} ${seconds * 1000}`,
    );
    const [messages = 0, milliseconds = 0] = answer.split(" ").map(Number);
    const cpu = server.cpu() - before[0];
    return {
      rate: messages / milliseconds * 1000,
      cpu: cpu / messages,
      busy: cpu / milliseconds / 1000,
      load: (generator.cpu() - before[1]) / milliseconds / 1000,
    };
  };
  return {
    label,
    async measure(seconds) {
      await open();
      const sample = await run(seconds);
      await generator.ask("close");
      return sample;
    },
  };
}
