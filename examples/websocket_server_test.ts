import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { ConnError } from "@meerkat/net/conn";
import { connect } from "@meerkat/net/ws";
import { run, type Running } from "./_test_util.ts";
import { pem, startWsServer, TLS } from "./_websocket_test_util.ts";

async function endsInOrder(server: Running): Promise<void> {
  server.kill("SIGTERM");
  assertEquals(await server.ended(), 0);
}

Deno.test("websocket_server echoes text as text and bytes as bytes", async () => {
  const { server, url } = await startWsServer();
  await using running = server;
  {
    await using conn = await connect(url);
    assertEquals(conn.deflate !== undefined, true, "compression is on");
    const messages = conn.messages();
    const long = "They stand guard in turn. ".repeat(10_000);
    for (
      const message of ["hello", "", "ü€😀", long, new Uint8Array([0, 255])]
    ) {
      // A message of bytes is given away.
      conn.send(typeof message === "string" ? message : message.slice());
      assertEquals((await messages.next()).value, message);
    }
  }
  await endsInOrder(running);
});

Deno.test("websocket_server says goodbye with 1001 when it ends", async () => {
  const { server, url } = await startWsServer();
  await using running = server;
  const conn = await connect(url);
  running.kill("SIGINT");
  await conn.closed;
  assertEquals(conn.closeCode, 1001);
  assertEquals(await running.ended(), 0);
});

Deno.test("websocket_server answers plain HTTP on the same port", async (t) => {
  const root = await Deno.makeTempDir();
  await Deno.writeTextFile(`${root}/note.txt`, "a note\n");
  const { server, http } = await startWsServer("ws", "-d", root);
  await using running = server;

  await t.step("/rest is JSON", async () => {
    const response = await fetch(`${http}/rest`);
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(await response.text(), '{"result": 123}\n');
  });

  await t.step("/test.html is the page", async () => {
    const response = await fetch(`${http}/test.html`);
    assertEquals(
      response.headers.get("content-type"),
      "text/html; charset=UTF-8",
    );
    assertMatch(await response.text(), /<title>WebSocket demo<\/title>/);
  });

  await t.step("/websocket wants an upgrade", async () => {
    const response = await fetch(`${http}/websocket`);
    assertEquals(response.status, 426);
    assertEquals(response.headers.get("upgrade"), "websocket");
    await response.body?.cancel();
  });

  await t.step("all else is a file, or a list of files", async () => {
    const file = await fetch(`${http}/note.txt`);
    assertEquals(await file.text(), "a note\n");
    const list = await fetch(http);
    assertMatch(await list.text(), /note\.txt/);
    const nothing = await fetch(`${http}/nothing`);
    assertEquals(nothing.status, 404);
    await nothing.body?.cancel();
  });

  await endsInOrder(running);
  await Deno.remove(root, { recursive: true });
});

Deno.test("websocket_server speaks TLS on a wss: URL", async () => {
  const { server, url, http } = await startWsServer("wss");
  await using running = server;
  const caCerts = [await Deno.readTextFile(pem("ca"))];
  {
    await using conn = await connect(url, { tls: { caCerts } });
    conn.send("hello");
    assertEquals((await conn.messages().next()).value, "hello");
    using client = Deno.createHttpClient({ caCerts });
    const response = await fetch(`${http}/rest`, { client });
    assertEquals(await response.json(), { result: 123 });
  }
  await endsInOrder(running);
});

Deno.test("websocket_server -ca serves only who shows a certificate", async () => {
  const { server, url, http } = await startWsServer("wss", "-ca", pem("ca"));
  await using running = server;
  const caCerts = [await Deno.readTextFile(pem("ca"))];
  const tlsOf = async (name: string) => ({
    caCerts,
    cert: await Deno.readTextFile(pem(name)),
    key: await Deno.readTextFile(pem(`${name}.key`)),
  });
  const client = await tlsOf("client");
  // Its authority has the name of the right one.
  for (const tls of [{ caCerts }, await tlsOf("stranger")]) {
    await assertRejects(() => connect(url, { tls }), ConnError);
    using refused = Deno.createHttpClient(tls);
    await assertRejects(() => fetch(`${http}/rest`, { client: refused }));
  }
  {
    await using conn = await connect(url, { tls: client });
    const messages = conn.messages();
    for (const text of ["hello", "They stand guard. ".repeat(50_000)]) {
      conn.send(text);
      assertEquals((await messages.next()).value, text);
    }
    using served = Deno.createHttpClient(client);
    const response = await fetch(`${http}/rest`, { client: served });
    assertEquals(await response.json(), { result: 123 });
  }
  await endsInOrder(running);
});

Deno.test("websocket_server tells what is wrong, and ends with status 1", async (t) => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const [, cert, , key] = TLS;
  const cases: [string[], RegExp][] = [
    [["-x"], /^Unknown option "-x"\n\nUsage: /],
    [["more"], /^Unknown option "more"\n\nUsage: /],
    [["-url"], /^Option -url needs a value\n\nUsage: /],
    [["-d", ""], /^Option -d needs a value\n\nUsage: /],
    [["-url", "http://localhost"], /^Option -url is "http:.*\n\nUsage: /],
    [["-url", "ws://localhost:1/a"], /expected only ws:\/\/HOST:PORT\n\nUsage/],
    [["-url", "wss://localhost:0"], /wss:\/\/ needs -cert and -key\n\nUsage: /],
    [["-url", "wss://localhost:0", "-cert", cert], /needs -cert and -key\n/],
    [["-url", "ws://localhost:0", "-key", key], /-ca need wss:\/\/\n\nUsage/],
    [["-ca", pem("ca")], /-cert, -key and -ca need wss:\/\/\n\nUsage: /],
    [["-url", "wss://localhost:0", "-ca", pem("ca")], /needs -cert and -key\n/],
    [["-url", "wss://localhost:0", ...TLS, "-ca", ""], /^Empty path/],
    [
      ["-url", "wss://localhost:0", ...TLS, "-ca", key],
      /authority is not .*PEM/,
    ],
    [["-d", "no/such/folder"], /no\/such\/folder/],
    [
      ["-url", "wss://localhost:0", "-cert", "no/such.pem", "-key", key],
      /no\/such\.pem/,
    ],
    [["-url", `ws://127.0.0.1:${port}`], /^Cannot listen .*\n$/],
  ];
  for (const [args, message] of cases) {
    await t.step(args.join(" "), async () => {
      const { code, stdout, stderr } = await run("websocket_server", args);
      assertMatch(stderr, message);
      assertEquals([code, stdout], [1, ""]);
    });
  }
});

Deno.test("websocket_server --help prints its usage", async () => {
  const { code, stdout } = await run("websocket_server", ["--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Usage: websocket_server \[-url URL\] \[-d ROOT\]/);
  assertMatch(stdout, /-ca PEM {4}the file with /);
});
