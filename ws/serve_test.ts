import { assert, assertEquals, assertThrows } from "@std/assert";
import { TestClock } from "../conn/clock.ts";
import { ConnError } from "../conn/error.ts";
import type { Server } from "../conn/listen.ts";
import type { RequestHead } from "../http/codec/message.ts";
import {
  clientClose,
  clientText,
  RawClient,
  request,
  requestFor,
  serverClose,
  serverText,
} from "./_accept_test_util.ts";
import { serve, type WsServeOptions } from "./serve.ts";
import type { WsConn, WsHandler } from "./ws_conn.ts";

const echo: WsHandler = (event, conn) => {
  if (event.type === "message") conn.send(event.data);
};

interface Site extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  client(): Promise<RawClient>;
}

/** A server on a port of its own. */
function site(
  options: Omit<WsServeOptions, "hostname" | "port"> = {},
  handler: WsHandler = echo,
): Site {
  const server = serve(
    { ...options, hostname: "127.0.0.1", port: 0 } as WsServeOptions,
    handler,
  );
  const { port } = server.addr as Deno.NetAddr;
  return {
    server,
    port,
    client: async () =>
      new RawClient(await Deno.connect({ hostname: "127.0.0.1", port })),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("serve talks to Deno's own client", async () => {
  await using at = site({ protocols: ["chat"], deflate: true });
  const socket = new WebSocket(`ws://127.0.0.1:${at.port}/any`, ["x", "chat"]);
  const log: unknown[] = [];
  const closed = Promise.withResolvers<CloseEvent>();
  socket.onopen = () => {
    log.push(socket.protocol);
    socket.send("hello");
  };
  socket.onmessage = (event) => {
    log.push(event.data);
    socket.close(1000, "enough");
  };
  socket.onclose = closed.resolve;
  const { code, wasClean } = await closed.promise;
  assertEquals([code, wasClean], [1000, true]);
  assertEquals(log, ["chat", "hello"]);
});

Deno.test("serve loses nothing that follows the request", async () => {
  await using at = site();
  const client = await at.client();
  await client.send(request(), clientText("one"), clientClose(1000));
  assertEquals((await client.response()).status, 101);
  assertEquals(await client.rest(), serverText("one") + serverClose(1000));
  client.close();
});

/** What a client sends, and what it gets. */
const REFUSALS: [
  what: string,
  sent: string,
  status: number,
  fields?: Record<string, string>,
][] = [
  ["another method", requestFor("POST /chat HTTP/1.1"), 405, { Allow: "GET" }],
  ["no upgrade", request("-Upgrade", "-Connection"), 426, {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
  }],
  ["another protocol", request("Upgrade: h2c"), 426, { Upgrade: "websocket" }],
  ["HTTP/1.0", requestFor("GET /chat HTTP/1.0"), 426, { Upgrade: "websocket" }],
  ["another version", request("Sec-WebSocket-Version: 8"), 426, {
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
  }],
  ["no version", request("-Sec-WebSocket-Version"), 400, {
    "Sec-WebSocket-Version": "13",
  }],
  ["no key", request("-Sec-WebSocket-Key"), 400],
  ["a short key", request("Sec-WebSocket-Key: YWJj"), 400],
  ["two keys", request("+Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA=="), 400],
  ["a body", request("Content-Length: 1") + "x", 400],
  [
    "a body in chunks",
    request("Transfer-Encoding: chunked") + "1\r\nx\r\n0\r\n\r\n",
    400,
  ],
  ["a subprotocol twice", request("Sec-WebSocket-Protocol: a, a"), 400],
  ["a malformed extension", request("Sec-WebSocket-Extensions: ;"), 400],
  ["another origin", request("Origin: https://b.test"), 403],
  ["another path", requestFor("GET /cha HTTP/1.1"), 404],
  ["no host", request("-Host"), 400],
];

for (const [what, sent, status, fields = {}] of REFUSALS) {
  Deno.test(`serve answers ${status} to a request with ${what}`, async () => {
    let opened = 0;
    await using at = site(
      { pathname: "/chat", origins: ["https://a.test"] },
      () => void opened++,
    );
    const client = await at.client();
    await client.send(sent);
    const reply = await client.response();
    assertEquals(reply.status, status);
    assertEquals(reply.field("content-type"), "text/plain; charset=utf-8");
    assert(reply.body.endsWith("\n"), reply.body);
    for (const [name, value] of Object.entries(fields)) {
      const values = reply.field(name)?.split(", ");
      assert(values?.includes(value), `${name}: ${values}`);
    }
    client.close();
    assertEquals(opened, 0);
  });
}

Deno.test("serve finds its path in any target", async () => {
  for (const target of ["/chat", "/chat?a=/b", "http://a.test/chat?a"]) {
    await using at = site({ pathname: "/chat" });
    const client = await at.client();
    await client.send(requestFor(`GET ${target} HTTP/1.1`));
    assertEquals((await client.response()).status, 101, target);
    await client.bye();
  }
});

Deno.test("serve listens on a Unix socket with WebSockets at a path", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  const listening = Promise.withResolvers<unknown>();
  const server = serve(
    { path, pathname: "/chat", onListen: listening.resolve },
    echo,
  );
  await listening.promise;
  const client = new RawClient(await Deno.connect({ transport: "unix", path }));
  await client.send(requestFor("GET / HTTP/1.1"));
  assertEquals((await client.response()).status, 404);
  await client.send(request());
  assertEquals((await client.response()).status, 101);
  await client.bye();
  await server.shutdown();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("serve lets the fallback answer what is not for it", async () => {
  await using at = site({
    pathname: "/chat",
    fallback: async (request) =>
      new Response(`${request.method} ${await request.text()}`),
  });
  const client = await at.client();
  const page = async (text: string): Promise<string> => {
    await client.send(text);
    return (await client.response()).body;
  };
  assertEquals(await page(requestFor("GET /page HTTP/1.1")), "GET ");
  assertEquals(await page(request("-Upgrade")), "GET ");
  assertEquals(
    await page(
      requestFor("POST /chat HTTP/1.1", "-Connection", "Content-Length: 4") +
        "body",
    ),
    "POST body",
  );
  // What asks for a WebSocket at the path is not for the fallback.
  await client.send(request("-Sec-WebSocket-Key"));
  assertEquals((await client.response()).status, 400);
  await client.send(request());
  assertEquals((await client.response()).status, 101);
  await client.bye();
});

Deno.test("serve refuses as verify says", async () => {
  const heads: RequestHead[] = [];
  await using at = site({
    verify: (head, conn) => {
      assertEquals(conn.protocol, "http/1.1");
      heads.push(head);
      return {
        status: 401,
        fields: { "WWW-Authenticate": "Basic", "Set-Cookie": ["a=1", "b=2"] },
        body: "Who are you?",
      };
    },
  });
  const client = await at.client();
  // What is not in order does not get so far.
  await client.send(request("-Sec-WebSocket-Key"));
  assertEquals((await client.response()).status, 400);
  await client.send(request());
  const reply = await client.response();
  assertEquals(reply.status, 401);
  assertEquals(reply.field("www-authenticate"), "Basic");
  assertEquals(reply.head.match(/^set-cookie: /gim)?.length, 2);
  assertEquals(reply.body, "Who are you?");
  assertEquals(heads.map((head) => head.target), ["/chat"]);
  client.close();
});

Deno.test("serve refuses without a body, and with bytes", async () => {
  const refusals = [
    { status: 204 },
    { status: 503, fields: { "Retry-After": "1" } },
    { status: 403, body: new Uint8Array([0xff, 0]) },
  ];
  await using at = site({ verify: () => refusals.shift() });
  const client = await at.client();
  const next = async () => {
    await client.send(request());
    return await client.response();
  };
  assertEquals((await next()).status, 204);
  const busy = await next();
  assertEquals([busy.status, busy.field("retry-after")], [503, "1"]);
  assertEquals((await next()).body, "\xff\0");
  assertEquals((await next()).status, 101);
  await client.bye();
});

Deno.test("serve waits for verify, and then hands over what came meanwhile", async () => {
  const gate = Promise.withResolvers<undefined>();
  const asked = Promise.withResolvers<void>();
  const heads = new WeakSet<RequestHead>();
  await using at = site({
    verify: (head) => {
      heads.add(head);
      asked.resolve();
      return gate.promise;
    },
  }, (event, conn) => {
    if (event.type !== "message") return;
    conn.send(`${event.data} ${heads.has(conn.head as RequestHead)}`);
  });
  const client = await at.client();
  await client.send(request(), clientText("one"));
  await asked.promise;
  await client.send(clientText("two"));
  gate.resolve(undefined);
  assertEquals((await client.response()).status, 101);
  assertEquals(
    await client.until("two true"),
    serverText("one true") + serverText("two true"),
  );
  await client.bye();
});

Deno.test("serve refuses after verify has waited", async () => {
  await using at = site({ verify: () => Promise.resolve({ status: 429 }) });
  const client = await at.client();
  await client.send(request());
  assertEquals((await client.response()).status, 429);
  client.close();
});

Deno.test("serve opens nothing on a connection that closed while verify waited", async () => {
  let opened = 0;
  const verified = Promise.withResolvers<void>();
  await using at = site({
    verify: async (_head, conn) => {
      conn.abort();
      await conn.closed;
      verified.resolve();
    },
  }, () => void opened++);
  const client = await at.client();
  await client.send(request());
  await verified.promise;
  assertEquals(await client.rest().catch(() => ""), "");
  client.close();
  assertEquals(opened, 0);
});

Deno.test("serve tells onError what verify and the fallback throw, and answers 500", async () => {
  const errors: string[] = [];
  const failing = () => {
    throw new Error("secret");
  };
  for (
    const verify of [failing, () => Promise.reject(new Error("secret"))]
  ) {
    await using at = site({
      verify,
      pathname: "/chat",
      fallback: failing,
      onError: (error) => errors.push((error as Error).message),
    });
    for (const sent of [request(), request("-Upgrade")]) {
      const client = await at.client();
      await client.send(sent);
      const reply = await client.response();
      assertEquals(reply.status, 500);
      assertEquals(reply.body, "Internal Server Error\n");
      client.close();
    }
  }
  assertEquals(errors, ["secret", "secret", "secret", "secret"]);
});

Deno.test("serve answers with the reply of a ConnError that verify throws", async () => {
  const errors: unknown[] = [];
  await using at = site({
    verify: () => {
      throw new ConnError("Test", { code: "test", side: "remote", reply: 403 });
    },
    onError: (error) => errors.push(error),
  });
  const client = await at.client();
  await client.send(request());
  const reply = await client.response();
  assertEquals([reply.status, reply.body], [403, "Forbidden\n"]);
  client.close();
  assertEquals(errors, []);
});

for (
  const [how, fail] of [
    ["throws", () => {
      throw new Error("secret");
    }],
    ["rejects", () => Promise.reject(new Error("secret"))],
  ] as [string, () => Promise<void>][]
) {
  Deno.test(`serve closes with 1011 and tells onError once if the handler ${how}`, async () => {
    const errors: unknown[] = [];
    const closed = Promise.withResolvers<ConnError | undefined>();
    await using at = site(
      { onError: (error) => errors.push((error as Error).message) },
      (event) => {
        if (event.type === "close") closed.resolve(event.error);
        return event.type === "message" ? fail() : undefined;
      },
    );
    const client = await at.client();
    await client.send(request(), clientText("x"));
    await client.response();
    const end = await client.rest();
    assertEquals(end.slice(2, 4), serverClose(1011).slice(2));
    assert(!end.includes("secret"));
    client.close();
    assertEquals(((await closed.promise)?.cause as Error).message, "secret");
    assertEquals(errors, ["secret"]);
  });
}

Deno.test("serve does not report a ConnError by which the handler answers", async () => {
  const errors: unknown[] = [];
  await using at = site({ onError: (error) => errors.push(error) }, (event) => {
    if (event.type !== "message") return;
    throw new ConnError("Test", { code: "test", side: "remote", reply: 1008 });
  });
  const client = await at.client();
  await client.send(request(), clientText("x"));
  await client.response();
  const end = await client.rest();
  assertEquals(end.slice(2, 4), serverClose(1008).slice(2));
  client.close();
  assertEquals(errors, []);
});

Deno.test("serve.shutdown closes the WebSockets with 1001", async () => {
  const at = site();
  const client = await at.client();
  await client.send(request());
  await client.response();
  const down = at.server.shutdown();
  assertEquals(await client.until(serverClose(1001)), serverClose(1001));
  await client.send(clientClose(1001));
  assertEquals(await client.rest(), "");
  client.close();
  await down;
  assertEquals(at.server.connections, 0);
});

Deno.test("serve's idleTimeout counts messages in either direction", async () => {
  const clock = new TestClock();
  const open = Promise.withResolvers<WsConn>();
  await using at = site({ clock, idleTimeout: 1000 }, (event, conn) => {
    if (event.type === "open") open.resolve(conn);
  });
  const client = await at.client();
  await client.send(request());
  await client.response();
  const conn = await open.promise;
  for (let i = 0; i < 4; i++) {
    await clock.advance(900);
    conn.send("tick");
    assertEquals(await client.until("tick"), serverText("tick"));
  }
  await clock.advance(1100);
  assert((await client.until("\x03\xe9")).startsWith("\x88"));
  await client.send(clientClose(1001));
  await client.rest();
  client.close();
});

Deno.test("serve finds mistakes in its options before it listens", () => {
  const options: [
    Partial<WsServeOptions>,
    typeof RangeError | typeof ConnError,
  ][] = [
    [{ pathname: "chat" }, RangeError],
    [{ pathname: "/chat?x" }, RangeError],
    [{ pathname: "/a b" }, RangeError],
    [{ origins: ["*"] }, RangeError],
    [{ maxFragments: 0 }, RangeError],
    [{ deflate: { level: 0 } }, RangeError],
    [{ protocols: ["a", "a"] }, ConnError],
    [{ fields: { Connection: "x" } }, ConnError],
  ];
  for (const [wrong, type] of options) {
    assertThrows(() => site(wrong), type);
  }
});
Deno.test("serve.shutdown closes a WebSocket that is opened while verify waits", async () => {
  const gate = Promise.withResolvers<undefined>();
  const asked = Promise.withResolvers<void>();
  const at = site({
    verify: () => {
      asked.resolve();
      return gate.promise;
    },
  });
  const client = await at.client();
  await client.send(request());
  await asked.promise;
  const down = at.server.shutdown();
  gate.resolve(undefined);
  const text = await client.until(serverClose(1001));
  assert(text.startsWith("HTTP/1.1 101 "), text);
  await client.send(clientClose(1001));
  await client.rest();
  client.close();
  await down;
});

Deno.test("serve takes connections from a given listener", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using _server = serve({ listener }, echo);
  const socket = new WebSocket(`ws://127.0.0.1:${listener.addr.port}/`);
  const closed = Promise.withResolvers<CloseEvent>();
  const messages: unknown[] = [];
  socket.onopen = () => socket.send("hello");
  socket.onmessage = (event) => {
    messages.push(event.data);
    socket.close(1000);
  };
  socket.onclose = closed.resolve;
  await closed.promise;
  assertEquals(messages, ["hello"]);
});
