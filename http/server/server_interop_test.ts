// The server against clients that others wrote, over real sockets.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Client } from "undici";
import { testWith } from "../../tools/need.ts";
import { serve } from "./serve.ts";
import { serveDir } from "../files/serve_dir.ts";
import { saveUploads } from "../forms/upload.ts";

const testdata = new URL("../../conn/testdata/", import.meta.url);
const pem = (name: string) => Deno.readTextFileSync(new URL(name, testdata));
const LARGE = 3_000_000;

/** Where a server is. */
interface Place {
  base: string;
  /** The path of its Unix socket, if that is how it is reached. */
  path?: string;
  /** A folder with `root`, which it serves, `uploads`, and a secret. */
  folder: string;
}

/** Pieces that each take a turn of the event loop. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  for (const piece of ["one", "two", "three"]) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    yield new TextEncoder().encode(piece);
  }
}

/** Answers as the path says. */
async function answer(request: Request, folder: string): Promise<Response> {
  const { pathname } = new URL(request.url);
  switch (pathname) {
    case "/echo":
      return new Response(request.body);
    case "/count":
      return new Response(`${(await request.arrayBuffer()).byteLength}`);
    case "/large":
      return new Response(new Uint8Array(LARGE));
    case "/pieces":
      return new Response(ReadableStream.from(pieces()));
    case "/redirect":
      return Response.redirect(new URL("/", request.url));
    case "/empty":
      return new Response(null, { status: 204 });
    case "/refuse":
      return new Response("no", { status: 403 });
    case "/upload": {
      const { fields, files } = await saveUploads(request, `${folder}/uploads`);
      return Response.json([fields.get("title"), files[0]?.size]);
    }
  }
  if (!pathname.startsWith("/files/")) return new Response("hello");
  const fsRoot = `${folder}/root`;
  return await serveDir(request, { fsRoot, urlRoot: "/files" });
}

