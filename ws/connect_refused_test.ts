import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import { switching, TestNet } from "./_connect_test_util.ts";
import { WsRefusedError } from "./refused.ts";

const decoder = new TextDecoder();

async function refusal(promise: Promise<unknown>): Promise<WsRefusedError> {
  return await assertRejects(() => promise, WsRefusedError);
}

function begin(net: TestNet, options: ConnectOptions = {}): Promise<unknown> {
  const promise = connect("ws://a.test/", { ...net.options, ...options });
  promise.catch(() => {});
  return promise;
}

Deno.test("connect fails with the server's refusal, head and body", async () => {
  const net = new TestNet();
  const promise = begin(net);
  const peer = await net.next();
  await peer.head();
  await peer.refuse(
    "401 Unauthorized",
    'WWW-Authenticate: Bearer realm="x"\r\n',
    "who are you?",
  );
  const error = await refusal(promise);
  assertEquals(error.code, "handshake_refused");
  assertEquals(error.side, "remote");
  assertEquals(error.head.status, 401);
  assertEquals(error.head.fields.get("www-authenticate"), 'Bearer realm="x"');
  assertEquals(decoder.decode(error.body), "who are you?");
  assertEquals(error.cause, undefined);
  assertEquals(
    error.message,
    'Cannot open the WebSocket "ws://a.test/": the server answered 401 Unauthorized, expected 101',
  );
  assertEquals(await peer.rest(), "");
});

Deno.test("connect asks once, whatever the refusal", async () => {
  for (const status of ["200 OK", "429 Too Many", "503 Busy"]) {
    const net = new TestNet();
    const promise = begin(net);
    const peer = await net.next();
    await peer.head();
    await peer.refuse(status, "Retry-After: 1\r\n");
    const error = await refusal(promise);
    assertEquals(error.head.status, parseInt(status));
    assertEquals(error.head.fields.get("retry-after"), "1");
    await net.clock.advance(60_000);
    assertEquals(net.requests.length, 1);
  }
});

Deno.test("connect takes a 3xx without a location for a refusal", async () => {
  const net = new TestNet();
  const promise = begin(net);
  const peer = await net.next();
  await peer.head();
  await peer.refuse("302 Found");
  assertEquals((await refusal(promise)).head.status, 302);
});

Deno.test("connect gives no more than 64 KiB of a refusal's body", async () => {
  const net = new TestNet();
  const promise = begin(net);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 404 N\r\nContent-Length: 1000000\r\n\r\n");
  const body = new Uint8Array(200_000).fill(120);
  peer.send(body).catch(() => {});
  const error = await refusal(promise);
  assertEquals(error.body.length, 65536);
  assertEquals(error.body[65535], 120);
});

Deno.test("connect does not wait long for a refusal's body, even if it trickles", async () => {
  for (const handshakeTimeout of [10_000, Infinity]) {
    const net = new TestNet();
    const promise = begin(net, { handshakeTimeout });
    const peer = await net.next();
    await peer.head();
    await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
    for (let i = 0; i < 3; i++) {
      await peer.send("tick ");
      await net.clock.advance(900);
    }
    assertEquals(
      decoder.decode((await refusal(promise)).body),
      "tick tick tick ",
    );
    assertEquals(net.clock.pending, 0);
    assertEquals(await peer.rest(), "");
  }
});

Deno.test("connect gives what there is of a refusal's body that is cut", async () => {
  const net = new TestNet();
  const promise = begin(net);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 500 E\r\nContent-Length: 100\r\n\r\nsorry");
  await peer.transport.closeWrite();
  assertEquals(decoder.decode((await refusal(promise)).body), "sorry");
});

Deno.test("connect takes a body that is too late for the handshake's time", async () => {
  const net = new TestNet();
  const promise = begin(net, { handshakeTimeout: 1000 });
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 500 E\r\nContent-Length: 100\r\n\r\nsorry");
  await net.clock.advance(1500);
  assertEquals(decoder.decode((await refusal(promise)).body), "sorry");
  assertEquals(net.clock.pending, 0);
});

/** How to spoil a correct 101, and what the cause of the error is then. */
const SPOILED: Record<string, [(good: string) => string, string]> = {
  "a wrong accept": [
    (good) => good.replace(/(Accept: )./, "$1-"),
    "handshake_invalid",
  ],
  "no accept": [
    (good) => good.replace(/Sec-WebSocket-Accept: .*\r\n/, ""),
    "handshake_invalid",
  ],
  "no upgrade": [
    (good) => good.replace("Upgrade: websocket\r\n", ""),
    "handshake_invalid",
  ],
  "another upgrade": [
    (good) => good.replace("websocket", "h2c"),
    "handshake_invalid",
  ],
  "no connection": [
    (good) => good.replace("Connection: Upgrade\r\n", ""),
    "handshake_invalid",
  ],
  "a subprotocol that was not offered": [
    (good) => good.replace(/\r\n$/, "Sec-WebSocket-Protocol: b\r\n\r\n"),
    "handshake_invalid",
  ],
  "an extension that was not offered": [
    (good) => good.replace(/\r\n$/, "Sec-WebSocket-Extensions: x-a\r\n\r\n"),
    "extension_invalid",
  ],
};

for (const [name, [spoil, code]] of Object.entries(SPOILED)) {
  Deno.test(`connect takes no 101 with ${name}`, async () => {
    const net = new TestNet();
    const promise = begin(net, { protocols: "a" });
    const peer = await net.next();
    const head = await peer.head();
    await peer.send(spoil(switching(head)));
    const error = await refusal(promise);
    assertEquals(error.code, "handshake_refused");
    assertEquals(error.head.status, 101);
    assertEquals(error.body.length, 0);
    assertInstanceOf(error.cause, ConnError);
    assertEquals(error.cause.code, code);
    // It is cut, without a close frame: it never was a WebSocket.
    assertEquals(await peer.rest(), "");
  });
}

Deno.test("connect takes no compression that it did not offer", async () => {
  const net = new TestNet();
  const promise = begin(net, { deflate: false });
  const peer = await net.next();
  await peer.accept({
    fields: "Sec-WebSocket-Extensions: permessage-deflate\r\n",
  });
  const { cause } = await refusal(promise);
  assertEquals((cause as ConnError).code, "extension_invalid");
});

Deno.test("connect fails if the server closes without an answer", async () => {
  const net = new TestNet();
  const promise = begin(net);
  const peer = await net.next();
  await peer.head();
  peer.transport.close();
  const error = await assertRejects(() => promise, ConnError);
  assertEquals(error.code, "no_response");
});

Deno.test("connect fails at a head that is over its limits", async () => {
  const net = new TestNet();
  const promise = begin(net, { limits: { maxHeaderSection: 200 } });
  const peer = await net.next();
  await peer.accept({ fields: `X-Long: ${"x".repeat(300)}\r\n` });
  await peer.transport.closeWrite();
  await assertRejects(() => promise, ConnError);
});
