// WebSocket connections through the balancer: how they begin, what is counted, how
// they end.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect, serve, type WsConn } from "../../ws/mod.ts";
import { balance } from "../balance.ts";
import { Bench, type BenchOptions } from "../balancer_test_util.ts";
import {
  AGREES_WEBSOCKET,
  field,
  post,
  readMessage,
  readMessages,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
  type Wire,
} from "./proxy_test_util.ts";

const ASKS = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
/** A text frame "hi" from a client, masked with zeros, and from a server. */
const FROM_CLIENT = "\x81\x82\0\0\0\0hi";
const FROM_SERVER = "\x81\x02hi";
/** A close frame with 1001, from the balancer to each. */
const GO_AWAY = "\x88\x02\x03\xe9";
const CLOSE_FROM_CLIENT = "\x88\x82\0\0\0\0\x03\xe8";
const CLOSE_FROM_SERVER = "\x88\x02\x03\xe8";

/** A bench whose backends are raw; `open` makes a tunnel to the first one. */
function bench(options: BenchOptions = { backends: 1 }): Bench {
  const t = new Bench(options);
  for (const backend of t.backends) backend.raw();
  return t;
}

async function open(t: Bench): Promise<[client: Wire, backend: Wire]> {
  const client = t.client();
  await client.ask(request("/chat", ASKS));
  const backend = t.a.wire;
  backend.take();
  backend.send(AGREES_WEBSOCKET);
  await settle();
  const [reply] = readMessages(client.take(), []);
  assertMatch(reply!.start, / 101 /);
  return [client, backend];
}

/** Both ends close as the protocol says. */
async function part(client: Wire, backend: Wire): Promise<void> {
  await client.ask(CLOSE_FROM_CLIENT);
  await backend.ask(CLOSE_FROM_SERVER);
  await backend.end();
  await settle();
}

Deno.test("an upgrade passes both ways, and then bytes as they are", async () => {
  await using t = bench();
  const client = t.client();
  assertEquals(await client.ask(request("/chat", ASKS)), "");
  const [seen] = readMessages(t.a.wire.take());
  assertEquals(field(seen!, "connection"), "Upgrade");
  assertEquals(field(seen!, "upgrade"), "websocket");
  assertMatch(field(seen!, "sec-websocket-key")!, /^A+==$/);
  t.a.wire.send(AGREES_WEBSOCKET);
  await settle();
  const [reply] = readMessages(client.take(), []);
  assertEquals(field(reply!, "connection"), "Upgrade");
  assertEquals(field(reply!, "upgrade"), "websocket");
  assertMatch(field(reply!, "sec-websocket-accept")!, /^ICX/);
  client.send(FROM_CLIENT);
  assertEquals(await t.a.wire.ask(FROM_SERVER), FROM_CLIENT);
  assertEquals(client.take(), FROM_SERVER);
  await part(client, t.a.wire);
  assertEquals([client.ended, t.a.wire.ended], ["eof", "eof"]);
});

Deno.test("what is sent ahead is not lost", async () => {
  await using t = bench();
  const client = t.client();
  await client.ask(request("/", ASKS) + FROM_CLIENT);
  assert(!t.a.wire.take().includes("hi"), "it is no HTTP");
  t.a.wire.send(AGREES_WEBSOCKET + FROM_SERVER);
  await settle();
  assert(client.take().endsWith(`\r\n\r\n${FROM_SERVER}`));
  assertEquals(t.a.wire.take(), FROM_CLIENT);
  await part(client, t.a.wire);
});

Deno.test("a tunnel is counted while it is open", async () => {
  await using t = bench();
  const [client, backend] = await open(t);
  assertEquals(t.records.length, 1);
  assertEquals([t.record.status, t.record.outcome], [101, "upgraded"]);
  const snapshot = t.balancer.snapshot();
  assertEquals([snapshot.websockets, snapshot.connections], [1, 1]);
  assertEquals(snapshot.routes[0]!.inFlight, 1);
  assertEquals([t.figures().websockets, t.figures().inFlight], [1, 1]);
  await client.ask(FROM_CLIENT);
  await part(client, backend);
  assertEquals(t.balancer.snapshot().routes[0]!.inFlight, 0);
  const { websockets, inFlight, bytesIn, bytesOut, openConnections } = t
    .figures();
  assertEquals({ websockets, inFlight, openConnections }, {
    websockets: 0,
    inFlight: 0,
    openConnections: 0,
  });
  assertEquals([bytesIn, bytesOut], [8 + 8, 4]);
});

