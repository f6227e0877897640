/**
 * The hubs that are measured.
 *
 * @module
 */

import { need } from "../../tools/need.ts";
import { findBun, findWs } from "../_npm.ts";
import { cpuTime, residentSize } from "../_proc.ts";
import { Program, type Start } from "../_process.ts";
import type { Context } from "../_suite.ts";
import { nchanModule, startNchan } from "./_nchan.ts";
import { startRedis } from "./_redis.ts";

/** A hub that runs; or several that serve the same. Disposing of it ends it. */
export interface RunningHub extends AsyncDisposable {
  /** Where it listens. */
  readonly ports: readonly number[];
  /** Its processes. */
  readonly pids: readonly number[];
  /** Collects garbage, if it is of those that do. */
  gc(): Promise<void>;
}

/** A hub, and how to start it. */
export interface Hub {
  /** What it is called in tables. */
  label: string;
  /** In what format subscribers get values. */
  format: "value" | "envelope";
  /** Where they subscribe to all values, in order. */
  path: string;
  /** Starts it. */
  start(): Promise<RunningHub>;
}

/** Ours and its peers; one that is not to be had is `undefined`. */
export interface Hubs {
  /** Ours; values as they are. */
  ours: Hub;
  /** Ours; values in envelopes. */
  envelopes: Hub;
  /** Ours over Redis. */
  redis: Hub | undefined;
  /** Bun's `publish`. */
  bun: Hub | undefined;
  /** `ws` on Node, in a loop. */
  ws: Hub | undefined;
  /** nginx with nchan. */
  nchan: Hub | undefined;
}

/** CPU time of a hub until now, in microseconds; NaN if unknown. */
export function cpuOf(hub: RunningHub): number {
  return hub.pids.reduce((sum, pid) => sum + cpuTime(pid), 0);
}

/** Resident memory of a hub in bytes; NaN if unknown. */
export function memoryOf(hub: RunningHub): number {
  return hub.pids.reduce((sum, pid) => sum + residentSize(pid), 0);
}

const OURS = "meerkat_hub.ts";
const EVERY = "/push?mode=every";

/**
 * Finds the hubs, and says which it did not find.
 *
 * @param context Where to say so, and Node.
 * @returns The hubs; none runs yet.
 */
export function findHubs(context: Context): Hubs {
  const gc = { v8Flags: ["--expose-gc"] };
  const ours: Hub = {
    label: "push hub",
    format: "value",
    path: EVERY,
    start: () => startPrograms([{ file: OURS, ...gc }]),
  };
  return {
    ours,
    envelopes: {
      ...ours,
      label: "push hub, envelopes",
      format: "envelope",
      path: "/push",
    },
    redis: overRedis(context, 1),
    bun: bunHub(context),
    ws: wsHub(context),
    nchan: nchanHub(context),
  };
}

/**
 * Finds our hubs over Redis.
 *
 * @param context Where to say if there is no Redis.
 * @param count How many hubs serve the same.
 * @returns The hubs as one.
 */
export function overRedis(context: Context, count: number): Hub | undefined {
  const program = need("redis-server", "bench push: hubs over Redis");
  if (program === undefined) {
    context.skip("hubs over Redis, which is not to be had");
    return undefined;
  }
  return {
    label: `${count === 1 ? "push hub" : `${count} push hubs`} over Redis`,
    format: "value",
    path: EVERY,
    start: async () => {
      const redis = await startRedis(program);
      const start = {
        file: OURS,
        args: [redis.url],
        v8Flags: ["--expose-gc"],
      };
      return await startPrograms(Array(count).fill(start), redis);
    },
  };
}

function bunHub(context: Context): Hub | undefined {
  const bun = findBun();
  if (bun !== undefined) {
    return peer(`Bun ${bun.version} publish`, {
      file: "bun_hub.mjs",
      runtime: bun.path,
    });
  }
  context.skip("Bun, which npm has no binary of");
  return undefined;
}

function wsHub(context: Context): Hub | undefined {
  const ws = context.node === undefined ? undefined : findWs();
  if (ws !== undefined) {
    return peer(`ws ${ws.version} on Node`, {
      file: "ws_hub.mjs",
      runtime: context.node!,
      args: [`${ws.path}/wrapper.mjs`],
      v8Flags: ["--expose-gc"],
    });
  }
  context.skip("ws on Node: one of them is not to be had");
  return undefined;
}

function nchanHub(context: Context): Hub | undefined {
  const program = need("nginx", "bench push: nchan");
  const module = nchanModule();
  if (program !== undefined && module !== undefined) {
    return {
      label: "nchan",
      format: "value",
      path: "/subscriber",
      start: () => startNchan(program, module),
    };
  }
  context.skip("nchan: nginx or libnginx-mod-nchan is not to be had");
  return undefined;
}

function peer(label: string, start: Start): Hub {
  return {
    label,
    format: "value",
    path: "/subscriber",
    start: () => startPrograms([start]),
  };
}

/** Starts programs of this folder, as one hub; with what they need, which it ends. */
async function startPrograms(
  starts: readonly Start[],
  store?: AsyncDisposable & { readonly pid: number },
): Promise<RunningHub> {
  await using all = new AsyncDisposableStack();
  if (store !== undefined) all.use(store);
  const programs: Program[] = [];
  for (const start of starts) {
    const file = `push/${start.file}`;
    programs.push(all.use(await Program.start({ ...start, file })));
  }
  const ending = all.move();
  const pids = programs.map(({ pid }) => pid);
  if (store !== undefined) pids.push(store.pid);
  return {
    ports: programs.map(({ port }) => port),
    pids,
    gc: async () => {
      for (const program of programs) await program.ask("gc");
    },
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}
