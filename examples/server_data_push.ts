/**
 * Pushes data to any number of clients: a lucky number now and then, and what
 * happens in an HVAC plant several times a second. Its page shows the plant.
 *
 * Run:     deno run --allow-net --allow-read examples/server_data_push.ts
 *          and open http://localhost:8080/
 *          `--engine sqlite:FILE` needs `--allow-write`, too, and
 *          `--engine redis:URL` `--allow-env`.
 * Compile: deno compile --allow-net --allow-read --allow-write --allow-env \
 *            --include examples/_server_data_push_worker.ts \
 *            examples/server_data_push.ts
 *
 * Any client will do:
 *
 *     curl http://localhost:8080/push
 *     curl -N -H 'Accept: text/event-stream' 'http://localhost:8080/push?topic=plant/%23'
 *     deno run --allow-net examples/websocket_client.ts -url ws://localhost:8080 -i
 *
 * SIGINT (Ctrl-C) and SIGTERM tell the clients when to come back, and then end the
 * program; a second SIGINT ends it at once.
 */

import type { Server } from "@meerkat/net/conn";
import { serve, type ServeHandler } from "@meerkat/net/http";
import {
  type ClientInfo,
  type Engine,
  type Hub,
  memoryEngine,
  openHub,
  redisEngine,
  sqliteEngine,
} from "@meerkat/net/push";
import { parseArgs } from "@std/cli/parse-args";
import { isSetPoint } from "./_hvac_plant.ts";
import { type Ending, runServer, type Started } from "./_server_program.ts";
import {
  ALARMS,
  LUCKY_NUMBER,
  READY,
  SET_POINTS,
  type SetPointMessage,
  STATES,
  unitOf,
} from "./_server_data_push_topics.ts";
import { count, UsageError } from "./_usage.ts";
import page from "./_server_data_push_page.html" with { type: "text" };

const USAGE =
  `Usage: server_data_push [-p PORT] [--engine ENGINE] [--no-producer]
                        [--publish TOKEN]

  -p PORT          the port, or HOST:PORT; 8080 if left out, 0 for any that is free
  --engine ENGINE  what keeps the data: "memory" if left out; "sqlite:FILE", so
                   that it survives a restart; "redis:URL", so that several
                   servers share it
  --no-producer    make no data: another server does that shares the engine
  --publish TOKEN  take values by POST /publish from who shows this token
  --help           print this`;

const PORT = "8080";
/** The plots of the page begin with so much, at four samples a second. */
const HISTORY = { count: 240, age: 60_000 };
/** Clients that the server sends away come back within this time, in ms. */
const SPREAD = 2_000;

/** What the command line asks for. */
interface Job {
  readonly hostname: string;
  readonly port: number;
  readonly engine: () => Engine;
  readonly produces: boolean;
  readonly publishToken: string | undefined;
}

if (import.meta.main) await runServer(USAGE, () => run(Deno.args));

async function run(args: string[]): Promise<Started | undefined> {
  const job = parse(args);
  if (job === undefined) return undefined;
  const { server, port } = await start(job);
  return { server, banner: `Listening on ${port}` };
}

function parse(args: string[]): Job | undefined {
  const flags = parseArgs(args, {
    boolean: ["help", "producer"],
    string: ["p", "engine", "publish"],
    negatable: ["producer"],
    default: { p: PORT, engine: "memory", producer: true },
    unknown: (arg) => {
      throw new UsageError(`Unknown option "${arg}"`);
    },
  });
  if (flags.help) return undefined;
  if (flags.publish === "") {
    throw new UsageError("Option --publish needs a value");
  }
  const colon = flags.p.lastIndexOf(":");
  const port = count(flags.p.slice(colon + 1), "-p", "a port", 0, 65535);
  const hostname = colon < 0 ? "0.0.0.0" : flags.p.slice(0, colon);
  return {
    hostname,
    port,
    engine: engineOf(flags.engine),
    produces: flags.producer,
    publishToken: flags.publish,
  };
}

