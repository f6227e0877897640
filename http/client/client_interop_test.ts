// The client against servers that others wrote, over real sockets.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { ConnError } from "../../conn/error.ts";
import { testWith } from "../../tools/need.ts";
import { Client } from "./client.ts";

const testdata = new URL("../../conn/testdata/", import.meta.url);
const pem = (name: string) => Deno.readTextFileSync(new URL(name, testdata));
const LARGE = 3_000_000;

/** Answers as its path says, the same for all servers that take a `Request`. */
async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/echo") return new Response(request.body);
  if (pathname === "/count") {
    return new Response(`${(await request.arrayBuffer()).byteLength}`);
  }
  if (pathname === "/large") return new Response(new Uint8Array(LARGE));
  if (pathname === "/redirect") {
    return new Response(null, { status: 302, headers: { location: "/" } });
  }
  if (pathname === "/empty") return new Response(null, { status: 204 });
  return new Response("hello");
}

/** What every server must do for the client. */
async function exercise(client: Client, base: string): Promise<void> {
  const text = async (path: string, options = {}) => {
    const response = await client.request(base + path, options);
    return await response.body.text();
  };
  for (let i = 0; i < 3; i++) assertEquals(await text("/"), "hello");
  assertEquals(await text("/", { method: "HEAD" }), "");
  assertEquals(await text("/empty"), "");
  assertEquals(await text("/redirect"), "hello");
  assertEquals(await text("/echo", { method: "POST", body: "data" }), "data");
  const large = await client.request(`${base}/large`);
  assertEquals((await large.body.bytes()).length, LARGE);
  const body = () => new Blob([new Uint8Array(LARGE)]).stream();
  assertEquals(await text("/count", { method: "POST", body }), `${LARGE}`);
  assertEquals(client.connections, 1);
  const echoed = await client.request(`${base}/echo`, { method: "POST", body });
  let size = 0;
  for await (const piece of echoed.body) size += piece.length;
  assertEquals(size, LARGE);
  const many = Array.from({ length: 50 }, () => text("/"));
  assert((await Promise.all(many)).every((reply) => reply === "hello"));
  assertEquals(await (await client.fetch(base)).text(), "hello");
}

/** Runs a node:http server while `use` runs. */
async function withNode(
  server: Server,
  use: (port: number) => Promise<void>,
): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await use((server.address() as { port: number }).port);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

Deno.test("Client works with Deno.serve over TCP", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    answer,
  );
  await using client = new Client();
  await exercise(client, `http://127.0.0.1:${server.addr.port}`);
});

Deno.test("Client works with Deno.serve over TLS, and checks the certificate", async () => {
  await using server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: pem("server.pem"),
    key: pem("server.key.pem"),
    onListen() {},
  }, answer);
  const base = `https://localhost:${server.addr.port}`;
  await using client = new Client({ tls: { caCerts: [pem("ca.pem")] } });
  await exercise(client, base);
  const { timings } = await client.request(base).then(async (response) => {
    await response.body.text();
    return response;
  });
  assertEquals(timings.tls, 0);
  await using stranger = new Client();
  const error = await assertRejects(() => stranger.request(base), ConnError);
  assertEquals(error.code, "tls_failed");
});

Deno.test("Client works with Deno.serve over a Unix socket", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/http.sock`;
  {
    await using _server = Deno.serve({ path, onListen() {} }, answer);
    await using client = new Client({ unix: path });
    await exercise(client, "http://localhost");
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("Client works with node:http", async () => {
  const server = createServer(async (incoming, outgoing) => {
    const path = incoming.url!;
    if (path === "/echo") return void incoming.pipe(outgoing);
    let count = 0;
    for await (const piece of incoming) count += piece.length;
    if (path === "/redirect") outgoing.writeHead(302, { location: "/" });
    if (path === "/empty") outgoing.writeHead(204);
    if (path === "/count") outgoing.end(`${count}`);
    else if (path === "/large") outgoing.end(new Uint8Array(LARGE));
    else if (path === "/") outgoing.end("hello");
    else outgoing.end();
  });
  await withNode(server, async (port) => {
    await using client = new Client();
    await exercise(client, `http://127.0.0.1:${port}`);
  });
});

