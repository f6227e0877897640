/**
 * How long a request takes while a proxy has half of what it could do.
 *
 * @module
 */

import { Program } from "../_process.ts";
import { type Claim, claimTable } from "../_report.ts";
import { ratio, type Spread, spread } from "../_rounds.ts";
import type { Context, Figure } from "../_suite.ts";
import { underWrk, withProxies } from "./_http.ts";
import { type Backends, PATHS } from "./_nginx.ts";
import type { Name, Proxy } from "./_proxies.ts";

const CONNECTIONS = 64;
/** Too slow for the others' rate: it gets half of its own. */
const SLOW: Name = "http-proxy";

/** What came out for one proxy: a value each round, in milliseconds. */
interface Latency {
  name: Name;
  rate: number;
  p50: number[];
  p99: number[];
}

/** Latency at half load. */
export const latency: Figure = {
  title: `latency at half load, 12 B, ${CONNECTIONS} connections`,
  run: (context) =>
    withProxies(context, async (proxies, backends) => {
      const path = context.wrk;
      if (path === undefined) return [];
      const most = await maxima(proxies, backends, path, context);
      const rates = [...most].filter(([name]) => name !== SLOW);
      const half = Math.min(...rates.map(([, rate]) => rate)) / 2;
      const all = [...proxies.keys()].map((name): Latency => ({
        name,
        rate: Math.round(name === SLOW ? most.get(name)! / 2 : half),
        p50: [],
        p99: [],
      }));
      await measure(context, proxies, all);
      return compareAll(context, all);
    }),
};

/** What each proxy can do. */
async function maxima(
  proxies: ReadonlyMap<Name, Proxy>,
  backends: Backends,
  path: string,
  context: Context,
): Promise<Map<Name, number>> {
  const most = new Map<Name, number>();
  for (const [name, proxy] of proxies) {
    const load = { path: PATHS.small, connections: CONNECTIONS };
    const subject = underWrk(name, proxy, backends, path, load);
    await subject.measure(1);
    most.set(name, (await subject.measure(context.plan.seconds)).rate);
  }
  return most;
}

/** Measures in turns, as `sideBySide` does, but for a latency in place of a rate. */
async function measure(
  context: Context,
  proxies: ReadonlyMap<Name, Proxy>,
  all: readonly Latency[],
): Promise<void> {
  const { rounds, seconds } = context.plan;
  await using generator = await Program.start({
    file: "balancer/_paced_load.ts",
  });
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const each = all[(round + turn) % all.length]!;
      const { port } = proxies.get(each.name)!;
      const answer = await generator.ask(
        `run ${port} ${PATHS.small} ${CONNECTIONS} ${each.rate} ${
          seconds * 1000
        }`,
      );
      const [, , p50 = NaN, p99 = NaN] = answer.split(" ").map(Number);
      each.p50.push(p50);
      each.p99.push(p99);
    }
  }
}

function compareAll(context: Context, all: readonly Latency[]): Claim[] {
  const rows = all.flatMap(({ name, rate, p50, p99 }) => {
    const row = (what: string, value: Spread): Claim => ({
      what: `${name}, ${rate} requests/s: ${what} in ms`,
      value,
    });
    return [row("p50", spread(p50)), row("p99", spread(p99))];
  });
  context.print(`${claimTable(rows)}\n`);
  const [ours, ...peers] = all;
  return peers.filter(({ name }) => name !== SLOW).flatMap((peer) =>
    (["p50", "p99"] as const).map((key): Claim => ({
      what: `${ours!.name} / ${peer.name} (${key} at half load)`,
      value: ratio(ours![key], peer[key]),
    }))
  );
}
