/**
 * The proxies that are measured.
 *
 * @module
 */

import { need } from "../../tools/need.ts";
import { npmPackages } from "../_npm.ts";
import { Program } from "../_process.ts";
import type { Context } from "../_suite.ts";
import { startHaproxy } from "./_haproxy.ts";
import { startNginxProxy } from "./_nginx.ts";

/** A proxy that runs. */
export interface Proxy extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  /** CPU time until now, in microseconds; NaN if unknown. */
  cpu(): number;
}

/** A proxy by its label. */
export interface Labelled {
  /** What it is called in tables. */
  readonly label: string;
  /** The proxy. */
  readonly proxy: Proxy;
}

/** The names of the proxies: ours, and its peers. */
export type Name = "balance" | "nginx" | "HAProxy" | "http-proxy";

/**
 * Starts all proxies, ours first; says which are left out.
 *
 * @param context Where to say so, and Node.
 * @param backends The backends' ports.
 * @param all What ends them.
 * @returns The proxies by name.
 */
export async function startProxies(
  context: Context,
  backends: readonly number[],
  all: AsyncDisposableStack,
): Promise<Map<Name, Proxy>> {
  const proxies = new Map<Name, Proxy>();
  const add = async (name: Name, start: Promise<Proxy> | undefined) => {
    if (start === undefined) context.skip(`${name}, which is not to be had`);
    else proxies.set(name, all.use(await start));
  };
  const nginx = need("nginx", "bench balancer: nginx");
  const haproxy = need("haproxy", "bench balancer: HAProxy");
  await add("balance", startOurs(backends));
  await add(
    "nginx",
    nginx === undefined ? undefined : startNginxProxy(nginx, backends),
  );
  await add(
    "HAProxy",
    haproxy === undefined ? undefined : startHaproxy(haproxy, backends),
  );
  await add("http-proxy", startHttpProxy(context.node, backends, all));
  return proxies;
}

function startOurs(backends: readonly number[]): Promise<Proxy> {
  return Program.start({
    file: "balancer/meerkat.ts",
    args: backends.map(String),
  });
}

/** Makes what Node looks for packages in, as Deno's cache is not laid out so. */
function startHttpProxy(
  node: string | undefined,
  backends: readonly number[],
  all: AsyncDisposableStack,
): Promise<Proxy> | undefined {
  if (node === undefined) return undefined;
  const packages = npmPackages("npm:http-proxy@1");
  if (packages.length === 0) return undefined;
  const folder = Deno.makeTempDirSync({ prefix: "meerkat_bench_" });
  all.defer(() => Deno.remove(folder, { recursive: true }));
  const modules = `${folder}/node_modules`;
  Deno.mkdirSync(modules);
  for (const { name, path } of packages) {
    Deno.symlinkSync(path, `${modules}/${name}`);
  }
  return Program.start({
    file: "balancer/http_proxy.mjs",
    runtime: node,
    v8Flags: ["--preserve-symlinks", "--no-deprecation"],
    args: [`${modules}/http-proxy`, ...backends.map(String)],
  });
}
