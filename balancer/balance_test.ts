// The balancer over sockets, in front of servers that others wrote, too.

import { assert, assertEquals } from "@std/assert";
import { hash } from "node:crypto";
import { Client } from "../http/client/client.ts";
import { serve } from "../http/server/serve.ts";
import { testWith } from "../tools/need.ts";
import { balance, type BalancerServer } from "./balance.ts";
import type { BalancerConfig } from "./config/config.ts";

const LOCAL = { hostname: "127.0.0.1", port: 0 };
const testdata = new URL("../conn/testdata/", import.meta.url);
const pem = (name: string) => Deno.readTextFileSync(new URL(name, testdata));

const portOf = ({ addr }: { addr: Deno.Addr }) => (addr as Deno.NetAddr).port;

/** Bytes that no mistake leaves as they are. */
const NOISE = new Uint8Array(20 * 1024 * 1024);
for (let at = 0; at < NOISE.length; at += 65_536) {
  crypto.getRandomValues(NOISE.subarray(at, at + 65_536));
}

const digest = (bytes: Uint8Array) => hash("sha256", bytes, "hex");

/** Answers as the path says: for all servers that take a `Request`. */
function answer(request: Request): Response {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/echo": {
      const length = request.headers.get("content-length");
      const headers = length === null
        ? undefined
        : { "content-length": length };
      return new Response(request.body, headers && { headers });
    }
    case "/empty":
      return new Response(null, { status: 204 });
    case "/missing":
      return new Response("missing", { status: 404 });
    case "/cached":
      return new Response(null, { status: 304, headers: { etag: '"a"' } });
    default:
      return new Response("hello");
  }
}

/** The same, for Node; it says where it listens. */
const NODE = `
const http = require("node:http");
const server = http.createServer((request, response) => {
  switch (request.url) {
    case "/echo":
      if (request.headers["content-length"] !== undefined) {
        response.setHeader("content-length", request.headers["content-length"]);
      }
      return request.pipe(response);
    case "/empty": return response.writeHead(204).end();
    case "/missing": return response.writeHead(404).end("missing");
    case "/cached": return response.writeHead(304, { etag: '"a"' }).end();
    default: request.resume(); return response.end("hello");
  }
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

/** What must work in front of every backend. */
async function exercise(server: BalancerServer, base = ""): Promise<void> {
  base ||= `http://127.0.0.1:${portOf(server)}`;
  await using client = new Client({ tls: { caCerts: [pem("ca.pem")] } });
  const ask = async (path: string, options = {}) => {
    const reply = await client.request(base + path, options);
    const bytes = await reply.body.bytes();
    return { status: reply.status, bytes, text: () => decode(bytes) };
  };
  for (let i = 0; i < 20; i++) {
    assertEquals((await ask("/")).text(), "hello");
  }
  assertEquals((await ask("/", { method: "HEAD" })).bytes.length, 0);
  for (const [path, status] of [["/empty", 204], ["/cached", 304]] as const) {
    const reply = await ask(path);
    assertEquals([reply.status, reply.bytes.length], [status, 0]);
  }
  assertEquals((await ask("/missing")).status, 404);
  const many = Array.from({ length: 50 }, () => ask("/"));
  assert((await Promise.all(many)).every((each) => each.text() === "hello"));
  for (const size of [0, 1, 65_536, 1_000_000, NOISE.length]) {
    const bytes = NOISE.subarray(0, size);
    const sent = digest(bytes);
    const bodies = [bytes, () => new Blob([bytes]).stream()];
    for (const body of bodies) {
      const reply = await ask("/echo", { method: "POST", body });
      assertEquals(reply.bytes.length, size);
      assertEquals(digest(reply.bytes), sent);
    }
  }
  assertQuiet(server);
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Nothing went wrong, and nothing is under way. */
function assertQuiet({ balancer }: BalancerServer): void {
  const { routes, upstreams } = balancer.snapshot();
  assertEquals(routes.map(({ inFlight }) => inFlight), routes.map(() => 0));
  for (const { backends } of upstreams) {
    for (const { inFlight, errors, state } of backends) {
      assertEquals({ inFlight, errors, state }, {
        inFlight: 0,
        errors: {},
        state: "up",
      });
    }
  }
}

const to = (...backends: string[]): BalancerConfig => ({
  routes: [{ upstream: { backends } }],
});

/** Reads what a process says first. */
async function firstLine(process: Deno.ChildProcess): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const piece of process.stdout.values({ preventCancel: true })) {
    text += decoder.decode(piece, { stream: true });
    if (text.includes("\n")) break;
  }
  await process.stdout.cancel();
  return text.trim();
}

Deno.test("the balancer works in front of serve", async () => {
  await using a = serve(LOCAL, answer);
  await using b = serve(LOCAL, answer);
  const addresses = [a, b].map((each) => `127.0.0.1:${portOf(each)}`);
  await using server = balance(to(...addresses), LOCAL);
  await exercise(server);
});

Deno.test("the balancer works in front of Deno.serve", async () => {
  await using backend = Deno.serve({ ...LOCAL, onListen() {} }, answer);
  await using server = balance(to(`localhost:${backend.addr.port}`), LOCAL);
  await exercise(server);
});

