/**
 * A WebSocket client for the command line: sends a message and prints the reply,
 * or lets its user talk with a server.
 *
 * Run:     deno run --allow-net examples/websocket_client.ts
 *          `-ca PEM` needs `--allow-read`, too.
 * Compile: deno compile --allow-net --allow-read examples/websocket_client.ts
 */

import { ConnError } from "@meerkat/net/conn";
import { connect, reconnect } from "@meerkat/net/ws";
import { UsageError } from "./_usage.ts";
import { parseCommandLine, parseUrl } from "./_websocket_args.ts";
import { printable } from "./_printable.ts";
import { Screen } from "./_websocket_screen.ts";
import { type Peer, type PeerEvent, Session } from "./_websocket_session.ts";

const USAGE =
  `Usage: websocket_client [-url URL] [-ca PEM] [-m MESSAGE] [-i] [--reconnect]

  -url URL     the server; ws://localhost:8000/websocket if left out
  -ca PEM      the file with the authority that is trusted for wss://
  -m MESSAGE   what to send; "hello" if left out
  -i           send each line that is typed, and print what comes; a line that
               begins with "/" is a command, /help lists them
  --reconnect  connect again when the server cannot be reached or goes away
  --help       print this`;

/** How long a reply may take, in milliseconds. */
const REPLY_TIMEOUT = 10_000;

/** What the command line asks for. */
interface Job {
  readonly url: URL;
  readonly ca: string | undefined;
  readonly message: string;
  readonly interactive: boolean;
  readonly reconnect: boolean;
}

if (import.meta.main) await main(Deno.args);

async function main(args: string[]): Promise<void> {
  let code = 0;
  try {
    const job = parse(args);
    if (job === undefined) console.log(USAGE);
    else if (!job.interactive) await exchange(job);
    else if (!await talk(job)) code = 1;
  } catch (error) {
    console.error(describe(error));
    code = 1;
  }
  // Standard input may still be waited for.
  Deno.exit(code);
}

function parse(args: string[]): Job | undefined {
  const parsed = parseCommandLine(args, {
    values: ["url", "ca", "m"],
    switches: ["i", "reconnect"],
  });
  if (parsed === undefined) return undefined;
  const { values: { url, ca, m }, switches } = parsed;
  const interactive = switches.has("i");
  if (interactive && m !== undefined) {
    throw new UsageError("Options -i and -m exclude each other");
  }
  return {
    url: parseUrl(url ?? "ws://localhost:8000/websocket"),
    ca,
    message: m ?? "hello",
    interactive,
    reconnect: switches.has("reconnect"),
  };
}

/** Connects, and goes on doing so if that is wanted. */
async function open(
  job: Job,
  handler: (event: PeerEvent, peer: Peer) => void,
): Promise<Peer & AsyncDisposable> {
  const { url, ca } = job;
  const options = ca === undefined
    ? {}
    : { tls: { caCerts: [await Deno.readTextFile(ca)] } };
  return job.reconnect
    ? reconnect(url, options, handler)
    : await connect(url, options, handler);
}

/** Sends one message, and prints the reply. */
async function exchange(job: Job): Promise<void> {
  const reply = Promise.withResolvers<string | Uint8Array>();
  // It may be known before anybody waits for it.
  reply.promise.catch(() => {});
  await using _peer = await open(job, (event, peer) => {
    if (event.type === "open") peer.send(job.message);
    if (event.type === "message") reply.resolve(event.data);
    if (event.type === "reconnecting") {
      console.error(`reconnecting in ${Math.round(event.delay)} ms`);
    }
    if (event.type === "close") reply.reject(noReply(event));
  });
  // Who asked for more attempts ends them himself.
  const timer = job.reconnect ? undefined : setTimeout(
    () => reply.reject(new Error(`No reply within ${REPLY_TIMEOUT} ms`)),
    REPLY_TIMEOUT,
  );
  try {
    const data = await reply.promise;
    const text = typeof data === "string"
      ? data
      : new TextDecoder().decode(data);
    console.log(`GOT ECHO REPLY: [${printable(text)}]`);
  } finally {
    clearTimeout(timer);
  }
}

function noReply(event: PeerEvent & { type: "close" }): Error {
  const { code, reason, error } = event;
  if (error !== undefined) return error;
  const why = reason === "" ? "" : `, "${reason}"`;
  return new Error(`The server closed without a reply, code ${code}${why}`);
}

/** Lets the user talk; tells whether it ended well. */
async function talk(job: Job): Promise<boolean> {
  const terminal = Deno.stdin.isTerminal() && Deno.stdout.isTerminal();
  const encoder = new TextEncoder();
  const session = new Session(
    new Screen({
      print: console.log,
      note: console.error,
      ...(terminal && {
        write: (text) => Deno.stdout.writeSync(encoder.encode(text)),
      }),
    }),
  );
  const peer = await open(job, session.handle);
  Deno.addSignalListener("SIGINT", () => session.end(peer));
  return await session.run(peer, Deno.stdin.readable);
}

function describe(error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${USAGE}`;
  if (!(error instanceof Error)) return String(error);
  const message = printable(error.message).replace(/\s*\n\s*/g, " ");
  if (!(error instanceof ConnError)) return message;
  const { code } = error;
  if (/^(connect|dns)_/.test(code)) return `connect() failed: ${message}`;
  if (/^tls_/.test(code)) return `TLS handshake failed: ${message}`;
  if (/^handshake_/.test(code)) return `handshake failed: ${message}`;
  return message;
}
