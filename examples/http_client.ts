/**
 * An HTTP client for the command line: sends a request, and prints the body of
 * the reply.
 *
 * Run:     deno run --allow-net examples/http_client.ts http://localhost:8910/hello
 *          `-o FILE` and `--hexdump FILE` need `--allow-write`, too.
 * Compile: deno compile --allow-net --allow-write examples/http_client.ts
 */

import { ConnError, formatRecord, type InspectHook } from "@meerkat/net/conn";
import { Client, type ClientResponse } from "@meerkat/net/http";
import { parseArgs } from "@std/cli/parse-args";
import { ProgressBar } from "./_progress_bar.ts";
import { UsageError } from "./_usage.ts";

const USAGE = `Usage: http_client [options] URL

  --show-headers   print the head of the reply, too
  --hexdump FILE   append all traffic to FILE; "-" is standard error
  -X METHOD        the method; GET, or POST if there is data
  -H HEADER        a header field, "Name: value"; may be given more than once
  -d DATA          the body; several are joined with "&"
  -o FILE          write the body to FILE; "-" is standard output
  --timing         print how long each phase took, to standard error
  --help           print this`;

/** What the command line asks for. */
interface Job {
  readonly url: string;
  readonly method: string;
  readonly fields: [string, string][];
  readonly body: string | null;
  readonly output: string | undefined;
  readonly hexdump: string | undefined;
  readonly showHeaders: boolean;
  readonly timing: boolean;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: string[]): Promise<number> {
  try {
    const job = parse(args);
    if (job === undefined) console.log(USAGE);
    else await run(job);
    return 0;
  } catch (error) {
    console.error(describe(error));
    return 1;
  }
}

function parse(args: string[]): Job | undefined {
  const flags = parseArgs(withValues(args), {
    boolean: ["show-headers", "timing", "help"],
    string: ["hexdump", "X", "H", "d", "o"],
    collect: ["H", "d"],
    unknown: (arg, key) => {
      if (key !== undefined) throw new UsageError(`Unknown option "${arg}"`);
    },
  });
  if (flags.help) return undefined;
  const [url, ...more] = flags._.map(String);
  if (url === undefined || more.length > 0) {
    throw new UsageError("Expected one URL");
  }
  if ([flags.hexdump, flags.X, flags.o].includes("")) {
    throw new UsageError("Options --hexdump, -X and -o need a value");
  }
  const fields = flags.H.map(parseField);
  const body = flags.d.length > 0 ? flags.d.join("&") : null;
  if (body !== null && !fields.some(([name]) => /^content-type$/i.test(name))) {
    fields.push(["Content-Type", "application/x-www-form-urlencoded"]);
  }
  return {
    url: url.includes("://") ? url : `http://${url}`,
    method: flags.X ?? (body === null ? "GET" : "POST"),
    fields,
    body,
    output: flags.o === "-" ? undefined : flags.o,
    hexdump: flags.hexdump,
    showHeaders: flags["show-headers"],
    timing: flags.timing,
  };
}

/** Puts a value that begins with "-" behind "=": it is no option. */
function withValues(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [arg, next] = [args[i]!, args[i + 1]];
    if (/^(--hexdump|-[XHdo])$/.test(arg) && next?.startsWith("-")) {
      joined.push(`${arg}=${next}`);
      i++;
    } else joined.push(arg);
  }
  return joined;
}

function parseField(header: string): [string, string] {
  const colon = header.indexOf(":");
  if (colon < 1) {
    throw new UsageError(`Cannot send "${header}", expected "Name: value"`);
  }
  return [header.slice(0, colon), header.slice(colon + 1).trim()];
}

async function run(job: Job): Promise<void> {
  using dump = job.hexdump === undefined ? undefined : openDump(job.hexdump);
  await using client = new Client({
    fields: { "User-Agent": "meerkat-http-client" },
    // Who sits at the terminal wants to know at once, and tries again himself.
    retry: false,
    ...(dump && { inspect: dump.hook }),
  });
  const bar = job.output !== undefined && Deno.stderr.isTerminal()
    ? new ProgressBar()
    : undefined;
  const response = await client.request(job.url, {
    method: job.method,
    fields: job.fields,
    body: job.body,
    ...(bar && {
      onProgress: ({ received, total }) => bar.update(received, total),
    }),
  });
  if (job.showHeaders) await print(headOf(response));
  try {
    await save(response, job.output);
  } finally {
    bar?.finish();
  }
  if (job.timing) console.error(timing(response));
}

/** All bytes of all connections, to a file or to standard error. */
function openDump(path: string): { hook: InspectHook } & Disposable {
  const file = path === "-"
    ? undefined
    : Deno.openSync(path, { append: true, create: true });
  const encoder = new TextEncoder();
  return {
    hook: (record) => {
      const text = encoder.encode(formatRecord(record));
      const to = file ?? Deno.stderr;
      for (let at = 0; at < text.length;) at += to.writeSync(text.subarray(at));
    },
    [Symbol.dispose]: () => file?.close(),
  };
}

function headOf({ version, status, reason, fields }: ClientResponse): string {
  const lines = [...fields].map(([name, value]) => `${name}: ${value}\n`);
  return `HTTP/${version} ${status} ${reason}\n${lines.join("")}\n`;
}

/** Writes the body as it comes: neither side waits for all of it. */
async function save(
  response: ClientResponse,
  path: string | undefined,
): Promise<void> {
  // Opened only now: a request that fails leaves the old file as it was.
  using file = path === undefined
    ? undefined
    : await Deno.open(path, { write: true, create: true, truncate: true });
  for await (const bytes of response.body) {
    await writeAll(file ?? Deno.stdout, bytes);
  }
}

function print(text: string): Promise<void> {
  return writeAll(Deno.stdout, new TextEncoder().encode(text));
}

async function writeAll(
  to: { write(bytes: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function timing({ timings }: ClientResponse): string {
  const phases = [
    ["queue", timings.queue],
    ["connect", timings.connect],
    ["tls", timings.tls],
    ["first byte", timings.firstByte],
    ["total", timings.total ?? 0],
  ] as const;
  return phases.map(([name, ms]) =>
    `${name.padEnd(12)}${ms.toFixed(1).padStart(9)} ms`
  ).join("\n");
}

function describe(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${USAGE}`;
  if (!(error instanceof ConnError)) {
    return error instanceof Error ? error.message : String(error);
  }
  const { code, message } = error;
  if (/^(connect|dns)_/.test(code)) return `connect() failed: ${message}`;
  if (/^tls_/.test(code)) return `TLS handshake failed: ${message}`;
  return `request failed: ${message}`;
}
