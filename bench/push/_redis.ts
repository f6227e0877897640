/**
 * A Redis server that keeps nothing on disk.
 *
 * @module
 */

import { Daemon, freePort } from "../balancer/_daemon.ts";
import { daemonPids } from "./_pids.ts";

/** A Redis server. Disposing of it ends it. */
export interface Redis extends AsyncDisposable {
  /** Where it is. */
  readonly url: string;
  /** Its process. */
  readonly pid: number;
}

/**
 * Starts a Redis server.
 *
 * @param program Its path.
 * @returns The server.
 */
export async function startRedis(program: string): Promise<Redis> {
  const port = freePort();
  let pidFile = "";
  const daemon = await Daemon.start({
    program,
    port,
    args: (file) => [file],
    config: (folder) => `
bind 127.0.0.1
port ${port}
dir ${folder}
pidfile ${pidFile = `${folder}/pid`}
save ""
appendonly no
`,
  });
  const [pid] = await daemonPids(pidFile, 0);
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: pid!,
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}
