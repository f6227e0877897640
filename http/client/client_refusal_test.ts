// Servers that break a rule and keep the connection: the client hears of it at
// once. No test here moves the clock, so nothing waits for the server to leave.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { attach } from "../../conn/loop.ts";
import { TestClock } from "../../conn/clock.ts";
import { memoryPair } from "../../conn/pair.ts";
import { HttpMachine } from "../machine/machine.ts";
import { Client } from "./client.ts";
import { FakeNet, type Peer } from "./client_test_util.ts";

const URL = "http://a.test/";
const OK = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
/** More than any head may have, and than what lies between the two. */
const MUCH = 1024 * 1024;

async function fails(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, ConnError)).code;
}

/** Sends until nobody takes it any more, and tells how much was taken. */
async function sendOn(peer: Peer, piece: string): Promise<number> {
  let sent = 0;
  try {
    for (; sent < MUCH; sent += piece.length) await peer.send(piece);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
  return sent;
}

Deno.test("Client fails at once if a server that stays breaks a rule", async () => {
  const table: [string, string][] = [
    ["garbage\r\n\r\n", "bad_version"],
    ["HTTP/2.0 200 OK\r\n\r\n", "unsupported_version"],
    [`${OK}Content-Length: 2, 3\r\n\r\nhi`, "bad_content_length"],
    [`${OK}X: ${"x".repeat(40_000)}\r\n\r\n`, "header_section_too_large"],
    ["HTTP/1.1 101 Switching Protocols\r\n\r\n", "unexpected_upgrade"],
    [`${CHUNKED}hello`, "bad_chunk_size"],
    [`${CHUNKED}2\r\nhiXX`, "bad_chunk_end"],
  ];
  for (const [reply, code] of table) {
    const net = new FakeNet();
    await using client = net.client();
    const promise = client.request(URL).then(({ body }) => body.text());
    promise.catch(() => {});
    const peer = await net.next();
    await peer.head();
    await peer.send(reply);
    assertEquals(await fails(promise), code);
    assertEquals(client.connections, 0, code);
    // It is no bad luck that another attempt would cure.
    assertEquals(net.requests.length, 1, code);
    await assertRejects(() => peer.send("x"), Deno.errors.BrokenPipe);
  }
});

Deno.test("Client reads nothing more of a server that broke a rule", async () => {
  const table: [string, string, string][] = [
    ["HTTP/1.1 200 ", "x".repeat(1000), "start_line_too_long"],
    [OK, `X: ${"x".repeat(1000)}\r\n`, "header_section_too_large"],
    [OK, "X: y\r\n".repeat(100), "too_many_fields"],
  ];
  for (const [begin, piece, code] of table) {
    const net = new FakeNet();
    await using client = net.client();
    const promise = client.request(URL);
    promise.catch(() => {});
    const peer = await net.next();
    await peer.head();
    await peer.send(begin);
    const sent = await sendOn(peer, piece);
    assert(sent < MUCH, `${sent} bytes were taken`);
    assertEquals(await fails(promise), code);
  }
});

Deno.test("Client gives what came of a body before the server broke a rule", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send(`${CHUNKED}2\r\nhi\r\n!`);
  const response = await promise;
  let text = "";
  const read = async () => {
    for await (const piece of response.body) {
      text += new TextDecoder().decode(piece);
    }
  };
  assertEquals(await fails(read()), "bad_chunk_size");
  assertEquals(text, "hi");
});

Deno.test("Client gives up an upload to a server that broke a rule", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const cancelled = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(16_384)),
    cancel: () => cancelled.resolve(),
  });
  const promise = client.request(URL, { method: "PUT", body });
  promise.catch(() => {});
  const peer = await net.next();
  // It does not take the body, so an orderly close would wait for that, too.
  await peer.head();
  await peer.send("garbage\r\n\r\n");
  assertEquals(await fails(promise), "bad_version");
  await cancelled.promise;
});

Deno.test("Client uses no kept connection on which the server spoke unasked", async () => {
  let spared = 0;
  // However soon after it the next request comes.
  for (let turns = 0; turns < 16; turns++) {
    const net = new FakeNet();
    await using client = net.client({ retry: false });
    const first = client.request(URL);
    const stale = await net.next();
    await stale.serve("one");
    assertEquals(await (await first).body.text(), "one");
    const sent = stale.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
    for (let i = 0; i < turns; i++) await Promise.resolve();
    // If it was faster, the reply is its own: what comes then is no surprise.
    const second = client.request(URL, { method: "POST", body: "x" });
    second.catch(() => {});
    await sent;
    await net.clock.advance(0);
    if (net.requests.length === 1) {
      assertEquals((await second).status, 408, `${turns} turns`);
      continue;
    }
    spared++;
    await (await net.next()).serve("two");
    assertEquals(await (await second).body.text(), "two", `${turns} turns`);
  }
  assert(spared > 0, "The race was never won");
});

Deno.test("A client's connection that is idle too long ends without a wait", async () => {
  const clock = new TestClock();
  const [here, there] = memoryPair();
  const conn = attach(here, new HttpMachine("client"), () => {}, {
    clock,
    idleTimeout: 1000,
  });
  await clock.advance(1200);
  assertEquals((await conn.closed)?.code, "idle_timeout");
  assert(here.closed);
  there.close();
});

Deno.test("A client's connection that is closed with an error sends what is queued", async () => {
  const [here, there] = memoryPair();
  const conn = attach(here, new HttpMachine("client"), () => {});
  conn.send({
    type: "request",
    method: "GET",
    target: "/",
    fields: { Host: "a" },
    body: "",
  });
  conn.close(new ConnError("Enough", { code: "enough", side: "local" }));
  const buffer = new Uint8Array(1024);
  const count = await there.read(buffer);
  const text = new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  assertEquals(text, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals(await there.read(buffer), null);
  there.close();
  assertEquals((await conn.closed)?.code, "enough");
});

Deno.test("Client fails at once over a socket if the server stays", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  // Less than an orderly close would wait: it would be this that is told.
  await using client = new Client({ timeouts: { total: 3000 } });
  const url = `http://127.0.0.1:${listener.addr.port}/`;
  const promise = client.request(url);
  promise.catch(() => {});
  using server = await listener.accept();
  await server.read(new Uint8Array(4096));
  await server.write(new TextEncoder().encode("garbage\r\n\r\n"));
  assertEquals(await fails(promise), "bad_version");
  assertEquals(client.connections, 0);
});
