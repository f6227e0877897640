/**
 * Servers that send each message to all clients.
 *
 * @module
 */

import type { Figure } from "../_suite.ts";
import { against } from "./_load.ts";
import { findServers } from "./_servers.ts";

const CLIENTS = 300;

/** Each client sends, all get it, and each sends again. */
export const broadcast: Figure = {
  title: `20 B from each of ${CLIENTS} clients to all, counted as they come`,
  run(context) {
    const { ours, deno, ws, bun } = findServers(context, "broadcast");
    return against(
      context,
      ours,
      [
        { server: bun, atLeast: 1.2 },
        { server: ws, atLeast: 20 },
        { server: deno },
      ],
      { connections: CLIENTS, kind: "text", size: 20, answers: CLIENTS },
      " (to all)",
    );
  },
};
