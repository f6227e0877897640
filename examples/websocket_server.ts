/**
 * A WebSocket server: it echoes what it gets, has a page to try that with, and
 * serves files.
 *
 * Run:     deno run --allow-net --allow-read examples/websocket_server.ts
 *          and open http://localhost:8000/test.html
 * Compile: deno compile --allow-net --allow-read examples/websocket_server.ts
 *
 * SIGINT (Ctrl-C) and SIGTERM close the connections in order, and then end the
 * program; a second SIGINT ends it at once.
 */

import type { Server } from "@meerkat/net/conn";
import {
  serve,
  serveDir,
  type ServeHandler,
  type ServeOptions,
} from "@meerkat/net/http";
import { upgrade, type WsConn, type WsEvent } from "@meerkat/net/ws";
import { listenMutualTls } from "./_mutual_tls.ts";
import { checkRoot, runServer, type Started } from "./_server_program.ts";
import { UsageError } from "./_usage.ts";
import { parseCommandLine, parseUrl } from "./_websocket_args.ts";
import page from "./_websocket_page.html" with { type: "text" };

const USAGE = `Usage: websocket_server [-url URL] [-d ROOT]
                        [-cert PEM -key PEM [-ca PEM]]

  -url URL   where to listen; ws://localhost:8000 if left out. Port 0 is any
             that is free; wss://HOST:PORT needs -cert and -key
  -d ROOT    the directory whose files are served; "." if left out
  -cert PEM  the file with the certificate chain
  -key PEM   the file with the private key
  -ca PEM    the file with the certificates of authorities: only clients that
             show a certificate of one of them are served, over wss://
  --help     print this

/websocket echoes messages, /rest answers JSON, /test.html is a page that
connects to /websocket, and any other path is a file in ROOT.`;

/** What the command line asks for. */
interface Job {
  readonly url: URL;
  readonly root: string;
  /** The files with certificate and key, and with the clients' authorities. */
  readonly tls:
    | Readonly<Record<"cert" | "key", string>> & {
      readonly ca?: string;
    }
    | undefined;
}

if (import.meta.main) await runServer(USAGE, () => run(Deno.args));

async function run(args: string[]): Promise<Started | undefined> {
  const job = parse(args);
  if (job === undefined) return undefined;
  const server = await start(job);
  job.url.port = String((server.addr as Deno.NetAddr).port);
  const banner = `Starting WS listener on ${job.url.origin}/websocket`;
  return { server, banner };
}

function parse(args: string[]): Job | undefined {
  const parsed = parseCommandLine(args, {
    values: ["url", "d", "cert", "key", "ca"],
    switches: [],
  });
  if (parsed === undefined) return undefined;
  const { url = "ws://localhost:8000", d: root = ".", cert, key, ca } =
    parsed.values;
  if (root === "") throw new UsageError("Option -d needs a value");
  const where = place(url);
  return { url: where, root, tls: tlsFiles(where, cert, key, ca) };
}

/** Where to listen: a path would be lost. */
function place(value: string): URL {
  const url = parseUrl(value);
  if (`${url.pathname}${url.search}${url.hash}${url.username}` === "/") {
    return url;
  }
  throw new UsageError(
    `Option -url is "${value}", expected only ${url.protocol}//HOST:PORT`,
  );
}

function tlsFiles(
  url: URL,
  cert?: string,
  key?: string,
  ca?: string,
): Job["tls"] {
  const secure = url.protocol === "wss:";
  if (secure && cert && key) {
    return { cert, key, ...(ca !== undefined && { ca }) };
  }
  if (!secure && (cert ?? key ?? ca) === undefined) return undefined;
  throw new UsageError(
    secure
      ? `Cannot listen on "${url.origin}": wss:// needs -cert and -key`
      : `Cannot listen on "${url.origin}": -cert, -key and -ca need wss://`,
  );
}

async function start(job: Job): Promise<Server> {
  await checkRoot(job.root);
  return serve(await socket(job), answer(job.root));
}

/** Where connections come from. */
async function socket({ url, tls }: Job): Promise<ServeOptions> {
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port || (tls ? 443 : 80));
  if (tls === undefined) return { hostname, port };
  const cert = await Deno.readTextFile(tls.cert);
  const key = await Deno.readTextFile(tls.key);
  if (tls.ca === undefined) return { hostname, port, cert, key };
  const ca = await Deno.readTextFile(tls.ca);
  return { listener: listenMutualTls({ hostname, port, cert, key, ca }) };
}

/** What the server does with a request. */
function answer(root: string): ServeHandler {
  return (request, info) => {
    switch (new URL(request.url).pathname) {
      case "/websocket":
        return upgrade(request, info, { deflate: true }, echo);
      case "/rest":
        return new Response('{"result": 123}\n', {
          headers: { "content-type": "application/json" },
        });
      case "/test.html":
        return testPage();
    }
    return serveDir(request, { fsRoot: root, showDirListing: true });
  };
}

/** Text goes back as text, and bytes as bytes. */
function echo(event: WsEvent, conn: WsConn): void | Promise<void> {
  // Who sends without reading is not read from, either.
  if (event.type === "message" && !conn.send(event.data)) return conn.drain();
  return;
}

function testPage(): Response {
  return new Response(page, {
    headers: {
      "content-type": "text/html; charset=UTF-8",
      "content-security-policy":
        "default-src 'none'; connect-src ws: wss:; img-src data:; " +
        "script-src 'unsafe-inline'; style-src 'unsafe-inline'",
    },
  });
}
