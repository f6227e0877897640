// What a route takes, and how long it waits.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import {
  field,
  post,
  readMessage,
  readMessages,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy_test_util.ts";

const CHUNKED = "Transfer-Encoding: chunked\r\n";

Deno.test("beyond the rate there is 429 and Retry-After", async () => {
  await using t = new Bench({ route: { rateLimit: { rate: 0.5, burst: 2 } } });
  const client = t.client();
  const statuses: number[] = [];
  for (let i = 0; i < 3; i++) {
    statuses.push(statusOf(await client.ask(request())));
  }
  assertEquals(statuses, [200, 200, 429]);
  const reply = readResponse(await client.ask(request()));
  assertEquals(field(reply, "retry-after"), "2");
  assertEquals(t.balancer.snapshot().routes[0]!.rateLimited, 2);
  await t.clock.advance(2000);
  assertEquals(statusOf(await client.ask(request())), 200);
});

Deno.test("each client has a rate of its own", async () => {
  await using t = new Bench({ route: { rateLimit: { rate: 1 } } });
  const ask = async (address: string) =>
    statusOf(await t.client({ address }).ask(request()));
  assertEquals(await ask("10.0.0.1"), 200);
  assertEquals(await ask("10.0.0.2"), 200);
  assertEquals(await ask("10.0.0.1"), 429);
});

Deno.test("a field can tell clients apart", async () => {
  await using t = new Bench({
    route: { rateLimit: { rate: 1, by: "header:X-Key" } },
  });
  const ask = async (key: string) =>
    statusOf(await t.ask(request("/", `X-Key: ${key}\r\n`)));
  assertEquals(await ask("a"), 200);
  assertEquals(await ask("b"), 200);
  assertEquals(await ask("a"), 429);
});

Deno.test("beyond maxInFlight there is 503", async () => {
  await using t = new Bench({ backends: 1, route: { maxInFlight: 1 } });
  t.a.answer = () => {};
  const first = t.client();
  await first.ask(request());
  const reply = readResponse(await t.ask(request()));
  assertMatch(reply.start, / 503 /);
  assertMatch(field(reply, "retry-after") ?? "", /^[1-9]\d*$/);
  assertEquals(t.balancer.snapshot().routes[0]!.overloaded, 1);
  t.a.wire.send(respond());
  await settle();
  t.a.answer = () => respond("a");
  assertEquals(statusOf(await t.ask(request())), 200);
});

Deno.test("the body of a request that is refused is dropped", async () => {
  await using t = new Bench({ backends: 1, route: { rateLimit: { rate: 1 } } });
  const client = t.client();
  await client.ask(request());
  const got = await client.ask(post(request("/hidden")) + request("/next"));
  assertEquals(
    readMessages(got, []).map(({ start }) => statusOf(start)),
    [429, 429],
  );
  assertEquals(t.a.requests.length, 1);
});

Deno.test("a body that says that it is too long gets 413", async () => {
  await using t = new Bench({ backends: 1, route: { maxRequestBody: 10 } });
  const got = await t.ask(post("x".repeat(11)));
  assertEquals(statusOf(got), 413);
  for (const { received } of t.a.wires) {
    assertEquals(received, "", "the backend is not asked");
  }
  assertEquals(statusOf(await t.ask(post("x".repeat(10)))), 200);
});

Deno.test("a body that says that it is too long gets 413 in place of 100", async () => {
  await using t = new Bench({ backends: 1, route: { maxRequestBody: 10 } });
  const fields = "Content-Length: 11\r\nExpect: 100-continue\r\n";
  assertEquals(statusOf(await t.ask(request("/", fields, "POST"))), 413);
});

Deno.test("a chunked body that becomes too long gets 413", async () => {
  await using t = new Bench({ backends: 1, route: { maxRequestBody: 10 } });
  t.a.raw();
  const client = t.client();
  await client.ask(request("/", CHUNKED, "POST") + "a\r\n0123456789\r\n");
  assertEquals(client.take(), "");
  const got = await client.ask("1\r\nx\r\n0\r\n\r\n");
  assertEquals(statusOf(got), 413);
  assertEquals(readMessage(t.a.wire.received), undefined, "it is cut");
  assert(t.a.wire.ended !== "no");
});

Deno.test("a body that becomes too long behind the response's head cuts both", async () => {
  await using t = new Bench({ backends: 1, route: { maxRequestBody: 10 } });
  t.a.raw();
  const client = t.client();
  await client.ask(request("/", CHUNKED, "POST") + "a\r\n0123456789\r\n");
  t.a.wire.send(`HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n`);
  await settle();
  assertMatch(client.take(), /hello\r\n$/);
  assertEquals(await client.ask("1\r\nx\r\n0\r\n\r\n"), "");
  assert(client.ended !== "no" && t.a.wire.ended !== "no");
  assertEquals(t.records.map(({ outcome, error }) => [outcome, error]), [
    ["broken", "body_too_large"],
  ]);
});

