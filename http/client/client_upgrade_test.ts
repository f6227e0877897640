import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { RawMachine } from "../../conn/raw.ts";
import type { Client } from "./client.ts";
import type { RequestOptions } from "./client_options.ts";
import type { ClientResponse } from "./client_response.ts";
import { FakeNet, type Peer } from "./client_test_util.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";

const FIELDS = { Connection: "Upgrade", Upgrade: "x" };
const SWITCHED =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";

async function fails(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, ConnError)).code;
}

function upgrade(
  client: Client,
  options: RequestOptions = {},
  url = "ws://a.test/chat",
): Promise<ClientResponse> {
  const promise = client.request(url, { fields: FIELDS, ...options });
  promise.catch(() => {});
  return promise;
}

async function granted(
  net: FakeNet,
  promise: Promise<ClientResponse>,
): Promise<[Conn<HttpEvent, HttpCommand>, Peer]> {
  const peer = await net.next();
  await peer.head();
  await peer.send(SWITCHED);
  return [(await promise).conn, peer];
}

/** What a raw connection gets, to the end of the stream. */
async function received(conn: Conn<HttpEvent, HttpCommand>): Promise<string> {
  let text = "";
  const raw = conn.become(new RawMachine());
  for await (const event of raw) {
    if (event.type === "bytes") text += new TextDecoder().decode(event.bytes);
    if (event.type === "close") break;
  }
  return text;
}

Deno.test("Client asks an HTTP proxy for a tunnel to a ws URL, and never forwards it", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "http://me:pw@proxy.test:3128" });
  const promise = upgrade(client);
  const peer = await net.next();
  const connect = await peer.head();
  assertStringIncludes(connect, "CONNECT a.test:80 HTTP/1.1\r\n");
  assertStringIncludes(connect, "Proxy-Authorization: Basic bWU6cHc=\r\n");
  await peer.send("HTTP/1.1 200 OK\r\n\r\n");
  const head = await peer.head();
  assertStringIncludes(head, "GET /chat HTTP/1.1\r\nHost: a.test\r\n");
  assertEquals(head.includes("Proxy-Authorization"), false);
  await peer.send(SWITCHED);
  (await promise).conn.abort();
  assertEquals(net.requests.map(({ hostname, tls }) => [hostname, tls]), [
    ["proxy.test", undefined],
  ]);
});

Deno.test("Client does not mix up a tunnel and a connection that forwards", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "http://proxy.test" });
  const plain = client.request("http://a.test/");
  const forwarding = await net.next();
  assertStringIncludes(await forwarding.serve("1"), "GET http://a.test/ ");
  assertEquals(await (await plain).text(), "1");
  const promise = upgrade(client);
  const tunnel = await net.next();
  assertStringIncludes(await tunnel.head(), "CONNECT a.test:80 ");
  await tunnel.send("HTTP/1.1 200 OK\r\n\r\n");
  assertStringIncludes(await tunnel.serve("2"), "GET /chat ");
  assertEquals(await (await promise).text(), "2");
  const again = client.request("http://a.test/3");
  assertStringIncludes(await forwarding.serve("3"), "GET http://a.test/3 ");
  await again;
  assertEquals(net.requests.length, 2);
});

Deno.test("Client asks an https proxy for a tunnel to a ws URL", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "https://proxy.test" });
  const promise = upgrade(client);
  const peer = await net.next();
  assertStringIncludes(await peer.head(), "CONNECT a.test:80 ");
  await peer.send("HTTP/1.1 200 OK\r\n\r\n");
  await peer.head();
  await peer.send(SWITCHED);
  (await promise).conn.abort();
  assertEquals(net.requests.map(({ tls }) => tls), [{}]);
});

Deno.test("Client follows redirects of an upgrade, through a tunnel again", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "http://proxy.test" });
  const promise = upgrade(client);
  const first = await net.next();
  await first.head();
  await first.send("HTTP/1.1 200 OK\r\n\r\n");
  await first.serve("", "Location: http://b.test/there\r\n", "302 F");
  const second = await net.next();
  assertStringIncludes(await second.head(), "CONNECT b.test:80 ");
  await second.send("HTTP/1.1 200 OK\r\n\r\n");
  const head = await second.head();
  assertStringIncludes(head, "GET /there HTTP/1.1\r\nHost: b.test\r\n");
  assertStringIncludes(head, "Upgrade: x\r\n");
  await second.send(SWITCHED);
  const response = await promise;
  assertEquals(response.url, "ws://b.test/there");
  assertEquals(response.redirects, ["ws://a.test/chat"]);
  response.conn.abort();
});

