/**
 * Connections that wait for their next request.
 *
 * @module
 */

import { wrkLoad } from "../_load.ts";
import { maxOpenFiles } from "../_proc.ts";
import { Program } from "../_process.ts";
import { type Claim, claimTable } from "../_report.ts";
import type { Context, Figure } from "../_suite.ts";

const CONNECTIONS = 10_000;
const QUICK_CONNECTIONS = 1_000;
/** Files that each process needs for itself. */
const SPARE_FILES = 200;

/** What an idle connection adds to a server's memory. */
export const idle: Figure = {
  title: `memory of ${CONNECTIONS} idle keep-alive connections, in KB (1000 B)`,
  async run(context) {
    const count = Math.min(
      context.quick ? QUICK_CONNECTIONS : CONNECTIONS,
      maxOpenFiles() - SPARE_FILES,
    );
    if (count < CONNECTIONS) {
      context.skip(`idle: ${CONNECTIONS - count} of the connections`);
    }
    const claims: Claim[] = [];
    const add = async (
      label: string,
      file: string,
      runtime = "deno",
      atMost?: number,
    ) => {
      const [before, after] = await perConnection(context, file, {
        runtime,
        count,
      });
      const limit = atMost === undefined ? {} : { atMost };
      claims.push(
        { what: `${label}, at once`, value: single(before), ...limit },
        { what: `${label}, after GC`, value: single(after), ...limit },
      );
    };
    await add("http.listen", "http/meerkat_events.ts", "deno", 14);
    await add("Deno.serve", "http/deno_serve.ts");
    if (context.node !== undefined) {
      await add("node:http on Node", "http/node_http.mjs", context.node);
    }
    context.print(claimTable(claims));
    return claims;
  },
};

/** What a connection adds in KB: as the system sees it, and after a GC. */
async function perConnection(
  context: Context,
  file: string,
  { runtime, count }: { runtime: string; count: number },
): Promise<[before: number, after: number]> {
  await using server = await Program.start({
    file,
    runtime,
    v8Flags: ["--expose-gc"],
  });
  // What the first requests allocate for good is not the connections' memory.
  if (context.wrk !== undefined) {
    await wrkLoad(context.wrk, { connections: 64 })(server, 1);
  }
  await server.ask("gc");
  const base = server.memory();
  await using peer = await Program.start({ file: "_idle_load.ts" });
  await peer.ask(`open ${server.port} ${count}`);
  const opened = server.memory();
  await server.ask("gc");
  const collected = server.memory();
  return [(opened - base) / count / 1000, (collected - base) / count / 1000];
}

function single(value: number): Claim["value"] {
  return { median: value, min: value, max: value };
}
