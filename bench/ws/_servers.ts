/**
 * The servers that are measured.
 *
 * @module
 */

import { findBun, findWs } from "../_npm.ts";
import { Program, type Start } from "../_process.ts";
import type { Context } from "../_suite.ts";

/** What the servers do: one thing in each figure. */
export type Mode = "echo" | "broadcast" | "deflate";

/** A server, and how to start it. */
export interface Server {
  /** What it is called in tables. */
  label: string;
  /** Starts it. */
  start(): Promise<Program>;
}

/** Ours and its peers; a peer that is not to be had is `undefined`. */
export interface Servers {
  /** `ws.serve`. */
  ours: Server;
  /** `Deno.upgradeWebSocket`. */
  deno: Server;
  /** Constant answers over `Deno.Conn`. */
  conn: Server;
  /** `ws` on Node. */
  ws: Server | undefined;
  /** Bun's server. */
  bun: Server | undefined;
}

/**
 * Finds the servers, and says which it did not find.
 *
 * @param context Where to say so, and Node.
 * @param mode What they are to do.
 * @returns The servers; none runs yet.
 */
export function findServers(context: Context, mode: Mode): Servers {
  const server = (label: string, start: Start): Server => ({
    label,
    start: () =>
      Program.start({
        ...start,
        file: `ws/${start.file}`,
        args: [...(start.args ?? []), mode],
      }),
  });
  const gc = { v8Flags: ["--expose-gc"] };
  const ws = context.node === undefined ? undefined : findWs();
  if (ws === undefined) {
    context.skip("ws on Node: one of them is not to be had");
  }
  const bun = findBun();
  if (bun === undefined) context.skip("Bun, which npm has no binary of");
  return {
    ours: server("ws.serve", { file: "meerkat_server.ts", ...gc }),
    deno: server("Deno.upgradeWebSocket", { file: "deno_server.ts", ...gc }),
    conn: server("Deno.Conn, unparsed", { file: "deno_conn.ts" }),
    ws: ws && server(`ws ${ws.version} on Node`, {
      file: "ws_server.mjs",
      runtime: context.node!,
      args: [`${ws.path}/wrapper.mjs`],
      ...gc,
    }),
    bun: bun && server(`Bun ${bun.version}`, {
      file: "bun_server.mjs",
      runtime: bun.path,
    }),
  };
}
