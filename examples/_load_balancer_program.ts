// The load balancer in one thread or several, with its admin port and its file.

import type { Server } from "@meerkat/net/conn";
import {
  type Balancer,
  balanceWorkers,
  type ConfigWatcher,
  type FileConfig,
  serveAdmin,
  type ThreadedBalancer,
  watchConfig,
} from "@meerkat/net/balancer";
import { startThread, type ThreadOptions } from "./_load_balancer_thread.ts";

/** What a configuration comes to once the files that it names are read. */
export interface Setup {
  readonly config: FileConfig;
  readonly thread: ThreadOptions;
  readonly admin:
    | { hostname: string; port: number; token: string }
    | undefined;
}

/** What listens. */
interface Listening {
  readonly addr: Deno.Addr;
  readonly balancer: Balancer | ThreadedBalancer;
  /** Resolves when it has ended, and its log is written. */
  readonly finished: Promise<void>;
  shutdown(): Promise<void>;
  close(): void;
}

/** A load balancer, and what is beside it. */
export interface Program {
  readonly port: number;
  /** Where its page is, if it has one. */
  readonly adminUrl: string | undefined;
  readonly finished: Promise<void>;
  /** Changes what it does. */
  update(config: FileConfig): void | Promise<void>;
  updateRefused(): void;
  shutdown(): Promise<void>;
  close(): void;
}

/** Reads what a configuration names. */
export async function prepare(config: FileConfig): Promise<Setup> {
  const { listen = {}, admin, accessLog: log } = config;
  const { certFile, keyFile = certFile, proxyProtocol = false } = listen;
  const { limits = {} } = listen;
  const tls = certFile === undefined ? undefined : {
    // One file may have both; each reader takes what it looks for.
    cert: await Deno.readTextFile(certFile),
    key: await Deno.readTextFile(keyFile!),
  };
  return {
    config,
    thread: { tls, proxyProtocol, limits, log },
    admin: admin && {
      hostname: admin.hostname ?? "127.0.0.1",
      port: admin.port,
      token: admin.token ?? (await Deno.readTextFile(admin.tokenFile!)).trim(),
    },
  };
}

/** Starts it. */
export async function start(setup: Setup): Promise<Program> {
  const server = await listen(setup);
  const { balancer } = server;
  let admin: Server | undefined;
  try {
    admin = setup.admin && serveAdmin(balancer, setup.admin);
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    port: (server.addr as Deno.NetAddr).port,
    adminUrl: admin && urlOf(admin.addr as Deno.NetAddr),
    // Figures are there until the last request is over.
    finished: server.finished.finally(() => admin?.shutdown({ timeout: 1000 })),
    update: (config) => balancer.update(config),
    updateRefused: () => balancer.updateRefused(),
    shutdown: () => server.shutdown(),
    close: () => server.close(),
  };
}

async function listen({ config, thread }: Setup): Promise<Listening> {
  const { hostname = "0.0.0.0", port = 8000 } = config.listen ?? {};
  const { workers = 1 } = config;
  if (workers > 1) {
    const module = new URL("./_load_balancer_worker.ts", import.meta.url);
    const options = { module, workers, hostname, port, data: thread };
    return await balanceWorkers(config, options);
  }
  const { server, finish } = await startThread(
    config,
    { hostname, port },
    thread,
  );
  return {
    addr: server.addr,
    balancer: server.balancer,
    finished: server.finished.finally(finish),
    shutdown: () => server.shutdown(),
    close: () => server.close(),
  };
}

function urlOf({ hostname, port }: Deno.NetAddr): string {
  return `http://${
    hostname.includes(":") ? `[${hostname}]` : hostname
  }:${port}/`;
}

/** What only a new start can change. */
const FIXED = ["listen", "admin", "accessLog", "workers"] as const;

/** Goes by a file, and by what it becomes, and says so. */
export async function follow(
  file: string,
): Promise<{ program: Program; watcher: ConfigWatcher }> {
  const started = Promise.withResolvers<Program>();
  const watcher = await watchConfig(file, {
    async onChange(config) {
      const changed = FIXED.filter((name) =>
        JSON.stringify(config[name]) !== JSON.stringify(watcher.config[name])
      );
      const program = await started.promise;
      await program.update(config);
      console.error(`Reloaded ${file}`);
      for (const name of changed) {
        console.error(`Not changed before the next start: "${name}"`);
      }
    },
    onError(error) {
      started.promise.then((program) => program.updateRefused());
      const why = error instanceof Error ? error.message : error;
      console.error(`Refused ${file}, the old one stays:\n${why}`);
    },
  });
  const program = await start(await prepare(watcher.config));
  started.resolve(program);
  return { program, watcher };
}
