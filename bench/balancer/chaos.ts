/**
 * GETs, POSTs and WebSockets through a balancer, while its backends are killed,
 * paused, restarted, slow, broken, drained, and its configuration changes; then
 * tells whether what clients saw is what backends did.
 *
 * ```sh
 * deno run -A bench/balancer/chaos.ts               # three minutes
 * deno run -A bench/balancer/chaos.ts --minutes 0.2 # a smoke run
 * deno run -A bench/balancer/chaos.ts --seed 7      # other troubles
 * ```
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { need } from "../../tools/need.ts";
import { describeMachine } from "../_machine.ts";
import { npmPackages } from "../_npm.ts";
import { ChaosBackend, type Instance } from "./_chaos_backends.ts";
import { ChaosBalancer } from "./_chaos_balancer_process.ts";
import { Ledger } from "./_chaos_ledger.ts";
import { getAgain, type LoadSetup, postAgain } from "./_chaos_load.ts";
import { pause, Random } from "./_chaos_random.ts";
import { Sockets } from "./_chaos_sockets.ts";
import { makeTrouble } from "./_chaos_trouble.ts";
import { freePort } from "./_daemon.ts";

const DEFAULT_MINUTES = 3;
const BACKENDS = 4;
const GETTERS = 16;
const POSTERS = 8;
const SOCKETS = 24;
/** How long to wait before and after trouble, in milliseconds. */
const CALM = 1_000;

/** Makes the backends, and starts them. */
async function startBackends(
  node: string,
  ledger: Ledger,
  instances: Map<string, Instance>,
): Promise<ChaosBackend[]> {
  const found = npmPackages("npm:ws@8").find(({ name }) => name === "ws");
  if (found === undefined) throw new Error("There is no npm package ws");
  const setup = { node, ws: `${found.path}/wrapper.mjs`, ledger };
  const backends = Array.from(
    { length: BACKENDS },
    (_, i) => new ChaosBackend(`b${i}`, freePort(), instances, setup),
  );
  await Promise.all(backends.map((backend) => backend.start()));
  return backends;
}

/** A balancer with its backends, and what is written down of them. */
class Chaos {
  readonly #seed: number;
  readonly #ledger: Ledger;
  readonly #balancer: ChaosBalancer;
  readonly #backends: readonly ChaosBackend[];
  readonly #sockets: Sockets;
  readonly #trouble = new AbortController();
  readonly #load = new AbortController();

  constructor(
    seed: number,
    ledger: Ledger,
    balancer: ChaosBalancer,
    backends: readonly ChaosBackend[],
    instances: ReadonlyMap<string, Instance>,
  ) {
    this.#seed = seed;
    this.#ledger = ledger;
    this.#balancer = balancer;
    this.#backends = backends;
    this.#sockets = new Sockets(this.#setup(1), instances);
    balancer.ended.then(({ code }) => this.#ended(code));
  }

  /** Load, and trouble for so many milliseconds; then the balancer takes leave. */
  async run(milliseconds: number): Promise<void> {
    const many = (count: number, from: number, what: typeof getAgain) =>
      Array.from({ length: count }, (_, i) => what(this.#setup(from + i)));
    const clients = [
      ...many(GETTERS, 100, getAgain),
      ...many(POSTERS, 200, postAgain),
    ];
    const sockets = this.#sockets;
    const echoes = Array.from({ length: SOCKETS }, () => sockets.again());
    await pause(CALM);
    await this.#makeTrouble(milliseconds);
    await pause(CALM);
    this.#load.abort();
    await Promise.all(clients);
    // The WebSockets are still there: the balancer has to take leave of them.
    sockets.isLeaving = true;
    const { code, signal } = await this.#balancer.stop();
    if (code !== 0) this.#broken(`it ended with ${signal ?? code}`);
    await Promise.all(echoes);
  }

  async #makeTrouble(milliseconds: number): Promise<void> {
    const timer = setTimeout(() => this.#trouble.abort(), milliseconds);
    await makeTrouble({
      backends: this.#backends,
      balancer: this.#balancer,
      sockets: this.#sockets,
      ledger: this.#ledger,
      random: new Random(this.#seed * 1000),
      signal: this.#trouble.signal,
    });
    clearTimeout(timer);
  }

  /** What a client needs; each has chance of its own. */
  #setup(offset: number): LoadSetup {
    return {
      port: this.#balancer.port,
      ledger: this.#ledger,
      random: new Random(this.#seed * 1000 + offset),
      signal: this.#load.signal,
    };
  }

  #ended(code: number): void {
    if (this.#load.signal.aborted) return;
    this.#broken(`it ended by itself with ${code}`);
    this.#trouble.abort();
    this.#load.abort();
  }

  #broken(details: string): void {
    this.#ledger.violated("broken", details);
  }
}

/** Runs it all with what has to be ended and removed after it. */
async function runWith(
  node: string,
  milliseconds: number,
  seed: number,
): Promise<Ledger> {
  const ledger = new Ledger();
  const instances = new Map<string, Instance>();
  const folder = await Deno.makeTempDir({ prefix: "meerkat_chaos_" });
  const backends = await startBackends(node, ledger, instances);
  try {
    const file = `${folder}/balancer.jsonc`;
    const balancer = await ChaosBalancer.start(file, backends);
    const chaos = new Chaos(seed, ledger, balancer, backends, instances);
    await chaos.run(milliseconds);
  } finally {
    await Promise.all(backends.map((backend) => backend.stop()));
    await Deno.remove(folder, { recursive: true });
  }
  ledger.close();
  return ledger;
}

async function main(): Promise<number> {
  const { minutes, seed: given } = parseArgs(Deno.args, {
    string: ["minutes", "seed"],
  });
  const milliseconds = Number(minutes ?? DEFAULT_MINUTES) * 60_000;
  const seed = Number(given ?? 1);
  if (!(milliseconds > 0) || !Number.isSafeInteger(seed)) {
    console.error(
      "Usage: deno run -A bench/balancer/chaos.ts [--minutes N] [--seed N]",
    );
    return 2;
  }
  const node = need("node", "chaos: the backends");
  if (node === undefined) return 2;
  console.log(`${describeMachine(node)}\nSeed: ${seed}\n`);
  const ledger = await runWith(node, milliseconds, seed);
  console.log(ledger.report());
  console.log(ledger.isClean ? "\nAll is well" : "\nNOT well");
  return ledger.isClean ? 0 : 1;
}

Deno.exit(await main());
