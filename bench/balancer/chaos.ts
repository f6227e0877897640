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

/** Load and trouble, for a while. */
async function run(
  milliseconds: number,
  seed: number,
  ledger: Ledger,
  balancer: ChaosBalancer,
  backends: readonly ChaosBackend[],
  instances: ReadonlyMap<string, Instance>,
): Promise<void> {
  const trouble = new AbortController();
  const load = new AbortController();
  const setup = (offset: number, signal: AbortSignal): LoadSetup => {
    const random = new Random(seed * 1000 + offset);
    return { port: balancer.port, ledger, random, signal };
  };
  balancer.ended.then(({ code }) => {
    if (load.signal.aborted) return;
    ledger.violated("broken", `it ended by itself with ${code}`);
    trouble.abort();
    load.abort();
  });
  const sockets = new Sockets(setup(1, load.signal), instances);
  const clients = [
    ...Array.from(
      { length: GETTERS },
      (_, i) => getAgain(setup(100 + i, load.signal)),
    ),
    ...Array.from(
      { length: POSTERS },
      (_, i) => postAgain(setup(200 + i, load.signal)),
    ),
  ];
  const echoes = Array.from({ length: SOCKETS }, () => sockets.again());
  await pause(CALM);
  const timer = setTimeout(() => trouble.abort(), milliseconds);
  const { random } = setup(0, trouble.signal);
  const { signal } = trouble;
  await makeTrouble({ backends, balancer, sockets, ledger, random, signal });
  clearTimeout(timer);
  await pause(CALM);
  load.abort();
  await Promise.all(clients);
  // The WebSockets are still there: the balancer has to take leave of them.
  sockets.isLeaving = true;
  const { code, signal: killedBy } = await balancer.stop();
  if (code !== 0) {
    ledger.violated("broken", `it ended with ${killedBy ?? code}`);
  }
  await Promise.all(echoes);
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
  const ledger = new Ledger();
  const instances = new Map<string, Instance>();
  const folder = await Deno.makeTempDir({ prefix: "meerkat_chaos_" });
  const backends = await startBackends(node, ledger, instances);
  try {
    const balancer = await ChaosBalancer.start(
      `${folder}/balancer.jsonc`,
      backends,
    );
    console.log(`${describeMachine(node)}\nSeed: ${seed}\n`);
    await run(milliseconds, seed, ledger, balancer, backends, instances);
  } finally {
    await Promise.all(backends.map((backend) => backend.stop()));
    await Deno.remove(folder, { recursive: true });
  }
  ledger.close();
  console.log(ledger.report());
  console.log(ledger.isClean ? "\nAll is well" : "\nNOT well");
  return ledger.isClean ? 0 : 1;
}

Deno.exit(await main());
