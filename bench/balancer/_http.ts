/**
 * Bodies of several lengths through the proxies.
 *
 * @module
 */

import { need } from "../../tools/need.ts";
import { type Claim, claimTable, compare, seriesTable } from "../_report.ts";
import { type Series, sideBySide, type Subject } from "../_rounds.ts";
import type { Context, Figure } from "../_suite.ts";
import { wrk } from "../_wrk.ts";
import { type Backends, PATHS, startBackends } from "./_nginx.ts";
import { type Name, type Proxy, startProxies } from "./_proxies.ts";

/** Throughput that is wanted at least, as ratios to the peers'. */
type Wanted = Partial<Record<Name, number>>;

/** What is asked for. */
interface Load {
  /** Where backends have it. */
  path: string;
  /** Open connections. */
  connections: number;
}

/**
 * Does something with all proxies, in front of the backends that all figures have.
 *
 * @param context Where to say what is left out.
 * @param use What to do.
 * @returns What it claims; nothing if there is no nginx, which the backends are.
 */
export async function withProxies(
  context: Context,
  use: (
    proxies: ReadonlyMap<Name, Proxy>,
    backends: Backends,
  ) => Promise<Claim[]>,
): Promise<Claim[]> {
  const program = need("nginx", "bench balancer: backends");
  if (program === undefined) {
    context.skip("all of it: the backends are nginx");
    return [];
  }
  await using all = new AsyncDisposableStack();
  const backends = all.use(await startBackends(program));
  return await use(await startProxies(context, backends.ports, all), backends);
}

/**
 * Measures a proxy under load by `wrk`.
 *
 * @param label What it is called.
 * @param proxy The proxy.
 * @param backends What it is in front of, whose time is the load's.
 * @param path The path of `wrk`.
 * @param load What to ask for.
 * @returns The subject.
 */
export function underWrk(
  label: string,
  proxy: Proxy,
  backends: Backends,
  path: string,
  load: Load,
): Subject {
  const url = `http://127.0.0.1:${proxy.port}${load.path}`;
  const { connections } = load;
  return {
    label,
    async measure(seconds) {
      const before = [proxy.cpu(), backends.cpu()] as const;
      const options = { path, seconds, connections };
      const { requests, microseconds } = await wrk(url, options);
      const cpu = proxy.cpu() - before[0];
      return {
        rate: requests / microseconds * 1e6,
        cpu: cpu / requests,
        busy: cpu / microseconds,
        load: (backends.cpu() - before[1]) / microseconds,
      };
    },
  };
}

/** Prints what came out, and compares ours with the others. */
export function report(
  context: Context,
  series: readonly Series[],
  wanted: readonly (number | undefined)[],
  unit?: string,
): Claim[] {
  const [ours, ...peers] = series;
  const claims = peers.map((peer, i) => compare(ours!, peer, wanted[i]));
  context.print(`${seriesTable(series, unit)}\n`);
  context.print(`${claimTable(claims)}\n`);
  return claims;
}

function figure(what: string, load: Load, wanted: Wanted): Figure {
  const { connections } = load;
  return {
    title: `${what}, ${connections} connections`,
    run: (context) =>
      withProxies(context, async (proxies, backends) => {
        const path = context.wrk;
        if (path === undefined) return [];
        const subjects = [...proxies].map(([name, proxy]) => {
          const label = `${name} (${what}, ${connections})`;
          return underWrk(label, proxy, backends, path, load);
        });
        const series = await sideBySide(subjects, context.plan);
        const peers = [...proxies.keys()].slice(1);
        return report(context, series, peers.map((name) => wanted[name]));
      }),
  };
}

/** Short bodies. */
export const small: Figure = figure(
  "12 B",
  { path: PATHS.small, connections: 64 },
  { "nginx": 1, "HAProxy": 0.8, "http-proxy": 4 },
);

/** Short bodies for many. */
export const many: Figure = figure(
  "12 B",
  { path: PATHS.small, connections: 512 },
  { "nginx": 1, "HAProxy": 0.8, "http-proxy": 4 },
);

/** Bodies of medium length. */
export const medium: Figure = figure(
  "16 KiB",
  { path: PATHS.medium, connections: 64 },
  {},
);

/** Long bodies: as many requests as MiB. */
export const large: Figure = figure(
  "1 MiB",
  { path: PATHS.large, connections: 16 },
  { nginx: 0.5 },
);
