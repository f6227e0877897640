/**
 * A RESTful server: an index page that calls its API, and files.
 *
 * Run:     deno run --allow-net --allow-read examples/restful_server.ts
 *          `-w` needs `--unstable-net`, too.
 * Compile: deno compile --allow-net --allow-read --unstable-net \
 *            --include examples/_restful_worker.ts examples/restful_server.ts
 *
 * SIGINT (Ctrl-C) and SIGTERM let requests in flight end, and then the program;
 * a second SIGINT ends it at once.
 */

import {
  type Server,
  serveWorkers,
  type WorkerServer,
} from "@meerkat/net/conn";
import { serve } from "@meerkat/net/http";
import { parseArgs } from "@std/cli/parse-args";
import { type Options, restfulApi } from "./_restful_api.ts";
import { checkRoot, runServer, type Started } from "./_server_program.ts";
import { count, UsageError } from "./_usage.ts";

const USAGE =
  `Usage: restful_server [-p PORT] [-d ROOT] [-s CERT.pem] [-w WORKERS]

  -p PORT      the port, or HOST:PORT; 8910 if left out, 0 for any that is free
  -d ROOT      the directory whose files are served; "." if left out
  -s CERT.pem  serve HTTPS with the certificate and the key in this file
  -w WORKERS   how many threads to use; 1 if left out
  --help       print this`;

const PORT = 8910;

/** What the command line asks for. */
interface Job {
  readonly hostname: string;
  readonly port: number;
  readonly root: string;
  readonly pem: string | undefined;
  readonly workers: number;
}

if (import.meta.main) await runServer(USAGE, () => run(Deno.args));

async function run(args: string[]): Promise<Started | undefined> {
  const job = parse(args);
  if (job === undefined) return undefined;
  const server = await start(job);
  const { port } = server.addr as Deno.NetAddr;
  const banner = `Starting RESTful server on port ${port}, serving ${job.root}`;
  return { server, banner };
}

function parse(args: string[]): Job | undefined {
  const flags = parseArgs(args, {
    boolean: ["help"],
    string: ["p", "d", "s", "w"],
    default: { p: String(PORT), d: ".", w: "1" },
    unknown: (arg) => {
      throw new UsageError(`Unknown option "${arg}"`);
    },
  });
  if (flags.help) return undefined;
  const colon = flags.p.lastIndexOf(":");
  const port = count(flags.p.slice(colon + 1), "-p", "a port", 0, 65535);
  const workers = count(flags.w, "-w", "a number of threads", 1, 1024);
  if (flags.d === "" || flags.s === "") {
    throw new UsageError("Options -d and -s need a value");
  }
  const hostname = colon < 0 ? "0.0.0.0" : flags.p.slice(0, colon);
  return { hostname, port, root: flags.d, pem: flags.s, workers };
}

async function start(job: Job): Promise<Server | WorkerServer> {
  const { hostname, port, root, workers } = job;
  await checkRoot(root);
  // The PEM file has both; each reader takes what it looks for.
  const pem = job.pem && await Deno.readTextFile(job.pem);
  const tls = pem ? { cert: pem, key: pem } : undefined;
  if (workers === 1) {
    return serve({ hostname, port, ...tls }, restfulApi(root));
  }
  const data: Options = { root, tls };
  const module = new URL("./_restful_worker.ts", import.meta.url);
  return await serveWorkers({ module, workers, hostname, port, data });
}
