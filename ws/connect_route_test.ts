import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TestClock } from "../conn/clock.ts";
import { ConnError } from "../conn/error.ts";
import type { RequestHead } from "../http/codec/message.ts";
import { listen } from "../http/server/listen.ts";
import { accept } from "./accept.ts";
import { connect, type ConnectOptions } from "./connect.ts";
import {
  fieldOf,
  type Peer,
  TestNet,
  textFrame,
} from "./_connect_test_util.ts";
import type { WsConn } from "./ws_conn.ts";

const hostname = "127.0.0.1";
const testdata = new URL("../conn/testdata/", import.meta.url);
const pem = (name: string) => Deno.readTextFileSync(new URL(name, testdata));
const caCerts = [pem("ca.pem")];
const cert = pem("server.pem");
const key = pem("server.key.pem");

function begin(
  net: TestNet,
  url: string,
  options: ConnectOptions,
): Promise<WsConn> {
  const promise = connect(url, { ...net.options, ...options });
  promise.catch(() => {});
  return promise;
}

/** Opens the WebSocket over what the route has come to, and ends it. */
async function finish(peer: Peer, promise: Promise<WsConn>): Promise<string> {
  const head = await peer.accept({ then: [textFrame("through")] });
  const conn = await promise;
  for await (const message of conn.messages()) {
    assertEquals(message, "through");
    break;
  }
  conn.abort();
  await conn.closed;
  return head;
}

Deno.test("connect asks an HTTP proxy for a tunnel, and logs in there alone", async () => {
  const table: [url: string, authority: string, tls: boolean][] = [
    ["ws://a.test/x", "a.test:80", false],
    ["ws://[::1]:81/x", "[::1]:81", false],
    ["wss://a.test/x", "a.test:443", true],
  ];
  for (const [url, authority, tls] of table) {
    const net = new TestNet();
    const proxy = "http://me:pw@proxy.test:3128";
    const promise = begin(net, url, { proxy });
    const peer = await net.next();
    assertEquals([peer.request.hostname, peer.request.port], [
      "proxy.test",
      3128,
    ]);
    const asked = await peer.head();
    assertStringIncludes(asked, `CONNECT ${authority} HTTP/1.1\r\n`);
    assertEquals(fieldOf(asked, "Proxy-Authorization"), "Basic bWU6cHc=");
    await peer.send("HTTP/1.1 200 OK\r\n\r\n");
    const head = await finish(peer, promise);
    assertStringIncludes(head, "GET /x HTTP/1.1\r\n");
    assertEquals(fieldOf(head, "Proxy-Authorization"), undefined);
    assertEquals(net.requests.map((request) => request.tls !== undefined), [
      false,
      ...(tls ? [true] : []),
    ]);
  }
});

Deno.test("connect fails with what the proxy says", async () => {
  const net = new TestNet();
  const promise = begin(net, "ws://a.test/", { proxy: "http://proxy.test" });
  const peer = await net.next();
  await peer.head();
  await peer.refuse("407 Login");
  const error = await assertRejects(() => promise, ConnError, "407");
  assertEquals(error.code, "proxy_failed");
  assertEquals(net.clock.pending, 0);
});