Deno.test("a route can refuse WebSockets", async () => {
  await using t = new Bench({ backends: 1, route: { websocket: false } });
  const reply = readResponse(await t.ask(request("/", ASKS)));
  assertEquals(reply.body, "a");
  assertEquals(field(t.a.requests[0]!, "upgrade"), undefined);
  assertEquals(field(t.a.requests[0]!, "connection"), undefined);
});

Deno.test("a backend can refuse, and the connection goes on", async () => {
  await using t = new Bench({ backends: 1 });
  const client = t.client();
  t.a.answer = () => respond("no", 403);
  assertEquals(statusOf(await client.ask(request("/", ASKS))), 403);
  t.a.answer = () => respond("yes");
  assertEquals(readResponse(await client.ask(request())).body, "yes");
});

Deno.test("a backend that refuses sees nothing of what was sent ahead", async () => {
  await using t = bench();
  const client = t.client();
  await client.ask(request("/", ASKS) + request("/hidden"));
  t.a.wire.send(respond("no", 403));
  await settle();
  assertMatch(client.take(), /^HTTP\/1\.1 403 /);
  // It is a request of its own then.
  const seen = readMessages(t.a.wires.map((each) => each.received).join(""));
  assertEquals(seen.map(({ start }) => start), [
    "GET / HTTP/1.1",
    "GET /hidden HTTP/1.1",
  ]);
});

Deno.test("an upgrade that cannot connect goes to another backend", async () => {
  await using t = bench({ backends: 2 });
  t.a.mode = "refusing";
  const client = t.client();
  await client.ask(request("/", ASKS));
  t.b.wire.send(AGREES_WEBSOCKET);
  await settle();
  assertMatch(client.take(), /^HTTP\/1\.1 101 /);
  await part(client, t.b.wire);
});

Deno.test("an HTTP/1.0 request upgrades nothing", async () => {
  await using t = new Bench({ backends: 1 });
  const got = await t.ask(`GET / HTTP/1.0\r\nHost: a\r\n${ASKS}\r\n`);
  assertEquals(statusOf(got), 200);
  assertEquals(field(t.a.requests[0]!, "upgrade"), undefined);
});

Deno.test("an upgrade with a body is one request", async () => {
  await using t = bench();
  const client = t.client();
  await client.ask(post("body", ASKS) + FROM_CLIENT);
  const [seen] = readMessage(t.a.wire.take())!;
  assertEquals(seen.body, "body");
  t.a.wire.send(respond("no", 400));
  await settle();
  assertMatch(client.take(), /^HTTP\/1\.1 400 /);
});

for (const who of ["client", "backend"] as const) {
  for (const how of ["end", "reset"] as const) {
    Deno.test(`a ${who} that leaves by ${how} takes the other one along`, async () => {
      await using t = bench();
      const [client, backend] = await open(t);
      await (who === "client" ? client : backend)[how]();
      await t.clock.advance(6000);
      assert(client.ended !== "no" && backend.ended !== "no");
      assertEquals(t.balancer.snapshot().websockets, 0);
    });
  }
}

Deno.test("a drain says 1001 to both ends, so many a second", async () => {
  await using t = bench({ backends: 1, common: { drainRate: 2 } });
  const pairs = [await open(t), await open(t), await open(t)];
  const drained = t.balancer.drain();
  const told: number[] = [];
  for (let i = 0; i < 4; i++) {
    await settle();
    told.push(
      pairs.filter(([client]) => client.received.endsWith(GO_AWAY)).length,
    );
    await t.clock.advance(500);
  }
  assertEquals(told, [1, 2, 3, 3]);
  for (const [client, backend] of pairs) {
    assertMatch(backend.take(), /\x88\x82[^]{4}[^]{2}$/);
    client.send(CLOSE_FROM_CLIENT);
    backend.send(CLOSE_FROM_SERVER);
    await backend.end();
    await settle();
  }
  await drained;
  assertEquals(t.balancer.snapshot().websockets, 0);
});

for (
  const [how, act] of [
    [
      "is drained",
      (t: Bench) => t.balancer.setDraining("/", t.a.address, true),
    ],
    ["is removed", (t: Bench) => t.balancer.removeBackend("/", t.a.address)],
    [
      "is not in the new configuration",
      (t: Bench) =>
        t.balancer.update({
          routes: [{ upstream: { backends: [t.b.address] } }],
        }),
    ],
  ] as const
) {
  Deno.test(`the tunnels of a backend that ${how} end, and no others`, async () => {
    await using t = bench({ backends: 2 });
    const [client, backend] = await open(t);
    const other = t.client();
    await other.ask(request("/", ASKS));
    t.b.wire.send(AGREES_WEBSOCKET);
    await settle();
    act(t);
    await t.clock.advance(100);
    assert(client.received.endsWith(GO_AWAY), "1001");
    await part(client, backend);
    assertEquals(client.ended, "eof");
    assertEquals(other.ended, "no");
    assertEquals(t.balancer.snapshot().websockets, 1);
  });
}