Deno.test("a body that is buffered is complete before a backend is asked", async () => {
  await using t = new Bench({ backends: 1, route: { bufferRequest: 100 } });
  const client = t.client();
  await client.ask(request("/", CHUNKED, "POST") + "3\r\nabc\r\n");
  assertEquals(t.a.wires.length, 0);
  const got = await client.ask("3\r\ndef\r\n0\r\nX-Sum: 1\r\n\r\n");
  assertEquals(readResponse(got).body, "a");
  assertEquals(t.a.requests[0]!.body, "abcdef");
  assertEquals(t.a.requests[0]!.trailers, "X-Sum: 1\r\n");
});

Deno.test("a body that is too long to be buffered gets 413", async () => {
  await using t = new Bench({ backends: 1, route: { bufferRequest: 10 } });
  const head = request("/", CHUNKED, "POST");
  assertEquals(
    statusOf(await t.ask(head + "b\r\n01234567890\r\n0\r\n\r\n")),
    413,
  );
  assertEquals(statusOf(await t.ask(post("01234567890"))), 413);
  assertEquals(t.a.wires.length, 0);
});

Deno.test("who is buffered gets the 100 that he waits for", async () => {
  await using t = new Bench({ backends: 1, route: { bufferRequest: 100 } });
  const client = t.client();
  const fields = "Content-Length: 3\r\nExpect: 100-continue\r\n";
  const got = await client.ask(request("/", fields, "POST"));
  assertMatch(got, /^HTTP\/1\.1 100 Continue\r\n/);
  assertEquals(readResponse(await client.ask("abc")).body, "a");
});

Deno.test("a request that takes too long gets 504", async () => {
  await using t = new Bench({
    backends: 1,
    route: { timeouts: { request: 1000 } },
  });
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(1100);
  assertEquals(statusOf(client.take()), 504);
  assert(t.a.wire.ended !== "no");
  assertEquals(t.record.error, "request_timeout");
});

Deno.test("a response that takes too long is cut", async () => {
  await using t = new Bench({
    backends: 1,
    route: { timeouts: { request: 1000 } },
  });
  t.a.answer = () => `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n`;
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(1100);
  assertEquals(readMessage(client.received, "GET"), undefined);
  assert(client.ended !== "no");
  assertEquals(t.records.length, 1);
  assertEquals(t.record.outcome, "broken");
});

Deno.test("the time of a request that waits for a connection counts", async () => {
  await using t = new Bench({
    backends: 1,
    route: { timeouts: { request: 1000 } },
    upstream: { pool: { maxConnections: 1 } },
  });
  t.a.answer = () => {};
  const clients = [t.client(), t.client()];
  for (const client of clients) await client.ask(request());
  await t.clock.advance(1100);
  assertEquals(clients.map((client) => statusOf(client.take())), [504, 504]);
});

Deno.test("a response that comes too slowly is cut", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { minResponseRate: 1000 } },
  });
  t.a.answer = () => `HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`;
  const client = t.client();
  await client.ask(request());
  for (let i = 0; i < 60 && client.ended === "no"; i++) {
    t.a.wire.send("1\r\nx\r\n");
    await t.clock.advance(500);
  }
  assert(client.ended !== "no", "a byte each half second goes on for ever");
  assertEquals(t.record.outcome, "broken");
});

Deno.test("a request that comes too slowly gets 408", async () => {
  await using t = new Bench({ backends: 1, http: { minBodyRate: 1000 } });
  t.a.raw();
  const client = t.client();
  await client.ask(request("/", "Content-Length: 100000\r\n", "POST"));
  for (let i = 0; i < 60 && client.ended === "no"; i++) {
    client.send("x");
    await t.clock.advance(500);
  }
  assertEquals(statusOf(client.received), 408);
  assert(t.a.wire.ended !== "no");
  assertEquals(readMessage(t.a.wire.received), undefined);
});

Deno.test("a head that comes too slowly gets 408", async () => {
  await using t = new Bench({ backends: 1 });
  const client = t.client();
  await client.ask("GET / HTTP/1.1\r\n");
  await t.clock.advance(11_000);
  assertEquals(statusOf(client.received), 408);
  assertEquals(t.a.wires.length, 0);
});

Deno.test("heads that are too long are refused", async () => {
  await using t = new Bench({ backends: 1 });
  const long = "x".repeat(40_000);
  assertEquals(statusOf(await t.ask(request("/" + long))), 414);
  assertEquals(statusOf(await t.ask(request("/", `X: ${long}\r\n`))), 431);
  assertEquals(t.a.wires.length, 0);
});

Deno.test("without a minimum a body may rest", async () => {
  await using t = new Bench({ backends: 1, http: { minBodyRate: 0 } });
  const client = t.client();
  await client.ask(request("/", CHUNKED, "POST"));
  await client.ask("1\r\nx\r\n");
  await t.clock.advance(60_000);
  assertEquals(client.received, "");
  assertEquals(readResponse(await client.ask("0\r\n\r\n")).body, "a");
});