/** Reads `NAME`, or `NAME:WHERE`. */
function engineOf(value: string): Job["engine"] {
  const [, name, where = ""] = /^([^:]*):?([^]*)$/.exec(value)!;
  if (value === "memory") return () => memoryEngine();
  if (name === "sqlite" && where !== "") return () => sqliteEngine(where);
  if (name === "redis" && URL.canParse(where)) return () => redisEngine(where);
  throw new UsageError(
    `Option --engine is "${value}", expected memory, sqlite:FILE or redis:URL`,
  );
}

async function start(job: Job): Promise<{ server: Ending; port: number }> {
  const worker = job.produces ? startProducer() : undefined;
  const hub = await openHub({
    engine: job.engine(),
    defaultTopic: LUCKY_NUMBER,
    topics: {
      [STATES]: { history: HISTORY, delta: true },
      [ALARMS]: { history: true },
    },
    onConnect: () => ({ publish: [SET_POINTS] }),
    onPublish: (_topic, value) => isSetPoint(value),
    greeting: ({ id }) => `Hi ${id}!`,
    onJoin: (client) => log(client, "joined"),
    onLeave: (client) => log(client, "went away"),
  });
  if (worker !== undefined) await produce(hub, worker);
  const { hostname, port, publishToken } = job;
  const server = serve({ hostname, port }, handler(hub, publishToken));
  return { server: ending(server, hub, worker), port: portOf(server) };
}

function startProducer(): Worker {
  const module = new URL("./_server_data_push_worker.ts", import.meta.url);
  return new Worker(module, { type: "module" });
}

/** Waits until every topic has a value. */
async function produce(hub: Hub, worker: Worker): Promise<void> {
  void handOnSetPoints(hub, worker);
  const ready = new Promise<void>((resolve) => {
    worker.addEventListener("message", ({ data }) => {
      if (data === READY) resolve();
    });
  });
  hub.produce(worker);
  await ready;
}

/**
 * Hands the producer the set points that there are, and those that follow, at
 * whatever server they were published that shares the engine.
 */
async function handOnSetPoints(hub: Hub, worker: Worker): Promise<void> {
  for await (const update of hub.subscribe(SET_POINTS)) {
    if (update.type !== "value") continue;
    const { topic, value: celsius } = update;
    const unit = unitOf(topic);
    // Who has the token of POSTs may publish anything.
    if (unit === undefined || !isSetPoint(celsius)) continue;
    const message: SetPointMessage = { type: "set-point", unit, celsius };
    worker.postMessage(message);
  }
}

/** Says who comes and goes; who only asks once does neither. */
function log({ transport, remoteAddr }: ClientInfo, what: string): void {
  if (transport === "poll") return;
  const { hostname, port } = remoteAddr as Deno.NetAddr;
  const ip = hostname.includes(":") ? `[${hostname}]` : hostname;
  console.log(`${ip}:${port} ${what}`);
}

/** The page, the hub, and the hub again for a WebSocket at any other path. */
function handler(hub: Hub, publishToken: string | undefined): ServeHandler {
  return hub.handler({
    ...(publishToken !== undefined && { publishToken }),
    fallback: (request, info) => {
      if (request.headers.has("upgrade")) return hub.connect(request, info);
      return new URL(request.url).pathname === "/"
        ? plantPage()
        : new Response("Not Found\n", { status: 404 });
    },
  });
}

function plantPage(): Response {
  return new Response(page, {
    headers: {
      "content-type": "text/html; charset=UTF-8",
      "content-security-policy":
        "default-src 'none'; connect-src 'self'; img-src data:; " +
        "script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'",
    },
  });
}

function portOf(server: Server): number {
  return (server.addr as Deno.NetAddr).port;
}

/** How all of it ends: the data, the clients, the connections, the engine. */
function ending(server: Server, hub: Hub, worker: Worker | undefined): Ending {
  const finished = server.finished.then(() => hub.shutdown());
  return {
    finished,
    shutdown: async () => {
      worker?.terminate();
      const told = hub.shutdown({ spread: SPREAD });
      await server.shutdown();
      await told;
    },
    close: () => {
      worker?.terminate();
      server.close();
    },
  };
}
