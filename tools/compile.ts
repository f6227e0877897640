/**
 * `deno task compile`: every example into `dist/`, one program each.
 *
 * `deno compile` puts the program behind a base binary, `denort`, which it gets
 * from Deno's own site. Where that is out of reach the `deno` executable stands
 * in: the compile step runs to its end all the same, but the result does not
 * start the program, so it is not tried.
 *
 * @module
 */

import { deno, finish, ROOT, step, type Tally } from "./_steps.ts";

/** What each program may do, and what it carries besides its imports. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  demo: ["--allow-run"],
  http_client: ["--allow-net", "--allow-write"],
  load_balancer: [
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--unstable-net",
    "--include",
    "examples/_load_balancer_worker.ts",
  ],
  restful_server: [
    "--allow-net",
    "--allow-read",
    "--unstable-net",
    "--include",
    "examples/_restful_worker.ts",
  ],
  server_data_push: [
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--allow-env",
    "--include",
    "examples/_server_data_push_worker.ts",
  ],
  websocket_client: ["--allow-net", "--allow-read"],
  websocket_server: ["--allow-net", "--allow-read"],
};

const BASE_BINARY =
  `https://dl.deno.land/release/v${Deno.version.deno}/denort-${Deno.build.target}.zip`;

const tally: Tally = { passed: 0, failed: 0 };
const isTrue = Deno.env.has("DENORT_BIN") || await canFetch(BASE_BINARY);
const env: Record<string, string> = isTrue
  ? {}
  : { DENORT_BIN: Deno.execPath() };

for (const name of await programs()) {
  const flags = PROGRAMS[name];
  await step(tally, `compile examples/${name}.ts`, async () => {
    if (flags !== undefined) return await compile(name, flags);
    console.error(`Cannot compile "${name}": it is not in tools/compile.ts`);
    return false;
  });
  if (isTrue) await step(tally, `dist/${name} --help`, () => start(name));
}
console.log(
  isTrue
    ? "\nCOMPILED WITH THE TRUE denort: each program in dist/ was started."
    : "\nCOMPILED, NOT STARTED: the true denort cannot be had here, deno stood " +
      "in for it.\nWhat is in dist/ does not run; compile it where dl.deno.land " +
      "can be reached.",
);
finish(tally);

/** The examples that are programs: neither tests nor parts of others. */
async function programs(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(new URL("examples", ROOT))) {
    if (/^[a-z]\w*\.ts$/.test(name) && !/_(test|worker)\.ts$/.test(name)) {
      names.push(name.slice(0, -".ts".length));
    }
  }
  return names.sort();
}

function compile(name: string, flags: readonly string[]): Promise<boolean> {
  const output = `dist/${name}`;
  return deno(
    [
      "compile",
      "--exclude-unused-npm",
      ...flags,
      "--output",
      output,
      `examples/${name}.ts`,
    ],
    env,
  );
}

async function start(name: string): Promise<boolean> {
  const program = new URL(`dist/${name}`, ROOT);
  const command = new Deno.Command(program, { args: ["--help"] });
  return (await command.spawn().status).success;
}

async function canFetch(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(10_000);
    const response = await fetch(url, { method: "HEAD", signal });
    return response.ok;
  } catch {
    return false;
  }
}
