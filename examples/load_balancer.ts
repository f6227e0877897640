/**
 * A load balancer for HTTP and WebSocket.
 *
 * Run:     deno run --allow-net examples/load_balancer.ts \
 *            -b / 127.0.0.1:8910 -b / 127.0.0.1:8911
 *          `-s`, `--token` and `--config` need `--allow-read`, too, a log in a
 *          file `--allow-write`, `-w` `--unstable-net`.
 * Compile: deno compile --allow-net --allow-read --allow-write --unstable-net \
 *            --include examples/_load_balancer_worker.ts examples/load_balancer.ts
 *
 * SIGINT (Ctrl-C) and SIGTERM let requests in flight end, and then the program;
 * a second SIGINT ends it at once. SIGHUP reads the configuration file again,
 * SIGUSR2 opens the log file again (SIGUSR1 would open a debugger: that is Deno's).
 */

import {
  ConfigError,
  type ConfigWatcher,
  parseConfig,
} from "@meerkat/net/balancer";
import { type Backend, type Options, parse } from "./_load_balancer_args.ts";
import {
  follow,
  prepare,
  type Program,
  start,
} from "./_load_balancer_program.ts";
import { endOnSignals, runServer } from "./_server_program.ts";
import { UsageError } from "./_usage.ts";

const USAGE =
  `Usage: load_balancer [-p PORT] [-l LOG] [-s CERT.pem] [-k | --no-keepalive]
                     [-w WORKERS] [--admin PORT [--token FILE]]
                     <[-r] [-v VHOST] -b URI_PREFIX[=REPLACEMENT] HOST:PORT> ...
       load_balancer --config FILE [--check]

  -p PORT          the port, or HOST:PORT; 8000 if left out, 0 for any that is free
  -l LOG           log requests to this file; "-" is the standard output
  -s CERT.pem      serve HTTPS with the certificate and the key in this file
  -k               keep connections to backends open, as is the default
  --no-keepalive   open a connection to the backend for each request
  -w WORKERS       how many threads to use; 1 if left out
  --admin PORT     serve figures and the admin API there; PORT, or HOST:PORT
  --token FILE     the file with the token that this needs; if left out, a new
                   token is printed

  -b URI_PREFIX[=REPLACEMENT] HOST:PORT
                   a backend for what begins with the prefix; the replacement
                   takes the prefix's place. Backends of one prefix take turns
  -r               send clients to the next -b (302) in place of asking it for them
  -v VHOST         the next -b is for this host only

  --config FILE    go by this file in place of options (JSON with comments), and
                   again whenever it changes
  --check          only look for mistakes in the file
  --help           print this`;

if (import.meta.main) await runServer(USAGE, () => run(Deno.args));

async function run(args: string[]): Promise<undefined> {
  const job = parse(args);
  switch (job.type) {
    case "help":
      return;
    case "options":
      return await serve(await startOptions(job.options));
    case "file": {
      const { file, check } = job;
      if (check) return await checkFile(file);
      const { program, watcher } = await follow(file);
      return await serve(program, watcher);
    }
  }
}

/** Says whether a file has mistakes, and ends the program. */
async function checkFile(file: string): Promise<never> {
  parseConfig(await Deno.readTextFile(file), file);
  console.log(`${file} is valid`);
  Deno.exit(0);
}

async function startOptions(options: Options): Promise<Program> {
  const { config, backends, newToken } = options;
  try {
    const program = await start(await prepare(config));
    for (const backend of backends) console.log(describe(backend));
    if (newToken !== undefined) console.error(`Admin token: ${newToken}`);
    return program;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Where in a file they would be is of no interest.
    const problems = error.problems.map(({ message }) => message);
    throw new UsageError(problems.join("\n"));
  }
}

function describe(backend: Backend): string {
  const { vhost, prefix, address, redirect, replacement } = backend;
  return `Adding backend for ${vhost}${prefix} : ${address} ` +
    `[redirect=${Number(redirect)},prefix_replacement=${replacement}]`;
}

/** Runs it until a signal ends it, and ends the program. */
async function serve(
  program: Program,
  watcher?: ConfigWatcher,
): Promise<never> {
  endOnSignals(program);
  if (watcher !== undefined && Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGHUP", () => void watcher.reload());
  }
  console.log(`Starting LB on port ${program.port}`);
  if (program.adminUrl !== undefined) {
    console.log(`Admin page on ${program.adminUrl}`);
  }
  await program.finished;
  watcher?.close();
  Deno.exit(0);
}
