/**
 * Servers that answer with 12 bytes.
 *
 * @module
 */

import {
  type Generator,
  type LoadOptions,
  rawLoad,
  underLoad,
  wrkLoad,
} from "../_load.ts";
import { Program } from "../_process.ts";
import { type Claim, claimTable, compare, seriesTable } from "../_report.ts";
import { sideBySide, type Subject } from "../_rounds.ts";
import type { Context, Figure } from "../_suite.ts";

const CONNECTIONS = 64;
const DEPTH = 16;

/** A peer, and how much of its throughput is wanted at least. */
interface Peer {
  label: string;
  server: Program;
  atLeast?: number;
}

/** Measures subjects in turns, prints and compares the first with the others. */
async function measure(
  context: Context,
  subjects: readonly Subject[],
  wanted: readonly (number | undefined)[],
): Promise<Claim[]> {
  const [ours, ...peers] = await sideBySide(subjects, context.plan);
  const claims = peers.map((peer, i) => compare(ours!, peer, wanted[i]));
  context.print(`${seriesTable([ours!, ...peers])}\n`);
  context.print(`${claimTable(claims)}\n`);
  return claims;
}

/** Does something with each way to make load that there is. */
async function withLoads(
  context: Context,
  use: (
    name: string,
    load: (options: LoadOptions) => Generator,
  ) => Promise<Claim[]>,
): Promise<Claim[]> {
  const claims: Claim[] = [];
  const path = context.wrk;
  if (path !== undefined) {
    claims.push(...await use("wrk", (options) => wrkLoad(path, options)));
  }
  await using raw = await Program.start({ file: "_raw_load.ts" });
  claims.push(...await use("raw", (options) => rawLoad(raw, options)));
  return claims;
}

/** Loads our server and its peers, in both ways. */
function against(
  context: Context,
  ours: Peer,
  peers: readonly Peer[],
): Promise<Claim[]> {
  return withLoads(context, (name, load) => {
    const generator = load({ connections: CONNECTIONS });
    const subjects = [ours, ...peers].map(({ label, server }) =>
      underLoad(`${label} (${name})`, server, generator)
    );
    return measure(context, subjects, peers.map(({ atLeast }) => atLeast));
  });
}

/** `http.listen` against others. */
export const events: Figure = {
  title: `a handler of events answers 12 bytes, ${CONNECTIONS} connections`,
  async run(context) {
    await using all = new AsyncDisposableStack();
    const start = async (file: string, runtime = "deno") =>
      all.use(await Program.start({ file: `http/${file}`, runtime }));
    const peers: Peer[] = [
      {
        label: "Deno.serve",
        server: await start("deno_serve.ts"),
        atLeast: 0.9,
      },
      { label: "node:http on Deno", server: await start("node_http.mjs") },
      {
        label: "Deno.Conn, unparsed",
        server: all.use(await Program.start({ file: "_fixed_server.ts" })),
      },
    ];
    if (context.node !== undefined) {
      peers.push({
        label: "node:http on Node",
        server: await start("node_http.mjs", context.node),
        atLeast: 2.5,
      });
    } else {
      context.skip("node:http on Node, which is not installed");
      peers[1]!.atLeast = 2.5;
    }
    const server = await start("meerkat_events.ts");
    return await against(context, { label: "http.listen", server }, peers);
  },
};

/** `http.serve` against `Deno.serve`, looking at the request and not. */
export const serve: Figure = {
  title: `Request to Response, 12 bytes, ${CONNECTIONS} connections`,
  async run(context) {
    const claims: Claim[] = [];
    for (const look of [false, true]) {
      const args = look ? ["look"] : [];
      await using ours = await Program.start({
        file: "http/meerkat_serve.ts",
        args,
      });
      await using deno = await Program.start({
        file: "http/deno_serve.ts",
        args,
      });
      const suffix = look ? " reading it" : "";
      claims.push(
        ...await against(
          context,
          { label: `http.serve${suffix}`, server: ours },
          [{
            label: `Deno.serve${suffix}`,
            server: deno,
            ...(look ? {} : { atLeast: 0.5 }),
          }],
        ),
      );
    }
    return claims;
  },
};

/** `http.listen` with requests sent one by one and many at a time. */
export const pipelined: Figure = {
  title: `${DEPTH} requests at a time, ${CONNECTIONS} connections`,
  async run(context) {
    await using server = await Program.start({
      file: "http/meerkat_events.ts",
    });
    return await withLoads(context, (name, load) => {
      const at = (depth: number) => load({ connections: CONNECTIONS, depth });
      return measure(context, [
        underLoad(`${DEPTH} pipelined (${name})`, server, at(DEPTH)),
        underLoad(`1 at a time (${name})`, server, at(1)),
      ], [3]);
    });
  },
};
