import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import { fieldOf, TestNet } from "./_connect_test_util.ts";
import { WsRefusedError } from "./refused.ts";
import type { WsConn } from "./ws_conn.ts";

function begin(
  net: TestNet,
  url: string,
  options: ConnectOptions = {},
): Promise<WsConn> {
  const promise = connect(url, { ...net.options, ...options });
  promise.catch(() => {});
  return promise;
}

async function fails(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, ConnError)).code;
}

function to(location: string): string {
  return `Location: ${location}\r\n`;
}

Deno.test("connect follows redirects, to http and to ws URLs", async () => {
  for (
    const location of ["/there", "ws://a.test/there", "http://a.test/there"]
  ) {
    const net = new TestNet();
    const promise = begin(net, "ws://a.test/here");
    const first = await net.next();
    await first.head();
    await first.refuse("302 Found", to(location), "moved");
    // All of the reply was there, so its connection can go on.
    const head = await first.accept();
    assertEquals(head.split("\r\n", 1), ["GET /there HTTP/1.1"]);
    const conn = await promise;
    assertEquals(net.requests.map(({ port }) => port), [80]);
    conn.abort();
    await conn.closed;
  }
});

Deno.test("connect follows a redirect into TLS", async () => {
  const net = new TestNet();
  const promise = begin(net, "ws://a.test/");
  const first = await net.next();
  await first.head();
  await first.refuse("308 P", to("https://a.test/"));
  const second = await net.next();
  await second.accept();
  assertEquals(second.request.port, 443);
  const conn = await promise;
  assertEquals(conn.secure, true);
  conn.abort();
  await conn.closed;
});

Deno.test("connect makes a new key for each request", async () => {
  const net = new TestNet();
  const promise = begin(net, "ws://a.test/");
  const first = await net.next();
  const head = await first.head();
  await first.refuse("307 T", to("ws://b.test/"));
  const second = await net.next();
  const there = await second.accept();
  assertNotEquals(
    fieldOf(head, "Sec-WebSocket-Key"),
    fieldOf(there, "Sec-WebSocket-Key"),
  );
  const conn = await promise;
  conn.abort();
  await conn.closed;
});

Deno.test("connect never tells another origin who is asking", async () => {
  const net = new TestNet();
  const promise = begin(net, "ws://me:pw@a.test/", {
    fields: { Cookie: "a=1", Host: "virtual.test", Origin: "http://o.test" },
    protocols: "chat",
  });
  const first = await net.next();
  const head = await first.head();
  assertEquals(fieldOf(head, "Authorization"), "Basic bWU6cHc=");
  assertEquals(fieldOf(head, "Cookie"), "a=1");
  assertEquals(fieldOf(head, "Host"), "virtual.test");
  await first.refuse("302 F", to("/2"));
  const same = await first.head();
  assertEquals(fieldOf(same, "Authorization"), "Basic bWU6cHc=");
  assertEquals(fieldOf(same, "Cookie"), "a=1");
  await first.refuse("302 F", to("ws://x:y@b.test/"));
  const second = await net.next();
  const other = await second.accept();
  assertEquals(await first.rest(), "");
  assertEquals(/^(?:authorization|cookie):/im.test(other), false, other);
  assertEquals(fieldOf(other, "Host"), "b.test");
  assertEquals(fieldOf(other, "Origin"), "http://o.test");
  assertEquals(fieldOf(other, "Sec-WebSocket-Protocol"), "chat");
  const conn = await promise;
  conn.abort();
  await conn.closed;
});

Deno.test("connect stops at loops, at the maximum, and at what it must not follow", async () => {
  const table: [url: string, location: string, code: string][] = [
    ["ws://a.test/", "/", "redirect_loop"],
    ["ws://a.test/", "http://a.test/#x", "redirect_loop"],
    ["ws://a.test/", "ftp://a.test/", "redirect_invalid"],
    ["wss://a.test/", "ws://a.test/2", "redirect_insecure"],
    ["wss://a.test/", "http://b.test/", "redirect_insecure"],
  ];
  for (const [url, location, code] of table) {
    const net = new TestNet();
    const promise = begin(net, url);
    const peer = await net.next();
    await peer.head();
    await peer.refuse("302 F", to(location));
    assertEquals(await fails(promise), code, location);
    assertEquals(await peer.rest(), "");
  }
  const net = new TestNet();
  const promise = begin(net, "ws://a.test/0", { redirects: 2 });
  const peer = await net.next();
  for (let i = 1; i <= 3; i++) {
    await peer.head();
    await peer.refuse("302 F", to(`/${i}`));
  }
  assertEquals(await fails(promise), "too_many_redirects");
});

Deno.test("connect takes a redirect for a refusal if it may follow none", async () => {
  const net = new TestNet();
  const promise = begin(net, "ws://a.test/", { redirects: 0 });
  const peer = await net.next();
  await peer.head();
  await peer.refuse("302 Found", to("/2"), "moved");
  const error = await assertRejects(() => promise, WsRefusedError);
  assertEquals(error.head.fields.get("location"), "/2");
  assertEquals(new TextDecoder().decode(error.body), "moved");
});

Deno.test("connect does not wait for the body of a redirect", async () => {
  const net = new TestNet();
  const promise = begin(net, "ws://a.test/");
  const first = await net.next();
  await first.head();
  await first.send(
    "HTTP/1.1 302 F\r\nLocation: /2\r\nContent-Length: 9999999\r\n\r\nand so on",
  );
  const second = await net.next();
  // Nor does it keep the connection that the body would come over.
  assertEquals(await first.rest(), "");
  await second.accept();
  const conn = await promise;
  conn.abort();
  await conn.closed;
});
