import { assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import type { ResponseHead } from "../http/codec/message.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import {
  closeFrame,
  fieldOf,
  TestNet,
  textFrame,
} from "./_connect_test_util.ts";
import { deflateBudget } from "./deflate/budget.ts";
import type { WsEvent } from "./machine/message.ts";
import type { WsConn } from "./ws_conn.ts";

const URL_ = "ws://a.test/chat?x=1";

function begin(
  net: TestNet,
  options: ConnectOptions = {},
  url: string | URL = URL_,
): Promise<WsConn> {
  const promise = connect(url, { ...net.options, ...options });
  promise.catch(() => {});
  return promise;
}

async function cut(conn: WsConn): Promise<void> {
  conn.abort();
  await conn.closed;
}

Deno.test("connect asks for a WebSocket as RFC 6455 wants it", async () => {
  const net = new TestNet();
  const promise = begin(net);
  const peer = await net.next();
  const head = await peer.accept();
  assertEquals(head.split("\r\n", 2), [
    "GET /chat?x=1 HTTP/1.1",
    "Host: a.test",
  ]);
  assertEquals(fieldOf(head, "Upgrade"), "websocket");
  assertEquals(fieldOf(head, "Connection"), "Upgrade");
  assertEquals(fieldOf(head, "Sec-WebSocket-Version"), "13");
  assertEquals(atob(fieldOf(head, "Sec-WebSocket-Key")!).length, 16);
  assertEquals(
    fieldOf(head, "Sec-WebSocket-Extensions"),
    "permessage-deflate; client_max_window_bits",
  );
  // A refusal's body is for the program to read as it is.
  assertEquals(fieldOf(head, "Accept-Encoding"), undefined);
  assertEquals(fieldOf(head, "Origin"), undefined);
  assertEquals(fieldOf(head, "Sec-WebSocket-Protocol"), undefined);
  assertEquals(fieldOf(head, "Authorization"), undefined);
  const conn = await promise;
  assertEquals(conn.protocol, "websocket");
  assertEquals(conn.subprotocol, "");
  assertEquals(conn.secure, false);
  await cut(conn);
});

Deno.test("connect sends the program's fields, and the URL's login", async () => {
  const net = new TestNet();
  const fields = { Origin: "https://o.test", Cookie: "a=1", "X-A": "1" };
  const promise = begin(net, { fields }, "ws://me:p%40ss@a.test:81/");
  const head = await (await net.next()).accept();
  assertEquals(fieldOf(head, "Host"), "a.test:81");
  assertEquals(fieldOf(head, "Origin"), "https://o.test");
  assertEquals(fieldOf(head, "Cookie"), "a=1");
  assertEquals(fieldOf(head, "X-A"), "1");
  assertEquals(fieldOf(head, "Authorization"), `Basic ${btoa("me:p@ss")}`);
  await cut(await promise);
  const own = begin(net, {
    fields: { Authorization: "Bearer x" },
  }, "ws://me:pw@a.test/");
  const other = await (await net.next()).accept();
  assertEquals(fieldOf(other, "Authorization"), "Bearer x");
  await cut(await own);
});

Deno.test("connect takes http and https URLs, and objects", async () => {
  for (
    const url of [
      "http://a.test/chat?x=1",
      new URL(URL_),
      new URL("https://a.test/chat?x=1"),
    ]
  ) {
    const net = new TestNet();
    const promise = begin(net, {}, url);
    const peer = await net.next();
    const head = await peer.accept();
    assertEquals(head.startsWith("GET /chat?x=1 "), true);
    const secure = `${url}`.startsWith("https");
    assertEquals(peer.request.port, secure ? 443 : 80);
    assertEquals(peer.request.tls !== undefined, secure);
    await cut(await promise);
  }
});

Deno.test("connect refuses URLs that lead nowhere, and fragments", async () => {
  const net = new TestNet();
  for (
    const url of [
      "",
      "/chat",
      "a.test",
      "ftp://a.test/",
      "ws://",
      "ws://a b/",
      "ws://a.test/#",
      "ws://a.test/#part",
      "http://a.test/#part",
    ]
  ) {
    const error = await assertRejects(() => begin(net, {}, url), ConnError);
    assertEquals(error.code, "url_invalid", url);
  }
  for (
    const url of [
      "ws://me:secret@a.test/#part",
      "ws://me:se@cret@a.test/#part",
      "ws:me:secret@a.test/#part",
      "ws://me:secret/x@a.test/",
    ]
  ) {
    const { message } = await assertRejects(
      () => begin(net, {}, url),
      ConnError,
    );
    assertEquals(message.includes("cret"), false, message);
  }
  assertEquals(net.requests.length, 0);
  assertEquals(net.clock.pending, 0);
});

