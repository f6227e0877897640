// Connections to backends: how many, how long, and who waits for them.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import {
  field,
  post,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy_test_util.ts";
import type { PoolConfig } from "../config/config.ts";

/** One backend that answers by hand. */
function slow(pool: PoolConfig = {}): Bench {
  const t = new Bench({ backends: 1, upstream: { pool } });
  t.a.answer = () => {};
  return t;
}

/** Answers what a connection carries. */
async function answer(t: Bench, wire: number, text = respond("ok")) {
  t.a.wires[wire]!.send(text);
  await settle();
}

Deno.test("a connection carries one request after the other", async () => {
  await using t = new Bench({ backends: 1 });
  for (let i = 0; i < 5; i++) await t.ask(i % 2 ? post("x") : request());
  assertEquals(t.a.wires.length, 1);
  assertEquals(t.figures().connects, 1);
});

Deno.test("requests at the same time have connections of their own", async () => {
  await using t = slow();
  const clients = [t.client(), t.client()];
  for (const client of clients) await client.ask(request());
  assertEquals(t.a.wires.length, 2);
  await answer(t, 1, respond("second"));
  assertEquals(clients[0]!.take(), "");
  assertEquals(readResponse(clients[1]!.take()).body, "second");
  await answer(t, 0, respond("first"));
  assertEquals(readResponse(clients[0]!.take()).body, "first");
});

Deno.test("beyond maxConnections requests wait in line", async () => {
  await using t = slow({ maxConnections: 1 });
  const clients = [t.client(), t.client(), t.client()];
  for (const [i, client] of clients.entries()) {
    await client.ask(request(`/${i}`));
  }
  assertEquals(t.figures().queued, 2);
  for (const client of clients) {
    await answer(t, 0);
    assertEquals(readResponse(client.take()).body, "ok");
  }
  assertEquals(t.a.requests.map(({ start }) => start.slice(4, 6)), [
    "/0",
    "/1",
    "/2",
  ]);
  assertEquals(t.a.wires.length, 1);
});

Deno.test("who comes first is served before who waits for nothing", async () => {
  await using t = slow({ maxConnections: 1 });
  const first = t.client();
  const second = t.client();
  await first.ask(request("/1"));
  await second.ask(request("/2"));
  first.send(request("/3"));
  await answer(t, 0);
  assertEquals(t.a.requests[1]!.start, "GET /2 HTTP/1.1");
});

Deno.test("a queue that is full means 503 and Retry-After", async () => {
  await using t = slow({ maxConnections: 1, maxQueue: 1 });
  const first = t.client();
  await first.ask(request());
  await t.client().ask(request());
  const reply = readResponse(await t.ask(request()));
  assertMatch(reply.start, / 503 /);
  assertMatch(field(reply, "retry-after") ?? "", /^[1-9]\d*$/);
  assertEquals(t.record.error, "queue_full");
  assertEquals(t.figures().errors, {}, "that is not the backend's fault");
});

Deno.test("with maxQueue 0 connections may still be opened", async () => {
  await using t = slow({ maxConnections: 2, maxQueue: 0 });
  assertEquals(await t.ask(request()), "");
  assertEquals(await t.ask(request()), "");
  assertEquals(statusOf(await t.ask(request())), 503);
  assertEquals(t.a.wires.length, 2);
});

Deno.test("a POST in a full queue goes to another backend", async () => {
  await using t = new Bench({
    upstream: { pool: { maxConnections: 1, maxQueue: 0 }, policy: "first" },
  });
  t.a.answer = () => {};
  await t.client().ask(request());
  assertEquals(readResponse(await t.ask(post("x"))).body, "b");
});

Deno.test("who waits too long gets 503", async () => {
  await using t = slow({ maxConnections: 1, queueTimeout: 1000 });
  await t.client().ask(request());
  const client = t.client();
  await client.ask(post("x"));
  await t.clock.advance(900);
  assertEquals(client.take(), "");
  await t.clock.advance(200);
  const reply = readResponse(client.take());
  assertMatch(reply.start, / 503 /);
  assertMatch(field(reply, "retry-after") ?? "", /^[1-9]\d*$/);
  assertEquals(t.record.error, "queue_timeout");
});

Deno.test("who leaves the queue is not served", async () => {
  await using t = slow({ maxConnections: 1 });
  await t.client().ask(request("/1"));
  const leaver = t.client();
  await leaver.ask(request("/2"));
  leaver.close();
  await settle();
  assertEquals(t.figures().queued, 0);
  await answer(t, 0);
  assertEquals(t.a.requests.length, 1);
  assertEquals(t.record.error !== undefined, false);
});

Deno.test("a connection that breaks makes room for who waits", async () => {
  await using t = slow({ maxConnections: 1 });
  await t.client().ask(post("1"));
  const second = t.client();
  await second.ask(post("2"));
  await t.a.wires[0]!.reset();
  assertEquals(t.a.wires.length, 2);
  await answer(t, 1);
  assertEquals(readResponse(second.take()).body, "ok");
});

Deno.test("a refused connection fails one request, and the next one tries at once", async () => {
  await using t = slow({ maxConnections: 1 });
  const clients = [t.client(), t.client(), t.client()];
  for (const client of clients) await client.ask(post("x"));
  t.a.mode = "refusing";
  t.a.wires[0]!.transport.reset();
  await settle();
  assertEquals(clients.map((client) => statusOf(client.take())), [
    502,
    502,
    502,
  ]);
});

