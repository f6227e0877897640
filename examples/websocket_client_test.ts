import { assert, assertEquals, assertMatch } from "@std/assert";
import { serve as serveHttp } from "@meerkat/net/http";
import { serve, type WsHandler } from "@meerkat/net/ws";
import { run, Running } from "./_test_util.ts";
import { pem, startWsServer, TalkingClient } from "./_websocket_test_util.ts";

/** Runs the client against a server of this process. */
async function against(
  handler: WsHandler,
  ...args: string[]
): ReturnType<typeof run> {
  await using server = serve({ hostname: "127.0.0.1", port: 0 }, handler);
  const { port } = server.addr as Deno.NetAddr;
  return await run("websocket_client", [
    ...["-url", `ws://127.0.0.1:${port}/`, ...args],
  ]);
}

const echo: WsHandler = (event, conn) => {
  if (event.type === "message") conn.send(event.data);
};

/** The port of a server that has just gone. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("websocket_client sends hello, prints the reply, and ends with status 0", async () => {
  const { server, url } = await startWsServer();
  await using _running = server;
  assertEquals(await run("websocket_client", ["-url", url]), {
    code: 0,
    stdout: "GOT ECHO REPLY: [hello]\n",
    stderr: "",
  });
});

Deno.test("websocket_client sends the message of -m", async () => {
  for (const message of ["ü 😀", "", "-i", "x".repeat(100_000)]) {
    assertEquals(await against(echo, "-m", message), {
      code: 0,
      stdout: `GOT ECHO REPLY: [${message}]\n`,
      stderr: "",
    });
  }
});

Deno.test("websocket_client prints a reply in bytes, but obeys none", async () => {
  const { stdout } = await against((event, conn) => {
    if (event.type !== "message") return;
    conn.send(new TextEncoder().encode("\x1b[31mred"));
  });
  assertEquals(stdout, "GOT ECHO REPLY: [\\x1b[31mred]\n");
});

Deno.test("websocket_client trusts the authority of -ca", async () => {
  const { server, url } = await startWsServer("wss");
  await using _running = server;
  const args = ["-url", url, "-ca", pem("ca")];
  const trusting = await run("websocket_client", args, ["--allow-read"]);
  assertEquals(trusting, {
    code: 0,
    stdout: "GOT ECHO REPLY: [hello]\n",
    stderr: "",
  });
  const strict = await run("websocket_client", ["-url", url]);
  assertMatch(strict.stderr, /^TLS handshake failed: .*UnknownIssuer.*\n$/);
  assertEquals([strict.code, strict.stdout], [1, ""]);
});

Deno.test("websocket_client says in one line what went wrong, and ends with status 1", async (t) => {
  await using server = serveHttp({ hostname: "127.0.0.1", port: 0 }, () => {
    return new Response("no\nsuch\nthing", { status: 404 });
  });
  const { port } = server.addr as Deno.NetAddr;
  const cases: [string, string[], RegExp][] = [
    [
      "nobody listens",
      ["-url", `ws://127.0.0.1:${freePort()}/`],
      /^connect\(\) failed: .*refused.*\n$/i,
    ],
    [
      "the path is wrong",
      ["-url", `ws://127.0.0.1:${port}/wrong`],
      /^handshake failed: .*404.*\n$/,
    ],
    [
      "the server speaks no TLS",
      ["-url", `wss://127.0.0.1:${port}/`],
      /^TLS handshake failed: .+\n$/,
    ],
    ["-ca names no file", ["-ca", "no/such.pem"], /^.*no\/such\.pem.*\n$/],
    ["-url is none", ["-url", "8000"], /^Option -url is "8000".*\n\nUsage: /],
    ["-url is of HTTP", ["-url", "http://a"], /^Option -url is "http:/],
    ["an option is unknown", ["-x"], /^Unknown option "-x"\n\nUsage: /],
    ["-m is open", ["-m"], /^Option -m needs a value\n\nUsage: /],
    ["-i has a message", ["-i", "-m", "a"], /^Options -i and -m exclude/],
  ];
  for (const [name, args, message] of cases) {
    await t.step(name, async () => {
      const { code, stdout, stderr } = await run(
        "websocket_client",
        args,
        ["--allow-read"],
      );
      assertMatch(stderr, message);
      assertEquals([code, stdout], [1, ""]);
    });
  }

  await t.step("the server closes", async () => {
    const { code, stdout, stderr } = await against((event, conn) => {
      if (event.type === "message") conn.close(1011, "not\ntoday");
    });
    assertEquals([code, stdout, stderr], [
      1,
      "",
      'The server closed without a reply, code 1011, "not today"\n',
    ]);
  });

  await t.step("the server cuts the connection", async () => {
    const { code, stdout, stderr } = await against((event, conn) => {
      if (event.type === "message") conn.abort();
    });
    assertMatch(stderr, /^.+\n$/);
    assertEquals([code, stdout], [1, ""]);
  });
});

Deno.test("websocket_client --help prints its usage", async () => {
  const { code, stdout } = await run("websocket_client", ["--help"]);
  assertEquals(code, 0);
  assertMatch(stdout, /^Usage: websocket_client \[-url URL\] \[-ca PEM\]/);
  assertMatch(stdout, /ws:\/\/localhost:8000\/websocket if left out/);
});

Deno.test("websocket_client -i sends what is typed and prints what comes", async () => {
  const { server, url } = await startWsServer();
  await using _running = server;
  await using client = await TalkingClient.start("-url", url);
  await client.remarks.until(/^Connected; .*\n/);
  await client.types("one\n");
  await client.output.until(/^< one\n/);
  await client.types("/ping\n");
  await client.output.until(/^pong after \d+\.\d ms\n/);
  await client.types("two\nthree");
  await client.leaves();
  assertEquals(await client.ended(), {
    code: 0,
    stdout: "< two\n< three\n",
    stderr: "",
  });
});

Deno.test("websocket_client -i closes with the code that is typed", async () => {
  const closed = Promise.withResolvers<[number, string]>();
  await using server = serve(
    { hostname: "127.0.0.1", port: 0 },
    (event) => {
      if (event.type === "close") closed.resolve([event.code, event.reason]);
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  await using client = await TalkingClient.start(
    ...["-url", `ws://127.0.0.1:${port}/`],
  );
  await client.types("/close 1005\n/close 4001 enough for today\n");
  const { code, stdout, stderr } = await client.ended();
  assertEquals(await closed.promise, [4001, "enough for today"]);
  assertMatch(stderr, /^Connected; .*\n.*1005.*\n$/);
  assertEquals([code, stdout], [0, ""]);
});

Deno.test("websocket_client -i closes in order at Ctrl-C", async () => {
  const closed = Promise.withResolvers<boolean>();
  await using server = serve(
    { hostname: "127.0.0.1", port: 0 },
    (event, conn) => {
      if (event.type === "message") conn.send(event.data);
      if (event.type === "close") closed.resolve(event.wasClean);
    },
  );
  const { port } = server.addr as Deno.NetAddr;
  await using client = await TalkingClient.start(
    ...["-url", `ws://127.0.0.1:${port}/`],
  );
  // Only who has read a line listens to the signal for sure.
  await client.types("ready\n");
  await client.output.until(/^< ready\n/);
  client.kill("SIGINT");
  assertEquals((await client.ended()).code, 0);
  assert(await closed.promise);
});

Deno.test("websocket_client -i ends when the server does", async () => {
  const { server, url } = await startWsServer();
  await using running = server;
  await using client = await TalkingClient.start("-url", url);
  await client.remarks.until(/^Connected; .*\n/);
  running.kill("SIGTERM");
  const { code, stderr } = await client.ended();
  assertMatch(stderr, /^Closed, code 1001.*\n$/);
  assertEquals(code, 0);
});

Deno.test("websocket_client -i --reconnect lives on when the server is restarted", async () => {
  const { server, url, port } = await startWsServer();
  await using first = server;
  await using client = await TalkingClient.start("-url", url, "--reconnect");
  await client.remarks.until(/^Connected; .*\n/);
  await client.types("one\n");
  await client.output.until(/^< one\n/);
  first.kill("SIGTERM");
  assertEquals(await first.ended(), 0);
  await client.remarks.until(/^reconnecting in \d+ ms\n/m);
  await client.types("two\n");
  await using _second = await Running.start("websocket_server", [
    ...["-url", `ws://localhost:${port}`],
  ]);
  await client.remarks.until(/^Connected; .*\n/m);
  await client.output.until(/^< two\n/);
  await client.types("three\n");
  await client.leaves();
  const { code, stdout } = await client.ended();
  assertEquals([code, stdout], [0, "< three\n"]);
});

Deno.test("websocket_client --reconnect waits for a server", async () => {
  const port = freePort();
  const client = run("websocket_client", [
    ...["-url", `ws://localhost:${port}/websocket`, "--reconnect"],
  ]);
  await using _server = await Running.start("websocket_server", [
    ...["-url", `ws://localhost:${port}`],
  ]);
  const { code, stdout } = await client;
  assertEquals([code, stdout], [0, "GOT ECHO REPLY: [hello]\n"]);
});
