/**
 * The demo: starts the RESTful server, runs the HTTP client against it, and says
 * what happened. Then it stays up until Ctrl-C, to be looked at in a browser.
 * With `--once` it ends by itself. Status 0 means that all went right.
 *
 * Run:     deno task demo, or
 *          deno run --allow-run examples/demo.ts [--once]
 * Compile: deno compile --allow-run examples/demo.ts
 *          Compiled, it runs the compiled `restful_server` and `http_client`
 *          that are in its own folder.
 */

import { parseArgs } from "@std/cli/parse-args";
import { bold, dim, green, red } from "@std/fmt/colors";
import { type Ended, runClient, ServerProcess } from "./_demo_process.ts";

const USAGE = `Usage: demo [--once]

  --once   end when all is shown, with status 0 only if all went right
  --help   print this`;

const PORT = 8910;

/** One run of the client, and what is to come of it. */
interface Step {
  readonly title: string;
  readonly options?: readonly string[];
  /** The path on the server, or another URL. */
  readonly target: string;
  /** The status that the client ends with. */
  readonly code?: number;
  /** What it prints. */
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
  /** A line that the server prints meanwhile. */
  readonly printed?: string;
}

const STEPS: readonly Step[] = [
  {
    title: "A greeting, with the head of the reply",
    options: ["--show-headers"],
    target: "/hello",
    stdout: /^HTTP\/1\.1 200 OK\n(.+\n)+\nHello world\n$/,
  },
  {
    title: "A sum: a form goes there, JSON comes back in chunks",
    options: ["--show-headers", "-d", "n1=1", "-d", "n2=2"],
    target: "/api/v1/sum",
    stdout:
      /^Transfer-Encoding: chunked\n(.+\n)*\n\{ "result": 3\.000000 \}$/im,
  },
  {
    title: "A sum of what is no number: the server says so, with status 400",
    options: ["--show-headers", "-d", "n1=one&n2=2"],
    target: "/api/v1/sum",
    stdout: /^HTTP\/1\.1 400 /,
  },
  {
    title: "An echo, with its content type, and all bytes that travel",
    options: [
      ...["--hexdump", "-", "-H", "Content-Type: text/x-meerkat"],
      ...["-d", "They stand guard in turn."],
    ],
    target: "/echo",
    stdout: /^They stand guard in turn\.$/,
    stderr: /^-- .* -> [^]*POST \/echo[^]*^-- .* <- [^]*HTTP\/1\.1 200/m,
  },
  {
    title: "Something for the server to print",
    options: ["-d", "Hello from the client"],
    target: "/printcontent",
    stdout: /^Printed 21 bytes\n$/,
    printed: "Hello from the client",
  },
  {
    title: "How long each phase takes",
    options: ["--timing", "-X", "HEAD"],
    target: "/?sort=name",
    stdout: /^$/,
    stderr: /^connect +\d+\.\d ms\n(.+\n)*total +\d+\.\d ms\n$/m,
  },
  {
    title: "Nobody there: the client says so, and ends with status 1",
    target: "http://127.0.0.1:1/",
    code: 1,
    stdout: /^$/,
    stderr: /^connect\(\) failed: .+\n$/,
  },
];

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: string[]): Promise<number> {
  const unknown: string[] = [];
  const { once, help } = parseArgs(args, {
    boolean: ["once", "help"],
    unknown: (arg) => void unknown.push(arg),
  });
  if (help || unknown.length > 0) {
    (help ? console.log : console.error)(USAGE);
    return help ? 0 : 1;
  }
  const interrupted = once ? undefined : interruption();
  const started = await start();
  if (started === undefined) {
    console.error(red("The server did not start"));
    return 1;
  }
  const { server, url } = started;
  let wrong = 0;
  try {
    for (const step of STEPS) if (!await run(step, server, url)) wrong++;
    console.log(summary(wrong));
    if (interrupted !== undefined) await stay(server, url, interrupted);
  } finally {
    const code = await server.stop();
    console.log(`The server ended with status ${code}`);
    if (code !== 0) wrong++;
  }
  return wrong === 0 ? 0 : 1;
}

/** Starts the server, on another port if the usual one is taken. */
async function start(): Promise<
  { server: ServerProcess; url: string } | undefined
> {
  console.log(bold("Starting the RESTful server"));
  for (const port of [PORT, 0]) {
    const server = new ServerProcess(port);
    const line = await server.line();
    const got = /^Starting RESTful server on port (\d+), /.exec(line ?? "")
      ?.[1];
    if (got !== undefined) {
      console.log(indent(line!) + "\n");
      return { server, url: `http://127.0.0.1:${got}` };
    }
    await server.stop();
    if (port !== 0) console.log(`Port ${port} is taken: using a free one`);
  }
  return undefined;
}

async function run(
  step: Step,
  server: ServerProcess,
  url: string,
): Promise<boolean> {
  const { title, options = [], printed } = step;
  const target = step.target.startsWith("/") ? url + step.target : step.target;
  console.log(bold(title));
  console.log(`$ http_client ${[...options, target].map(quote).join(" ")}`);
  const ended = await runClient([...options, target]);
  const line = printed === undefined ? undefined : await server.line();
  for (const text of [ended.stdout, ended.stderr]) {
    if (text !== "") console.log(dim(indent(text.trimEnd())));
  }
  if (line !== undefined) {
    console.log(dim(indent(`The server prints: ${line}`)));
  }
  const right = isRight(step, ended) && line === printed;
  console.log(
    right ? green("  ok\n") : red(`  NOT AS EXPECTED (status ${ended.code})\n`),
  );
  return right;
}

function isRight(step: Step, { code, stdout, stderr }: Ended): boolean {
  return code === (step.code ?? 0) && (step.stdout ?? /^/).test(stdout) &&
    (step.stderr ?? /^$/).test(stderr);
}

function summary(wrong: number): string {
  const right = STEPS.length - wrong;
  const text = `${right} of ${STEPS.length} steps went right`;
  return wrong === 0 ? green(text) : red(text);
}

/** Leaves the server to the user. */
async function stay(
  server: ServerProcess,
  url: string,
  interrupted: Promise<void>,
): Promise<void> {
  console.log(`\nOpen ${bold(url + "/")} in a browser. Ctrl-C ends.`);
  await Promise.race([interrupted, server.follow(console.log)]);
}

/** Resolves at Ctrl-C, or when the system wants the program to end. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    Deno.addSignalListener("SIGINT", resolve);
    if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", resolve);
  });
}

function quote(word: string): string {
  return /^[\w./:=-]+$/.test(word) ? word : `'${word}'`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