for (
  const [how, act] of [
    ["drained", (t: Bench) => t.balancer.setDraining("/", t.a.address, true)],
    ["removed", (t: Bench) => t.balancer.removeBackend("/", t.a.address)],
  ] as const
) {
  Deno.test(`a tunnel that begins at a backend that was ${how} meanwhile ends`, async () => {
    await using t = bench();
    const client = t.client();
    await client.ask(request("/chat", ASKS));
    act(t);
    t.a.wire.send(AGREES_WEBSOCKET);
    await settle();
    await t.clock.advance(100);
    assertMatch(client.received, / 101 /);
    assert(client.received.endsWith(GO_AWAY), "1001");
    await part(client, t.a.wire);
  });
}

Deno.test("tunnels leave the pool to requests", async () => {
  await using t = bench({
    backends: 1,
    upstream: { pool: { maxConnections: 1 } },
  });
  const [client, backend] = await open(t);
  const next = t.client();
  await next.ask(request("/next"));
  t.a.wire.send(respond("next"));
  await settle();
  assertEquals(readResponse(next.take()).body, "next");
  await part(client, backend);
});

Deno.test("tunnels count for maxInFlight", async () => {
  await using t = bench({ backends: 1, route: { maxInFlight: 1 } });
  const [client, backend] = await open(t);
  assertMatch(await t.ask(request()), /^HTTP\/1.1 503 /);
  await part(client, backend);
  const next = t.client();
  await next.ask(request("/next"));
  t.a.wire.send(respond("next"));
  await settle();
  assertEquals(readResponse(next.take()).body, "next");
});

Deno.test("a tunnel in which nothing moves for too long gets 1001", async () => {
  await using t = bench({
    backends: 1,
    route: { timeouts: { websocket: 60_000 } },
  });
  const [client, backend] = await open(t);
  for (const from of [client, backend]) {
    await t.clock.advance(50_000);
    await from.ask(from === client ? FROM_CLIENT : FROM_SERVER);
  }
  await t.clock.advance(59_000);
  client.take();
  await t.clock.advance(62_000);
  assert(client.take().endsWith(GO_AWAY), "1001");
  await part(client, backend);
});

Deno.test("a backend's failure codes count if frames are looked into", async () => {
  await using t = bench({
    backends: 1,
    route: { websocket: { failureCodes: [1011] } },
    upstream: { ejection: { failures: 1 } },
  });
  const [client, backend] = await open(t);
  await backend.ask("\x88\x02\x03\xf3");
  await client.ask("\x88\x82\0\0\0\0\x03\xf3");
  await backend.end();
  assertEquals(t.figures().errors, { close_1011: 1 });
  assertEquals(t.figures().state, "ejected");
});

Deno.test("a message beyond maxMessage ends with 1009", async () => {
  await using t = bench({
    backends: 1,
    route: { websocket: { maxMessage: 10 } },
  });
  const [client, backend] = await open(t);
  await client.ask(FROM_CLIENT);
  assertEquals(backend.take(), FROM_CLIENT);
  const got = await client.ask("\x81\x8b\0\0\0\0hello world");
  assert(got.startsWith("\x88") && got.includes("\x03\xf1"), got);
  assert(!backend.take().includes("hello world"));
  await backend.ask("\x88\x02\x03\xe9");
  await backend.end();
});

Deno.test("over sockets, serve and connect talk through the balancer", async () => {
  const local = { hostname: "127.0.0.1", port: 0 };
  const echo = (
    event: { type: string; data?: string | Uint8Array },
    conn: WsConn,
  ) => {
    if (event.type === "message") conn.send(event.data!);
  };
  await using backend = serve(local, echo);
  const { port } = backend.addr as Deno.NetAddr;
  const server = balance({
    routes: [{ upstream: { backends: [`127.0.0.1:${port}`] } }],
  }, local);
  const url = `ws://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`;
  const conns = await Promise.all([0, 1, 2].map(() => connect(url)));
  const large = new Uint8Array(1_000_000).map((_, i) => i * 7);
  for (const conn of conns) {
    for (const data of ["hello", large]) {
      conn.send(data);
      const { value } = await conn.messages().next();
      assertEquals(value, data);
    }
  }
  assertEquals(server.balancer.snapshot().websockets, 3);
  const codes = conns.map(async (conn) => {
    for await (const event of conn) {
      if (event.type === "close") return [event.code, event.wasClean];
    }
    return [];
  });
  await server.shutdown();
  assertEquals(await Promise.all(codes), [[1001, true], [1001, true], [
    1001,
    true,
  ]]);
});