Deno.test("connect goes through a SOCKS5 proxy", async () => {
  const net = new TestNet();
  const proxy = {
    kind: "socks5" as const,
    hostname: "proxy.test",
    port: 1080,
    username: "me",
    password: "pw",
  };
  const promise = begin(net, "ws://a.test/", { proxy });
  const peer = await net.next();
  await peer.until("\x05\x02\x00\x02");
  await peer.send(new Uint8Array([5, 2]));
  await peer.until("\x01\x02me\x02pw");
  await peer.send(new Uint8Array([1, 0]));
  await peer.until("\x05\x01\x00\x03\x06a.test\x00P");
  await peer.send(new Uint8Array([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
  await finish(peer, promise);
});

Deno.test("connect goes past the proxy to the hosts that are named", async () => {
  const net = new TestNet();
  const promise = begin(net, "ws://x.a.test/", {
    proxy: "http://proxy.test",
    noProxy: ["a.test"],
  });
  const peer = await net.next();
  assertEquals(peer.request.hostname, "x.a.test");
  await finish(peer, promise);
});

Deno.test("connect takes a Unix socket in place of host and proxy", async () => {
  const net = new TestNet();
  const promise = begin(net, "ws://docker/events", {
    unix: "/run/x.sock",
    proxy: "http://proxy.test",
  });
  const peer = await net.next();
  assertEquals(peer.request.unix, "/run/x.sock");
  const head = await finish(peer, promise);
  assertEquals(fieldOf(head, "Host"), "docker");
});

// Over real sockets, with Deno's own WebSocket at the other end.

function echo(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request);
  socket.onmessage = ({ data }) => socket.send(data);
  return response;
}

/** Sends a word there and back, and closes in order. */
async function greet(url: string, options: ConnectOptions): Promise<WsConn> {
  const conn = await connect(url, options);
  conn.send("hello");
  for await (const message of conn.messages()) {
    assertEquals(message, "hello");
    break;
  }
  conn.close();
  assertEquals(await conn.closed, undefined);
  assertEquals(conn.closeCode, 1000);
  return conn;
}

/** A proxy that opens one tunnel after another, and notes what it was asked. */
function tunnelProxy(): { port: number; asked: string[] } & AsyncDisposable {
  const listener = Deno.listen({ hostname, port: 0 });
  const asked: string[] = [];
  const tunnels: Promise<unknown>[] = [];
  const run = (async () => {
    for await (const client of listener) {
      const buffer = new Uint8Array(4096);
      const count = await client.read(buffer) ?? 0;
      const line = new TextDecoder().decode(buffer.subarray(0, count));
      asked.push(line.split("\r\n", 1)[0]!);
      const port = Number(/:(\d+) /.exec(line)![1]);
      const target = await Deno.connect({ hostname, port });
      await client.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\n\r\n"));
      const quiet = () => {};
      tunnels.push(
        client.readable.pipeTo(target.writable).catch(quiet),
        target.readable.pipeTo(client.writable).catch(quiet),
      );
    }
  })();
  return {
    port: listener.addr.port,
    asked,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await run;
      await Promise.all(tunnels);
    },
  };
}

Deno.test("connect reaches a server behind a Unix socket", async () => {
  const folder = Deno.makeTempDirSync();
  const path = `${folder}/socket`;
  {
    await using _server = Deno.serve({ path, onListen() {} }, echo);
    await greet("ws://localhost/", { unix: path });
  }
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("connect trusts the authorities that it is given, and no others", async () => {
  await using server = Deno.serve(
    { hostname, port: 0, cert, key, onListen() {} },
    echo,
  );
  const url = `wss://localhost:${server.addr.port}/`;
  const conn = await greet(url, { tls: { caCerts } });
  assertEquals(conn.secure, true);
  const error = await assertRejects(() => connect(url), ConnError);
  assertEquals(error.code, "tls_failed");
});

Deno.test("connect opens tunnels through a proxy, in the clear and with TLS inside", async () => {
  await using proxy = tunnelProxy();
  const options = { proxy: `http://${hostname}:${proxy.port}` };
  await using plain = Deno.serve({ hostname, port: 0, onListen() {} }, echo);
  await greet(`ws://${hostname}:${plain.addr.port}/`, options);
  await using secure = Deno.serve(
    { hostname, port: 0, cert, key, onListen() {} },
    echo,
  );
  const tls = { caCerts };
  await greet(`wss://localhost:${secure.addr.port}/`, { ...options, tls });
  assertEquals(proxy.asked, [
    `CONNECT ${hostname}:${plain.addr.port} HTTP/1.1`,
    `CONNECT localhost:${secure.addr.port} HTTP/1.1`,
  ]);
});

Deno.test("connect speaks compressed to a server of this module", async () => {
  const requests: RequestHead[] = [];
  await using server = listen({ hostname, port: 0 }, (event, conn) => {
    if (event.type !== "request") return;
    requests.push(event.head);
    const options = { deflate: { threshold: 0 }, protocols: ["b"] };
    accept(conn, event.head, options, (event, ws) => {
      if (event.type === "message") ws.send(event.data);
    });
  });
  const { port } = server.addr as Deno.NetAddr;
  const conn = await greet(`ws://${hostname}:${port}/`, {
    deflate: { threshold: 0, clientMaxWindowBits: 10 },
    protocols: ["a", "b"],
  });
  assertEquals(conn.subprotocol, "b");
  assertEquals(conn.deflate?.clientMaxWindowBits, 10);
  assertEquals(requests.length, 1);
});

Deno.test("connect tells that nobody listens", async () => {
  const listener = Deno.listen({ hostname, port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await assertRejects(
    () => connect(`ws://${hostname}:${port}/`),
    ConnError,
  );
  assertEquals(error.code, "connect_refused");
});

Deno.test("connect can be aborted, or be too late, in the TLS handshake", async () => {
  const listener = Deno.listen({ hostname, port: 0 });
  const url = `wss://${hostname}:${listener.addr.port}/`;
  const clock = new TestClock();
  for (const code of ["aborted", "handshake_timeout", "tls_timeout"]) {
    const controller = new AbortController();
    const promise = connect(url, {
      clock,
      signal: controller.signal,
      ...(code === "tls_timeout" && { tlsTimeout: 1000 }),
    });
    promise.catch(() => {});
    const silent = await listener.accept();
    // The client's first words: it shakes hands now.
    await silent.read(new Uint8Array(4096));
    if (code === "aborted") controller.abort();
    else await clock.advance(code === "tls_timeout" ? 1000 : 10_500);
    const error = await assertRejects(() => promise, ConnError);
    assertEquals(error.code, code);
    silent.close();
  }
  assertEquals(clock.pending, 0);
  listener.close();
});