Deno.test("connect refuses a request that would be wrong, and connects to nobody", async () => {
  const net = new TestNet();
  const wrong: [ConnectOptions, string][] = [
    [{ protocols: ["a", "a"] }, "subprotocol_invalid"],
    [{ protocols: "a b" }, "subprotocol_invalid"],
    [{ fields: { "Sec-WebSocket-Key": "x" } }, "reserved_field"],
    [{ fields: { Connection: "close" } }, "reserved_field"],
    [{ proxy: "ftp://proxy.test" }, "proxy_invalid"],
  ];
  for (const [options, code] of wrong) {
    const error = await assertRejects(() => begin(net, options), ConnError);
    assertEquals(error.code, code);
  }
  for (
    const options of [{ maxMessage: -1 }, { deflate: { level: 10 } }]
  ) {
    await assertRejects(() => begin(net, options), RangeError);
  }
  assertEquals(net.requests.length, 0);
});

Deno.test("connect offers subprotocols, and shows the one that is chosen", async () => {
  const table: [string | string[], string, string][] = [
    ["chat", "chat", "chat"],
    [["v2.chat", "chat"], "v2.chat, chat", "chat"],
    [["v2.chat", "chat"], "v2.chat, chat", ""],
  ];
  for (const [protocols, offered, chosen] of table) {
    const net = new TestNet();
    const promise = begin(net, { protocols });
    const fields = chosen && `Sec-WebSocket-Protocol: ${chosen}\r\n`;
    const head = await (await net.next()).accept({ fields });
    assertEquals(fieldOf(head, "Sec-WebSocket-Protocol"), offered);
    const conn = await promise;
    assertEquals(conn.subprotocol, chosen);
    await cut(conn);
  }
});

Deno.test("connect agrees on compression, or does without", async () => {
  const table: [ConnectOptions, string | undefined, string, number?][] = [
    [{ deflate: false }, undefined, ""],
    [{}, "permessage-deflate; client_max_window_bits", ""],
    [
      { deflate: { serverMaxWindowBits: 10 } },
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits",
      "permessage-deflate; server_max_window_bits=9",
      9,
    ],
  ];
  for (const [options, offered, answer, bits] of table) {
    const net = new TestNet();
    const promise = begin(net, options);
    const fields = answer && `Sec-WebSocket-Extensions: ${answer}\r\n`;
    const head = await (await net.next()).accept({ fields });
    assertEquals(fieldOf(head, "Sec-WebSocket-Extensions"), offered);
    const conn = await promise;
    assertEquals(conn.deflate?.serverMaxWindowBits, bits);
    await cut(conn);
    assertEquals(deflateBudget.used, 0);
  }
});

Deno.test("connect loses nothing of what follows the 101 at once", async () => {
  for (const chunk of [undefined, 1]) {
    const net = new TestNet();
    if (chunk !== undefined) net.chunk = chunk;
    const events: WsEvent[] = [];
    const promise = connect(URL_, net.options, (event) => {
      events.push(event);
    });
    const peer = await net.next();
    await peer.accept({
      then: [textFrame("one"), textFrame("two"), closeFrame(1000)],
    });
    await peer.transport.closeWrite();
    const conn = await promise;
    assertEquals(await conn.closed, undefined);
    assertEquals(
      events.map((event) => event.type === "message" ? event.data : event.type),
      ["open", "one", "two", "closing", "close"],
    );
    assertEquals(conn.closeCode, 1000);
    assertEquals(net.clock.pending, 0);
  }
});

Deno.test("connect gives a connection that is dropped at once, with its end", async () => {
  const net = new TestNet();
  const promise = begin(net);
  const peer = await net.next();
  await peer.accept();
  peer.transport.close();
  const conn = await promise;
  assertEquals((await conn.closed)?.code, "no_close_frame");
  assertEquals(conn.closeCode, 1006);
});

Deno.test("connect keeps what follows the 101 for who iterates later", async () => {
  const net = new TestNet();
  const promise = begin(net);
  const peer = await net.next();
  await peer.accept({
    then: [textFrame("one"), textFrame("two"), closeFrame(1000)],
  });
  await peer.transport.closeWrite();
  const conn = await promise;
  await net.clock.advance(1000);
  const messages: (string | Uint8Array)[] = [];
  for await (const message of conn.messages()) messages.push(message);
  assertEquals(messages, ["one", "two"]);
});

Deno.test("connect shows what the server answered", async () => {
  const net = new TestNet();
  const promise = begin(net);
  await (await net.next()).accept({ fields: "X-Server: 7\r\n" });
  const conn = await promise;
  assertEquals(conn.head.fields.get("x-server"), "7");
  assertEquals((conn.head as ResponseHead).status, 101);
  await cut(conn);
});

Deno.test("connect gives its limits to the connection, and its clock", async () => {
  const net = new TestNet();
  const small = begin(net, { maxMessage: 3 });
  const peer = await net.next();
  await peer.accept({ then: [textFrame("four")] });
  await peer.transport.closeWrite();
  assertEquals((await (await small).closed)?.reply, 1009);
  const hasty = begin(net, { closeTimeout: 1000 });
  await (await net.next()).accept();
  const conn = await hasty;
  conn.close();
  await net.clock.advance(1500);
  assertEquals((await conn.closed)?.code, "close_timeout");
  assertEquals(net.clock.pending, 0);
});