Deno.test("Client gives the reply to a refused upgrade, and keeps the connection", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = upgrade(client);
  const peer = await net.next();
  await peer.serve("not here", "", "403 Forbidden");
  const response = await promise;
  assertEquals(response.status, 403);
  assertEquals(response.head.reason, "Forbidden");
  assertEquals(await response.text(), "not here");
  assertEquals(client.connections, 1);
  const next = client.request("http://a.test/");
  await peer.serve("page");
  assertEquals(await (await next).text(), "page");
  assertEquals(net.requests.length, 1);
});

Deno.test("Client closes the connection of a refused upgrade if the server says so", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = upgrade(client);
  const peer = await net.next();
  await peer.serve("no", "Connection: close\r\n", "400 Bad Request");
  assertEquals(await (await promise).text(), "no");
  assertEquals(client.connections, 0);
  assertEquals(await peer.rest(), "");
});

Deno.test("Client keeps what follows a 101, and its end, until another protocol takes over", async () => {
  for (const chunk of [undefined, 1]) {
    const net = new FakeNet();
    if (chunk !== undefined) net.chunk = chunk;
    await using client = net.client();
    const promise = upgrade(client);
    const peer = await net.next();
    await peer.head();
    await peer.send(SWITCHED + "more");
    await peer.transport.closeWrite();
    const { conn } = await promise;
    // Far longer than the end of the stream takes to be read.
    await net.clock.advance(1000);
    assertEquals(conn.state, "open");
    assertEquals(await received(conn), "more");
  }
});

Deno.test("Client keeps what follows a 101 also from who sees every event", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const seen: string[] = [];
  const promise = upgrade(client, {
    onEvent: (event) => {
      seen.push(event.type);
    },
  });
  const peer = await net.next();
  await peer.head();
  await peer.send(SWITCHED + "more");
  await peer.transport.closeWrite();
  const { conn } = await promise;
  await net.clock.advance(1000);
  assertEquals(await received(conn), "more");
  assertEquals(seen, ["response"]);
});

Deno.test("Client forgets an upgraded connection: closing does not cut it or wait for it", async () => {
  for (const how of ["close", "shutdown"] as const) {
    const net = new FakeNet();
    const client = net.client();
    const [conn, peer] = await granted(net, upgrade(client));
    assertEquals(client.connections, 0);
    await client[how]();
    assertEquals(conn.state, "open");
    const raw = conn.become(new RawMachine());
    raw.send("still here");
    assertEquals(await peer.until("here"), "still here");
    raw.abort();
    await raw.closed;
  }
});

Deno.test("Client leaves an upgraded connection alone when the signal aborts or time is over", async () => {
  const net = new FakeNet();
  await using client = net.client({ timeouts: { total: 1000, head: 500 } });
  const controller = new AbortController();
  const [conn] = await granted(
    net,
    upgrade(client, { signal: controller.signal }),
  );
  controller.abort();
  await net.clock.advance(120_000);
  assertEquals(conn.state, "open");
  conn.abort();
});

Deno.test("Client can be told to give an upgrade up, in each phase", async () => {
  const before = new AbortController();
  before.abort("never");
  const net = new FakeNet();
  await using client = net.client();
  const { signal } = before;
  assertEquals(await fails(upgrade(client, { signal })), "aborted");
  const gate = Promise.withResolvers<void>();
  net.gate = gate.promise;
  const connecting = new AbortController();
  const first = upgrade(client, { signal: connecting.signal });
  connecting.abort("too slow");
  const error = await assertRejects(() => first, ConnError);
  assertEquals([error.code, error.cause], ["aborted", "too slow"]);
  gate.resolve();
  const waiting = new AbortController();
  const second = upgrade(client, { signal: waiting.signal });
  const peer = await net.next();
  await peer.head();
  waiting.abort();
  assertEquals(await fails(second), "aborted");
  assertEquals(await peer.rest(), "");
  assertEquals(client.connections, 0);
});

Deno.test("Client times an upgrade as any other request", async () => {
  const timeouts = { head: "head_timeout", total: "total_timeout" };
  for (const [name, code] of Object.entries(timeouts)) {
    const net = new FakeNet();
    await using client = net.client({ timeouts: { [name]: 1000 } });
    const promise = upgrade(client);
    await (await net.next()).head();
    await net.clock.advance(1200);
    assertEquals(await fails(promise), code);
  }
});

Deno.test("Client refuses a 101 that nobody asked for", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request("ws://a.test/", { retry: false });
  promise.catch(() => {});
  const peer = await net.next();
  await peer.head();
  await peer.send(SWITCHED);
  await peer.transport.closeWrite();
  assertEquals(await fails(promise), "unexpected_upgrade");
});

Deno.test("Client's view of an upgraded connection closes with the program's", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const [conn, peer] = await granted(net, upgrade(client));
  conn.close();
  assertEquals(await peer.rest(), "");
  await peer.transport.closeWrite();
  assertEquals(await conn.closed, undefined);
});
