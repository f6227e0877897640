/**
 * Clients, each asking the same server.
 *
 * @module
 */

import { driven } from "../_load.ts";
import { Program, type Start } from "../_process.ts";
import { type Claim, claimTable, compare, seriesTable } from "../_report.ts";
import { sideBySide, type Subject } from "../_rounds.ts";
import type { Figure } from "../_suite.ts";
import { findUndici } from "./_undici.ts";

const IN_FLIGHT = 64;

/** Our client against others. */
export const client: Figure = {
  title: `a client asks for 12 bytes, ${IN_FLIGHT} requests in flight`,
  async run(context) {
    await using all = new AsyncDisposableStack();
    const server = all.use(await Program.start({ file: "_fixed_server.ts" }));
    const wanted: (number | undefined)[] = [];
    const subjects: Subject[] = [];
    const add = async (label: string, start: Start, atLeast?: number) => {
      const program = all.use(await Program.start(start));
      const line = `run http://127.0.0.1:${server.port}/ ${IN_FLIGHT}`;
      subjects.push(driven(label, program, line));
      wanted.push(atLeast);
    };
    await add("Client.request", { file: "http/meerkat_client.ts" });
    await add("our fetch", { file: "http/meerkat_fetch.ts" });
    await add("undici on Deno", { file: "http/undici.mjs" }, 2);
    await add("Deno's fetch", { file: "http/deno_fetch.ts" }, 2.5);
    const found = context.node && findUndici(context.node);
    if (context.node !== undefined && found) {
      await add(`undici ${found.version} on Node`, {
        file: "http/undici.mjs",
        runtime: context.node,
        args: [found.path],
      }, 2);
    } else context.skip("undici on Node: one of them is not to be had");

    const series = await sideBySide(subjects, context.plan);
    const [ours, fetch] = series;
    const claims: Claim[] = series.slice(2).map((peer, i) =>
      compare(ours!, peer, wanted[i + 2])
    );
    claims.push(compare(fetch!, series[3]!));
    context.print(`${seriesTable(series)}\n`);
    context.print(claimTable(claims));
    return claims;
  },
};