Deno.test("the balancer works over TLS on both sides", async () => {
  const tls = { cert: pem("server.pem"), key: pem("server.key.pem") };
  await using backend = serve({ ...LOCAL, ...tls }, answer);
  await using server = balance({
    routes: [{
      upstream: {
        backends: [`https://localhost:${portOf(backend)}`],
        tls: { caCerts: [pem("ca.pem")] },
      },
    }],
  }, { ...LOCAL, ...tls });
  await exercise(server, `https://localhost:${portOf(server)}`);
});

testWith("node", "the balancer works in front of node:http", async (node) => {
  const process = new Deno.Command(node, {
    args: ["-e", NODE],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  try {
    const port = await firstLine(process);
    await using server = balance(to(`127.0.0.1:${port}`), LOCAL);
    await exercise(server);
  } finally {
    process.kill();
    await process.status;
  }
});

testWith("nginx", "the balancer works in front of nginx", async (nginx) => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/nginx.sock`;
  await Deno.mkdir(`${folder}/root`);
  await Deno.writeTextFile(`${folder}/root/index.html`, "hello");
  await Deno.writeFile(`${folder}/root/large`, NOISE);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join("\n");
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `daemon off; user root; pid ${folder}/pid; error_log ${folder}/error.log;
    worker_processes 1;
    events {}
    http {
      access_log off; gzip on; gzip_min_length 1; gzip_types text/plain;
      ${temporary}
      server {
        listen unix:${path};
        keepalive_requests 5;
        client_max_body_size 1m;
        root ${folder}/root;
        location /zipped { default_type text/plain; return 200 "zip zip zip"; }
      }
    }`,
  );
  const process = new Deno.Command(nginx, {
    args: ["-c", `${folder}/nginx.conf`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    while (!await Deno.lstat(path).then(() => true, () => false)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await using server = balance(to(`unix:${path}`), LOCAL);
    await exerciseFiles(`http://127.0.0.1:${portOf(server)}`);
    assertQuiet(server);
  } finally {
    process.kill("SIGTERM");
    await process.status;
    await Deno.remove(folder, { recursive: true });
  }
});

/** What works in front of a server of files; it closes every fifth time. */
async function exerciseFiles(base: string): Promise<void> {
  await using client = new Client();
  for (let i = 0; i < 22; i++) {
    const reply = await client.request(`${base}/index.html`);
    assertEquals(await reply.body.text(), "hello");
  }
  const zipped = await client.request(`${base}/zipped`);
  assertEquals(await zipped.body.text(), "zip zip zip");
  const large = await client.request(`${base}/large`);
  assertEquals(digest(await large.body.bytes()), digest(NOISE));
  const fields = { range: "bytes=100-199" };
  const part = await client.request(`${base}/large`, { fields });
  assertEquals(part.status, 206);
  assertEquals(await part.body.bytes(), NOISE.slice(100, 200));
  const refused = await client.request(`${base}/index.html`, {
    method: "POST",
    body: NOISE,
  });
  assertEquals(refused.status, 413);
  refused.body.cancel();
}

Deno.test("killing a backend under load costs no GET and doubles no POST", async () => {
  const seen = new Map<string, number>();
  const backend = (port = 0) =>
    Deno.serve({ ...LOCAL, port, onListen() {} }, async (request) => {
      const id = new URL(request.url).pathname;
      seen.set(id, (seen.get(id) ?? 0) + 1);
      await request.text();
      return new Response(id);
    });
  let a = backend();
  const b = backend();
  const port = a.addr.port;
  await using server = balance(
    to(`127.0.0.1:${port}`, `127.0.0.1:${b.addr.port}`),
    LOCAL,
  );
  const base = `http://127.0.0.1:${portOf(server)}`;
  await using client = new Client({ retry: false });
  let going = true;
  const done: string[] = [];
  const load = async (worker: number) => {
    for (let i = 0; going; i++) {
      const id = `/${worker}/${i}`;
      const method = i % 2 === 0 ? "GET" : "POST";
      const body = method === "POST" ? { body: "x" } : {};
      const reply = await client.request(base + id, { method, ...body });
      const text = await reply.body.text();
      if (method === "POST" && reply.status !== 200) {
        // The backend closed just when it came: nobody knows what became of it.
        assertEquals(reply.status, 502);
        continue;
      }
      assertEquals([reply.status, text], [200, id]);
      done.push(id);
    }
  };
  const workers = Array.from({ length: 8 }, (_, i) => load(i));
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 60));
    await a.shutdown();
    await new Promise((resolve) => setTimeout(resolve, 30));
    a = backend(port);
  }
  going = false;
  await Promise.all(workers);
  await Promise.all([a.shutdown(), b.shutdown()]);
  for (const [id, count] of seen) {
    const isPost = Number(id.split("/")[2]) % 2 === 1;
    if (isPost) assertEquals(count, 1, id);
  }
  for (const id of done) assert(seen.has(id), id);
  assert(done.length > 100, `${done.length} requests`);
});

Deno.test("shutdown lets requests end", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: go, resolve: goOn } = Promise.withResolvers<void>();
  await using backend = serve(LOCAL, async () => {
    arrive();
    await go;
    return new Response("late");
  });
  const server = balance(to(`127.0.0.1:${portOf(backend)}`), LOCAL);
  await using client = new Client();
  const reply = client.request(`http://127.0.0.1:${portOf(server)}/`);
  await arrived;
  const closed = server.shutdown();
  goOn();
  assertEquals(await (await reply).body.text(), "late");
  await closed;
  assertEquals(server.connections, 0);
});