async function makeFiles(folder: string): Promise<void> {
  await Deno.mkdir(`${folder}/root`);
  await Deno.mkdir(`${folder}/uploads`);
  await Deno.writeTextFile(`${folder}/secret`, "secret");
  const text = "0123456789".repeat(1000);
  await Deno.writeTextFile(`${folder}/root/text.txt`, text);
  const zipped = new Blob([text]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  await Deno.writeFile(`${folder}/root/text.txt.gz`, zipped);
}

/** Runs `use` with a server over TCP, then TLS, then a Unix socket. */
async function everywhere(
  t: Deno.TestContext,
  use: (place: Place) => Promise<void>,
): Promise<void> {
  const tcp = { hostname: "127.0.0.1", port: 0 };
  const tls = { ...tcp, cert: pem("server.pem"), key: pem("server.key.pem") };
  for (const kind of ["TCP", "TLS", "a Unix socket"]) {
    await t.step(`over ${kind}`, async () => {
      const folder = await Deno.makeTempDir();
      await makeFiles(folder);
      const path = `${folder}/socket`;
      {
        await using server = serve(
          kind === "TCP" ? tcp : kind === "TLS" ? tls : { path },
          (request) => answer(request, folder),
        );
        const scheme = kind === "TLS" ? "https" : "http";
        const { addr } = server;
        await use(
          "port" in addr
            ? { base: `${scheme}://localhost:${addr.port}`, folder }
            : { base: "http://localhost", path, folder },
        );
      }
      await Deno.remove(folder, { recursive: true });
    });
  }
}

/** Runs a program; gives what it printed. */
async function run(
  program: string,
  args: string[],
  input?: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const process = new Deno.Command(program, {
    args,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // A program may stop reading before the end.
  const feeding = input === undefined
    ? undefined
    : new Blob([input]).stream().pipeTo(process.stdin).catch(() => {});
  const { code, stdout, stderr } = await process.output();
  await feeding;
  const decoder = new TextDecoder();
  assertEquals([code, decoder.decode(stderr)], [0, ""]);
  return decoder.decode(stdout);
}

testWith("curl", "serve works with curl", async (curl, t) => {
  const input = new Uint8Array(LARGE).fill(0x61);
  await everywhere(t, async ({ base, path, folder }) => {
    const ca = new URL("ca.pem", testdata).pathname;
    /** `~` in an argument stands for the server. */
    const call = (...args: string[]) =>
      run(curl, [
        ...["--silent", "--show-error", "--max-time", "20", "--path-as-is"],
        ...(path === undefined ? ["--cacert", ca] : ["--unix-socket", path]),
        ...args.map((arg) => arg.replace(/^~/, base)),
      ], args.includes("-") ? input : undefined);
    const code = ["--write-out", " %{http_code}"];
    const size = ["--output", "/dev/null", "--write-out", "%{size_download}"];
    const expect = ["--header", "Expect: 100-continue"];
    const upload = ["--upload-file", "-"];

    assertEquals(await call("~/"), "hello");
    assertEquals(await call("~/pieces"), "onetwothree");
    assertEquals(await call("--http1.0", "~/pieces"), "onetwothree");
    assertMatch(await call("--head", "~/"), /^HTTP\/1\.1 200 OK\r\n/);
    assertEquals(await call("--location", "~/redirect"), "hello");
    assertEquals(await call(...code, "~/empty"), " 204");
    assertEquals(await call("--data", "a=1", "~/echo"), "a=1");
    assertEquals(await call(...expect, "--data", "a=1", "~/echo"), "a=1");
    assertEquals(await call(...upload, "~/count"), `${LARGE}`);
    assertEquals((await call(...upload, "~/echo")).length, LARGE);
    assertEquals(await call(...code, ...upload, "~/refuse"), "no 403");
    assertEquals((await call("~/large")).length, LARGE);
    // Where there is no TLS this asks for an Upgrade, which it is not given.
    assertEquals(await call("--http2", "~/"), "hello");
    assertEquals(
      await call("--write-out", "%{num_connects}", "~/", "~/", "~/"),
      "hello1hello0hello0",
    );
    assertEquals(await call("--range", "3-5", "~/files/text.txt"), "345");
    assertEquals(await call(...size, "~/files/text.txt"), "10000");
    const zipped = await call(...size, "--compressed", "~/files/text.txt");
    assert(Number(zipped) < 1000, zipped);
    // A URL has no such dots: these are the path "/secret".
    assertEquals(await call(...code, "~/files/../secret"), "hello 200");
    assertEquals(await call(...code, "~/files/%2e%2e/secret"), "hello 200");
    assertMatch(await call(...code, "~/files/..%2fsecret"), / 400$/);
    const form = ["--form", "title=x", "--form", `file=@${folder}/secret`];
    assertEquals(await call(...form, "~/upload"), '["x",6]');
  });
});

/** Run by Node.js: talks to the server, prints what it saw as JSON. */
const NODE_CLIENT = `
const { base, path, ca } = JSON.parse(process.argv[1]);
const http = require(base.startsWith("https") ? "https" : "http");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1, ca });
const sockets = new Set();
const call = (target, { body, ...options } = {}) =>
  new Promise((resolve, reject) => {
    const request = http.request(base + target, {
      agent, socketPath: path, ...options,
    }, async (response) => {
      let length = 0, text = "";
      for await (const chunk of response) {
        length += chunk.length;
        if (length < 100) text += chunk;
      }
      resolve([response.statusCode, length < 100 ? text : length]);
    });
    request.on("socket", (socket) => sockets.add(socket));
    request.on("error", reject);
    if (options.headers?.expect) {
      request.flushHeaders();
      request.on("continue", () => request.end(body));
    } else request.end(body);
  });
(async () => {
  const large = Buffer.alloc(${LARGE});
  const seen = [];
  for (let i = 0; i < 10; i++) seen.push((await call("/"))[1]);
  seen.push(await call("/pieces"));
  seen.push(await call("/empty"));
  seen.push(await call("/", { method: "HEAD" }));
  seen.push(await call("/large"));
  seen.push(await call("/count", { method: "POST", body: large }));
  seen.push(await call("/echo", { method: "POST", body: large }));
  const expect = { expect: "100-continue", "content-length": 4 };
  seen.push(await call("/echo", { method: "PUT", headers: expect, body: "four" }));
  seen.push(sockets.size);
  agent.destroy();
  console.log(JSON.stringify(seen));
})();
`;

testWith(
  "node",
  "serve works with Node's http client",
  (node, t) =>
    everywhere(t, async ({ base, path }) => {
      const options = JSON.stringify({ base, path, ca: pem("ca.pem") });
      const seen = await run(node, ["-e", NODE_CLIENT, options]);
      assertEquals(JSON.parse(seen), [
        ...Array(10).fill("hello"),
        [200, "onetwothree"],
        [204, ""],
        [200, ""],
        [200, LARGE],
        [200, `${LARGE}`],
        [200, LARGE],
        [200, "four"],
        1,
      ]);
    }),
);

Deno.test("serve works with undici", (t) =>
  everywhere(t, async ({ base, path }) => {
    const client = new Client(base, {
      pipelining: 8,
      // Its timers outlive it, and this test.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { ca: pem("ca.pem"), timeout: 0 },
      ...(path !== undefined && { socketPath: path }),
    });
    let connects = 0;
    client.on("connect", () => connects++);
    const call = async (path: string, body?: Uint8Array) => {
      const method = body === undefined ? "GET" : "POST";
      const reply = await client.request({ path, method, body: body ?? null });
      return await reply.body.text();
    };
    const many = Array.from(
      { length: 40 },
      (_, i) => call(i % 4 === 0 ? "/pieces" : "/"),
    );
    assertEquals(
      await Promise.all(many),
      many.map((_, i) => i % 4 === 0 ? "onetwothree" : "hello"),
    );
    assertEquals((await call("/large")).length, LARGE);
    assertEquals(await call("/count", new Uint8Array(LARGE)), `${LARGE}`);
    assertEquals(connects, 1);
    await client.close();
  }));

Deno.test("serve works with Deno's fetch", (t) =>
  everywhere(t, async ({ base, path }) => {
    using client = Deno.createHttpClient({
      caCerts: [pem("ca.pem")],
      ...(path !== undefined && { proxy: { transport: "unix", path } }),
    });
    const call = async (target: string, init: RequestInit = {}) =>
      await (await fetch(base + target, { client, ...init })).bytes();
    const text = async (target: string, init: RequestInit = {}) =>
      new TextDecoder().decode(await call(target, init));
    const body = () => new Blob([new Uint8Array(LARGE)]).stream();

    const many = Array.from({ length: 20 }, () => text("/"));
    assertEquals(await Promise.all(many), Array(20).fill("hello"));
    assertEquals(await text("/pieces"), "onetwothree");
    assertEquals(await text("/redirect"), "hello");
    assertEquals(await text("/empty"), "");
    assertEquals((await call("/large")).length, LARGE);
    const method = "POST";
    assertEquals(await text("/count", { method, body: body() }), `${LARGE}`);
    assertEquals((await call("/echo", { method, body: body() })).length, LARGE);
    const form = new FormData();
    form.append("title", "x");
    form.append("file", new File(["secret"], "a"));
    assertEquals(await text("/upload", { method, body: form }), '["x",6]');
  }));
