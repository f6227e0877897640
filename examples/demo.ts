/**
 * The demo: starts the RESTful, the WebSocket and the data push server, and the
 * load balancer in front of them, runs the clients against them, and says what
 * happened. Then it stays up until Ctrl-C, to be looked at in a browser. With
 * `--once` it ends by itself. Status 0 means that all went right.
 *
 * Run:     deno task demo, or
 *          deno run --allow-run examples/demo.ts [--once]
 * Compile: deno compile --allow-run examples/demo.ts
 *          Compiled, it runs the compiled servers and clients that are in its own
 *          folder.
 */

import { parseArgs } from "@std/cli/parse-args";
import { bold, dim, green, red } from "@std/fmt/colors";
import { type Ended, runClient, ServerProcess } from "./_demo_process.ts";
import { PARTS } from "./_demo_parts.ts";
import type { Part, Step, Urls } from "./_demo_step.ts";

const USAGE = `Usage: demo [--once]

  --once   end when all is shown, with status 0 only if all went right
  --help   print this`;

/** A server that runs. */
interface Started {
  readonly part: Part;
  server: ServerProcess;
  /** Where it is, without a path. */
  readonly url: string;
  readonly port: number;
  /** Where its admin page is; empty if it has none. */
  readonly adminUrl: string;
}

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
  return await show(once ? undefined : interruption()) ? 0 : 1;
}

/** Shows all; tells whether all went right. */
async function show(interrupted: Promise<void> | undefined): Promise<boolean> {
  const running: Started[] = [];
  let [right, steps, ended] = [0, 0, true];
  try {
    for (const part of PARTS) {
      const started = await start(part, urlsOf(running));
      if (started === undefined) {
        console.error(red(`The ${part.title} did not start`));
        return false;
      }
      running.push(started);
      let printed = "";
      for (const step of part.steps) {
        const ended = await run(step, started, running, printed);
        if (ended.right) right++;
        printed = ended.stdout;
      }
      steps += part.steps.length;
    }
    console.log(summary(right, steps));
    if (interrupted !== undefined) await stay(running, interrupted);
  } finally {
    for (const { part, server } of running.toReversed()) {
      const code = await server.stop();
      console.log(`The ${part.title} ended with status ${code}`);
      if (code !== 0) ended = false;
    }
  }
  return ended && right === steps;
}

function urlsOf(running: readonly Started[]): Urls {
  return Object.fromEntries(running.map(({ part, url }) => [part.title, url]));
}

/** Starts a server, on another port if the usual one is taken. */
async function start(part: Part, urls: Urls): Promise<Started | undefined> {
  console.log(bold(`Starting the ${part.title}`));
  for (const port of [part.port, 0]) {
    const server = new ServerProcess(part.program, part.args(port, urls));
    const found = await listens(part, server);
    if (found !== undefined) {
      const [, got = "", adminUrl = ""] = found;
      console.log(indent(found.input) + "\n");
      return { part, server, url: part.url(got), port: Number(got), adminUrl };
    }
    await server.stop();
    if (port !== 0) console.log(`Port ${port} is taken: using a free one`);
  }
  return undefined;
}

/** Waits until a server has said that it listens; nothing if it ends before. */
async function listens(
  { says }: Part,
  server: ServerProcess,
): Promise<RegExpExecArray | undefined> {
  const lines: string[] = [];
  for (;;) {
    const line = await server.line();
    if (line === undefined) return undefined;
    lines.push(line);
    const found = says.exec(lines.join("\n"));
    if (found !== null) return found;
  }
}

/** Takes a step, knowing what the one before has printed. */
async function run(
  step: Step,
  { server, url, adminUrl }: Started,
  running: readonly Started[],
  before: string,
): Promise<{ right: boolean; stdout: string }> {
  const { client, title, input, until } = step;
  const args = step.args(url, adminUrl, before);
  console.log(bold(title));
  if (!await prepare(step, running)) return { right: false, stdout: "" };
  console.log(`$ ${client.name} ${args.map(quote).join(" ")}`);
  const ended = await runClient(client, args, { input, until });
  const expected = step.printed?.(urlsOf(running));
  const line = expected === undefined ? undefined : await server.line();
  if (input !== undefined) {
    console.log(dim(input.trimEnd().replace(/^/gm, "  > ")));
  }
  for (const text of [ended.stdout, ended.stderr]) {
    if (text !== "") console.log(dim(indent(text.trimEnd())));
  }
  if (line !== undefined) {
    console.log(dim(indent(`The server prints: ${line}`)));
  }
  const right = isRight(step, ended) && (expected?.test(line ?? "") ?? true);
  console.log(
    right ? green("  ok\n") : red(`  NOT AS EXPECTED (status ${ended.code})\n`),
  );
  return { right, stdout: ended.stdout };
}

/** Ends a server, or starts it again, before a step. */
async function prepare(
  { ends, restarts }: Step,
  running: readonly Started[],
): Promise<boolean> {
  for (const each of running) {
    const { part, server, port } = each;
    if (part.title === ends) {
      const code = await server.stop();
      console.log(`The ${part.title} ended with status ${code}`);
    } else if (part.title === restarts) {
      const args = part.args(port, urlsOf(running));
      each.server = new ServerProcess(part.program, args);
      const found = await listens(part, each.server);
      if (found === undefined) {
        console.error(red(`The ${part.title} did not start again`));
        return false;
      }
      console.log(indent(found.input));
    }
  }
  return true;
}

function isRight(step: Step, { code, stdout, stderr }: Ended): boolean {
  return code === (step.code ?? 0) && (step.stdout ?? /^/).test(stdout) &&
    (step.stderr ?? /^$/).test(stderr);
}

function summary(right: number, steps: number): string {
  const text = `${right} of ${steps} steps went right`;
  return right === steps ? green(text) : red(text);
}

/** Leaves the servers to the user. */
async function stay(
  running: readonly Started[],
  interrupted: Promise<void>,
): Promise<void> {
  console.log();
  for (const { part, url, adminUrl } of running) {
    for (const page of part.pages(url, adminUrl)) {
      console.log(`Open ${bold(page)} in a browser.`);
    }
  }
  console.log("Ctrl-C ends.");
  const follow = running.map(({ server }) => server.follow(console.log));
  await Promise.race([interrupted, ...follow]);
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
