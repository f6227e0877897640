/**
 * Connections on which nothing happens.
 *
 * @module
 */

import { maxOpenFiles } from "../_proc.ts";
import { type Claim, claimTable } from "../_report.ts";
import type { Context, Figure } from "../_suite.ts";
import { startGenerator } from "./_load.ts";
import { findServers, type Server } from "./_servers.ts";

const CONNECTIONS = 15_000;
const QUICK_CONNECTIONS = 1_000;
/** Files that each process needs for itself. */
const SPARE_FILES = 200;

/** What an idle connection adds to a server's memory. */
export const idle: Figure = {
  title: `memory of ${CONNECTIONS} idle connections, in KB (1000 B)`,
  async run(context) {
    const wanted = context.quick ? QUICK_CONNECTIONS : CONNECTIONS;
    const count = Math.min(wanted, maxOpenFiles() - SPARE_FILES);
    if (count < CONNECTIONS) {
      context.skip(`idle: ${CONNECTIONS - count} of the connections`);
    }
    const { ours, deno, ws, bun } = findServers(context, "echo");
    const claims: Claim[] = [];
    for (const server of [ours, deno, ws, bun]) {
      if (server === undefined) continue;
      const [before, after] = await perConnection(context, server, count);
      const limit = server === ours ? { atMost: 12 } : {};
      claims.push(
        { what: `${server.label}, at once`, value: single(before), ...limit },
        { what: `${server.label}, after GC`, value: single(after), ...limit },
      );
    }
    context.print(claimTable(claims));
    return claims;
  },
};

/** What a connection adds in KB: as the system sees it, and after a GC. */
async function perConnection(
  context: Context,
  { label, start }: Server,
  count: number,
): Promise<[before: number, after: number]> {
  await using server = await start();
  await using clients = await startGenerator();
  // What the first messages allocate for good is not the connections' memory.
  await clients.ask(`open ${server.port} 64`);
  await clients.ask("run text 20 1 1000");
  await clients.ask("close");
  await server.ask("gc");
  const base = server.memory();
  await clients.ask(`open ${server.port} ${count}`);
  await clients.ask("check text 20");
  const opened = server.memory();
  await server.ask("gc");
  const collected = server.memory();
  const alive = Number(await clients.ask("alive"));
  if (alive < count) {
    context.skip(`idle: ${count - alive} connections that ${label} closed`);
  }
  await clients.ask("close");
  return [(opened - base) / count / 1000, (collected - base) / count / 1000];
}

function single(value: number): Claim["value"] {
  return { median: value, min: value, max: value };
}
