// What the server programs have in common: from the command line to the end.

import type { Server } from "@meerkat/net/conn";
import { UsageError } from "./_usage.ts";

/** What a signal ends. */
export type Ending = Pick<Server, "finished" | "shutdown" | "close">;

/** A server that listens, and what the program says of it. */
export interface Started {
  readonly server: Ending;
  readonly banner: string;
}

/**
 * Runs a server until a signal ends it.
 *
 * @param usage What `--help` prints, and who gives a wrong command line.
 * @param start Starts the server; gives `undefined` for `--help`.
 */
export async function runServer(
  usage: string,
  start: () => Promise<Started | undefined>,
): Promise<void> {
  try {
    const started = await start();
    if (started === undefined) return console.log(usage);
    const { server, banner } = started;
    endOnSignals(server);
    console.log(banner);
    await server.finished;
    Deno.exit(0);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(
      error instanceof UsageError ? `${message}\n\n${usage}` : message,
    );
    Deno.exit(1);
  }
}

/** SIGINT and SIGTERM let work in flight end; a second SIGINT does not. */
export function endOnSignals(server: Ending): void {
  let interrupted = false;
  Deno.addSignalListener("SIGINT", () => {
    if (interrupted) server.close();
    else server.shutdown();
    interrupted = true;
  });
  if (Deno.build.os === "windows") return;
  Deno.addSignalListener("SIGTERM", () => void server.shutdown());
}

/** Throws if files cannot be served from there. */
export async function checkRoot(root: string): Promise<void> {
  const { isDirectory } = await Deno.stat(root);
  if (!isDirectory) throw new Error(`Cannot serve "${root}": no directory`);
}