Deno.test("who must have a new connection gets it once one is free", async () => {
  await using t = slow({ maxConnections: 1 });
  const [warm, stale, other] = [t.client(), t.client(), t.client()];
  await warm.ask(request());
  await answer(t, 0);
  await stale.ask(request("/stale"));
  await other.ask(request("/other"));
  // What was asked first breaks with its kept connection, and is asked again.
  await t.a.wires[0]!.reset();
  for (let i = 1; i < t.a.wires.length && i < 3; i++) {
    await answer(t, i, respond("late"));
    await settle();
  }
  assertEquals(readResponse(other.take()).body, "late");
  assertEquals(readResponse(stale.take()).body, "late");
});

Deno.test("so many connections are kept, and no more", async () => {
  await using t = slow({ maxIdle: 1 });
  for (let i = 0; i < 3; i++) await t.client().ask(request());
  for (let i = 0; i < 3; i++) await answer(t, i);
  const { idleConnections, openConnections } = t.figures();
  assertEquals([idleConnections, openConnections], [1, 1]);
});

Deno.test("with maxIdle 0 each request has a connection", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { maxIdle: 0 } },
  });
  for (let i = 0; i < 3; i++) {
    assertEquals(readResponse(await t.ask(request())).body, "a");
  }
  assertEquals(t.a.wires.length, 3);
});

Deno.test("a connection is kept for idleTimeout", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { idleTimeout: 5000 } },
  });
  await t.ask(request());
  await t.clock.advance(4800);
  assertEquals(t.a.wire.ended, "no");
  await t.clock.advance(400);
  assertEquals(t.a.wire.ended, "eof");
  assertEquals(t.figures().openConnections, 0);
});

Deno.test("a connection is kept for less than the backend says", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.answer = () => respond("a", 200, "Keep-Alive: timeout=5\r\n");
  await t.ask(request());
  await t.clock.advance(3800);
  assertEquals(t.a.wire.ended, "no");
  await t.clock.advance(400);
  assertEquals(t.a.wire.ended, "eof");
});

Deno.test("a connection is not used beyond maxAge", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { maxAge: 10_000 } },
  });
  for (let i = 0; i < 5; i++) {
    await t.ask(request());
    await t.clock.advance(4000);
  }
  assertEquals(t.a.wires.length, 2);
});

Deno.test("an old connection that rests is not used beyond maxAge", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { maxAge: 10_000, idleTimeout: 60_000 } },
  });
  await t.ask(request());
  await t.clock.advance(20_000);
  await t.ask(request());
  assertEquals(t.a.wires.length, 2);
});

Deno.test("what was used last is used first", async () => {
  await using t = slow();
  for (let i = 0; i < 2; i++) await t.client().ask(request());
  await answer(t, 1);
  await answer(t, 0);
  await t.client().ask(request("/third"));
  assert(t.a.wires[0]!.received.includes("/third"));
});

Deno.test("the PROXY protocol comes first, once for each request", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { proxyProtocol: "v1" },
  });
  t.a.raw();
  const client = t.client();
  for (let i = 0; i < 2; i++) {
    await client.ask(request());
    assertMatch(
      t.a.wire.received,
      /^PROXY TCP4 10\.0\.0\.1 10\.0\.0\.99 40000 80\r\nGET \/ HTTP\/1\.1\r\n/,
    );
    t.a.wire.send(respond("a"));
    await settle();
    assertEquals(readResponse(client.take()).body, "a");
  }
  assertEquals(t.a.wires.length, 2);
});

Deno.test("with the PROXY protocol each client is named, also who waits or is retried", async () => {
  await using t = new Bench({
    backends: 2,
    upstream: {
      proxyProtocol: "v1",
      policy: "first",
      pool: { maxConnections: 1 },
    },
  });
  t.a.mode = "refusing";
  t.b.raw();
  const clients = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    .map((address) => t.client({ address }));
  for (const client of clients) await client.ask(request());
  for (const [i, client] of clients.entries()) {
    const wire = t.b.wires[i]!;
    assert(wire.received.startsWith(`PROXY TCP4 10.0.0.${i + 1} `));
    wire.send(respond(`${i}`));
    await settle();
    assertEquals(readResponse(client.take()).body, `${i}`);
  }
  assertEquals(t.b.wires.length, 3);
});

Deno.test("a client that leaves while its own connection is opened wastes no other", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { proxyProtocol: "v1", pool: { maxConnections: 1 } },
  });
  t.a.raw();
  t.a.mode = "silent";
  const [leaver, other] = [
    t.client({ address: "10.0.0.1" }),
    t.client({ address: "10.0.0.2" }),
  ];
  await leaver.ask(post("1"));
  await other.ask(post("2"));
  leaver.close();
  await settle();
  t.a.mode = "up";
  await t.clock.advance(2500);
  assertMatch(t.a.wire.received, /^PROXY TCP4 10\.0\.0\.2 /);
  t.a.wire.send(respond("2"));
  await settle();
  assertEquals(readResponse(other.take()).body, "2");
});
