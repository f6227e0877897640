/**
 * Connects, messages, aborts and rude closes, for minutes, against our server and
 * by our client; then tells whether both processes are where they were.
 *
 * ```sh
 * deno run -A bench/ws/soak.ts              # ten minutes
 * deno run -A bench/ws/soak.ts --seconds 5  # a smoke run
 * ```
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { describeMachine } from "../_machine.ts";
import { Program } from "../_process.ts";
import { grown, type Holding } from "./_soak_sample.ts";

const DEFAULT_MINUTES = 10;
const AT_A_TIME = 40;
/** How often both processes are looked at, at least and at most. */
const SAMPLES = [3, 20] as const;
/** How long it runs between two looks if that is possible, in seconds. */
const STEP = 10;
/** How much of the time warms up: what is allocated for good, and compiled. */
const WARM_UP = 0.1;
/** How long it takes to warm up at least, in seconds. */
const LEAST_WARM_UP = 2;
/** How long connections may take to be gone, in milliseconds. */
const SETTLE_TIMEOUT = 10_000;
const SETTLE_STEP = 100;

interface Report {
  counts: Record<string, number>;
  failures: Record<string, number>;
}

/** Both processes, and what happened. */
class Soak {
  readonly #server: Program;
  readonly #clients: Program;
  readonly total: Report = { counts: {}, failures: {} };

  constructor(server: Program, clients: Program) {
    this.#server = server;
    this.#clients = clients;
  }

  /** Runs for a while, and gives what each process holds when all is quiet. */
  async run(milliseconds: number): Promise<Holding[]> {
    const line = `run ${this.#server.port} ${AT_A_TIME} ${milliseconds}`;
    const answer = await this.#clients.ask(line, milliseconds + 60_000);
    const { counts, failures } = JSON.parse(answer) as Report;
    add(this.total.counts, counts);
    add(this.total.failures, failures);
    return await this.#settle();
  }

  async #settle(): Promise<Holding[]> {
    const end = performance.now() + SETTLE_TIMEOUT;
    for (;;) {
      const held: Holding[] = [];
      for (const program of [this.#server, this.#clients]) {
        held.push(JSON.parse(await program.ask("sample")));
      }
      const quiet = held.every(({ connections, timers }) =>
        connections === 0 && timers === 0
      );
      if (quiet || performance.now() > end) return held;
      await new Promise((resolve) => setTimeout(resolve, SETTLE_STEP));
    }
  }
}

function add(to: Record<string, number>, more: Record<string, number>): void {
  for (const [name, count] of Object.entries(more)) {
    to[name] = (to[name] ?? 0) + count;
  }
}

const NAMES = ["server", "clients"] as const;

function printRow(seconds: number, held: readonly Holding[]): void {
  for (const [i, each] of held.entries()) {
    const { files, connections, timers, contexts } = each;
    const [resident, heap, external] = [each.resident, each.heap, each.external]
      .map((bytes) => (bytes / 1e6).toFixed(1).padStart(6));
    console.log(
      `${seconds.toFixed(0).padStart(4)} s  ${NAMES[i]!.padEnd(7)}  ` +
        `resident ${resident} MB  heap ${heap} MB  external ${external} MB  ` +
        `files ${files}  connections ${connections}  timers ${timers}  ` +
        `contexts ${contexts}`,
    );
  }
}

/** Says what came out; gives what is wrong. */
function judge(
  before: readonly Holding[],
  after: readonly Holding[],
  { counts, failures }: Report,
): string[] {
  console.log("\nConnections:");
  for (const [name, count] of Object.entries(counts).sort()) {
    console.log(`  ${String(count).padStart(7)}  ${name}`);
  }
  const wrong = after.flatMap((held, i) =>
    grown(before[i]!, held).map((what) => `${NAMES[i]}: ${what}`)
  );
  for (const [what, count] of Object.entries(failures)) {
    wrong.push(`${count} times ${what}`);
  }
  return wrong;
}

/** Runs it all, and gives what was held when it was warm, and at the end. */
async function soakFor(
  seconds: number,
  soak: Soak,
): Promise<[before: Holding[], after: Holding[]]> {
  const warmUp = Math.max(LEAST_WARM_UP, seconds * WARM_UP);
  const before = await soak.run(warmUp * 1000);
  printRow(warmUp, before);
  let after = before;
  const rest = Math.max(1, seconds - warmUp);
  const [least, most] = SAMPLES;
  const samples = Math.max(least, Math.min(Math.round(rest / STEP), most));
  for (let i = 1; i <= samples; i++) {
    after = await soak.run(rest / samples * 1000);
    printRow(warmUp + i * rest / samples, after);
  }
  return [before, after];
}

async function main(): Promise<number> {
  const { minutes, seconds: given } = parseArgs(Deno.args, {
    string: ["minutes", "seconds"],
  });
  const seconds = Number(given ?? Number(minutes ?? DEFAULT_MINUTES) * 60);
  if (!(seconds > 0)) {
    console.error("Usage: deno run -A bench/ws/soak.ts [--minutes N]");
    return 2;
  }
  const v8Flags = ["--expose-gc"];
  await using server = await Program.start({
    file: "ws/_soak_server.ts",
    v8Flags,
  });
  await using clients = await Program.start({
    file: "ws/_soak_clients.ts",
    v8Flags,
  });
  console.log(`${describeMachine(undefined)}\n`);
  const soak = new Soak(server, clients);
  const [before, after] = await soakFor(seconds, soak);
  const wrong = judge(before, after, soak.total);
  for (const what of wrong) console.log(`\nGREW OR FAILED: ${what}`);
  console.log(
    wrong.length === 0 ? "\nAll is where it was" : "\nNOT where it was",
  );
  return wrong.length === 0 ? 0 : 1;
}

Deno.exit(await main());