Deno.test("Client outlives the restart of its server", async () => {
  const serve = (port: number) =>
    Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, answer);
  let server = serve(0);
  const { port } = server.addr;
  const url = `http://127.0.0.1:${port}/`;
  await using client = new Client();
  const ask = async () => await (await client.request(url)).body.text();
  for (let i = 0; i < 3; i++) {
    const all = await Promise.all([ask(), ask(), ask()]);
    assertEquals(all, ["hello", "hello", "hello"]);
    await server.shutdown();
    server = serve(port);
  }
  await server.shutdown();
});

Deno.test("A script ends by itself while its connections are kept", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    answer,
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const script = `import { request } from "${
    import.meta.resolve("./client.ts")
  }";
    console.log(await (await request("${url}")).body.text());`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", script],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  assertEquals(code, 0);
  assertEquals(new TextDecoder().decode(stdout), "hello\n");
});

Deno.test("Client goes through the tunnel of a proxy to a TLS origin", async () => {
  await using origin = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: pem("server.pem"),
    key: pem("server.key.pem"),
    onListen() {},
  }, answer);
  const sockets = new Set<Socket>();
  const proxy = createServer().on(
    "connect",
    (request, socket: Socket, head) => {
      const port = Number(request.url!.split(":")[1]);
      const upstream = connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        upstream.write(head);
        upstream.pipe(socket).pipe(upstream);
      });
      for (const each of [socket, upstream]) {
        sockets.add(each);
        each.on("error", () => {});
      }
    },
  );
  await withNode(proxy, async (port) => {
    await using client = new Client({
      proxy: `http://127.0.0.1:${port}`,
      tls: { caCerts: [pem("ca.pem")] },
    });
    const url = `https://localhost:${origin.addr.port}/`;
    for (let i = 0; i < 2; i++) {
      const response = await client.request(url);
      assertEquals(await response.body.text(), "hello");
    }
    assertEquals(sockets.size, 2);
    await client.close();
    for (const socket of sockets) socket.destroy();
  });
});

Deno.test("Client says why it cannot connect", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using client = new Client({ retry: false });
  const error = await assertRejects(
    () => client.request(`http://127.0.0.1:${port}/`),
    ConnError,
  );
  assertEquals(error.code, "connect_refused");
  assertEquals(error.side, "transport");
});

testWith("nginx", "Client works with nginx", async (nginx) => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/nginx.sock`;
  await Deno.mkdir(`${folder}/root`);
  await Deno.writeTextFile(`${folder}/root/index.html`, "hello");
  await Deno.writeFile(`${folder}/root/large`, new Uint8Array(LARGE));
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
        root ${folder}/root;
        location /zipped { default_type text/plain; return 200 "zip zip zip"; }
        location /moved { return 301 /index.html; }
      }
    }`,
  );
  const process = new Deno.Command(nginx, {
    args: ["-c", `${folder}/nginx.conf`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    {
      await using client = new Client({
        unix: path,
        retry: {
          attempts: 20,
          baseDelay: 50,
          maxDelay: 100,
          minimumRetries: 50,
        },
      });
      const text = async (target: string) =>
        await (await client.request(`http://localhost${target}`)).body.text();
      for (let i = 0; i < 12; i++) {
        assertEquals(await text("/index.html"), "hello");
      }
      assertEquals(await text("/zipped"), "zip zip zip");
      assertEquals(await text("/moved"), "hello");
      const large = await client.request("http://localhost/large");
      assertEquals((await large.body.bytes()).length, LARGE);
      const missing = await client.request("http://localhost/missing");
      assertEquals(missing.status, 404);
      missing.body.cancel();
    }
  } finally {
    process.kill("SIGTERM");
    await process.status;
    await Deno.remove(folder, { recursive: true });
  }
});
