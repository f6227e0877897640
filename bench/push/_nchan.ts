/**
 * nginx with nchan, as a hub.
 *
 * @module
 */

import { Daemon, freePort } from "../balancer/_daemon.ts";
import { maxOpenFiles } from "../_proc.ts";
import type { RunningHub } from "./_hubs.ts";
import { daemonPids } from "./_pids.ts";

/** Where systems have modules of nginx. */
const FOLDERS = [
  "/usr/lib/nginx/modules",
  "/usr/lib64/nginx/modules",
  "/usr/share/nginx/modules",
];
const FILE = "ngx_nchan_module.so";
const MOST_CONNECTIONS = 20_000;
/** Files that a worker needs for itself. */
const SPARE_FILES = 100;
/** More than are under way at a time, so that none is lost. */
const BUFFERED = 1_000;

/** Finds the module. */
export function nchanModule(): string | undefined {
  for (const folder of FOLDERS) {
    try {
      if (Deno.statSync(`${folder}/${FILE}`).isFile) return `${folder}/${FILE}`;
    } catch {
      continue; // Not here: the next folder may have it.
    }
  }
  return undefined;
}

/**
 * Starts nginx with one worker that is a hub of one channel.
 *
 * @param program The path of nginx.
 * @param module The path of nchan.
 * @returns The hub.
 */
export async function startNchan(
  program: string,
  module: string,
): Promise<RunningHub> {
  const port = freePort();
  let pidFile = "";
  const daemon = await Daemon.start({
    program,
    port,
    args: (file) => ["-e", "stderr", "-c", file],
    config: (folder) => config(module, port, pidFile = `${folder}/pid`),
  });
  const pids = await daemonPids(pidFile, 1);
  return {
    ports: [port],
    pids,
    gc: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}

function config(module: string, port: number, pidFile: string): string {
  const files = Math.min(maxOpenFiles(), MOST_CONNECTIONS);
  return `
load_module ${module};
daemon off;
worker_processes 1;
${Deno.uid() === 0 ? "user root;" : ""}
pid ${pidFile};
error_log stderr error;
events { worker_connections ${files - SPARE_FILES}; }
http {
  access_log off;
  nchan_shared_memory_size 128M;
  server {
    listen 127.0.0.1:${port};
    location = /subscriber {
      nchan_subscriber websocket;
      nchan_channel_id room;
      nchan_subscriber_first_message newest;
    }
    location = /publisher {
      nchan_publisher websocket;
      nchan_channel_id room;
      nchan_message_buffer_length ${BUFFERED};
    }
  }
}
`;
}
