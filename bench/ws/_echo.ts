/**
 * Servers that send back what they get.
 *
 * @module
 */

import type { Claim } from "../_report.ts";
import type { Figure } from "../_suite.ts";
import { against, type Load } from "./_load.ts";
import { findServers } from "./_servers.ts";

/** Throughput that is wanted at least, as ratios to the peers'. */
interface Wanted {
  deno?: number;
  ws?: number;
  bun?: number;
}

/** Above this size `Deno.Conn, unparsed` cannot take a message in one read. */
const UNPARSED_SIZE = 1024;

/**
 * Makes a figure of an echo.
 *
 * @param what The messages, in words.
 * @param load The load.
 * @param wanted The wanted ratios.
 * @returns The figure.
 */
function echo(what: string, load: Load, wanted: Wanted): Figure {
  const { connections, size } = load;
  return {
    title: `echo of ${what}, ${connections} connections`,
    run(context) {
      const { ours, deno, ws, bun, conn } = findServers(context, "echo");
      const peers = [
        { server: deno, atLeast: wanted.deno },
        { server: ws, atLeast: wanted.ws },
        { server: bun, atLeast: wanted.bun },
        { server: size <= UNPARSED_SIZE ? conn : undefined },
      ];
      return against(context, ours, peers, load, ` (${what}, ${connections})`);
    },
  };
}

/** Short text, few connections. */
export const echo20: Figure = echo(
  "20 B",
  { connections: 20, kind: "text", size: 20 },
  { deno: 1, ws: 1.4, bun: 0.8 },
);

/** Short text, many connections. */
export const echo500: Figure = echo(
  "20 B",
  { connections: 500, kind: "text", size: 20 },
  { deno: 1, ws: 1.4, bun: 0.8 },
);

/** Binary messages of medium length. */
export const medium: Figure = echo(
  "16 KiB",
  { connections: 20, kind: "binary", size: 16 * 1024 },
  { deno: 1, ws: 1 },
);

/** Long binary messages. */
export const large: Figure = echo(
  "1 MiB",
  { connections: 8, kind: "binary", size: 1024 * 1024 },
  { deno: 1, ws: 1 },
);

/** JSON, compressed both ways, with and without a context that is kept. */
export const deflate: Figure = {
  title: "echo of 1 KiB of JSON, compressed, 20 connections",
  async run(context) {
    const { ours, ws, bun } = findServers(context, "deflate");
    const claims: Claim[] = [];
    for (const offer of ["browser", "no_context"] as const) {
      const suffix = offer === "browser" ? " (JSON)" : " (JSON, no context)";
      claims.push(
        ...await against(
          context,
          ours,
          [{ server: ws, atLeast: 1.5 }, { server: bun }],
          { connections: 20, kind: "json", size: 1024, offer },
          suffix,
        ),
      );
    }
    return claims;
  },
};
