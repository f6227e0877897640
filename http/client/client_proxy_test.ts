import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { FakeNet } from "./client_test_util.ts";

async function fails(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, ConnError)).code;
}

Deno.test("Client tells an HTTP proxy the whole URL, on one connection for all origins", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "http://me:pw@proxy.test:3128" });
  const first = client.request("http://a.test:81/x?y");
  const peer = await net.next();
  const head = await peer.serve("a");
  assertStringIncludes(
    head,
    "GET http://a.test:81/x?y HTTP/1.1\r\nHost: a.test:81\r\n",
  );
  assertStringIncludes(head, "Proxy-Authorization: Basic bWU6cHc=\r\n");
  assertEquals(await (await first).body.text(), "a");
  const second = client.request("http://b.test/");
  assertStringIncludes(
    await peer.serve("b"),
    "GET http://b.test/ HTTP/1.1\r\n",
  );
  await second;
  assertEquals(net.requests.length, 1);
  assertEquals(net.requests[0]!.hostname, "proxy.test");
  assertEquals(net.requests[0]!.port, 3128);
});

Deno.test("Client goes through a tunnel for https, and tells the origin nothing of the proxy", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "http://me:pw@proxy.test" });
  const promise = client.request("https://a.test/x");
  const peer = await net.next();
  const connect = await peer.head();
  assertStringIncludes(
    connect,
    "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n",
  );
  assertStringIncludes(connect, "Proxy-Authorization: Basic bWU6cHc=\r\n");
  await peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
  const head = await peer.serve("inside");
  assertStringIncludes(head, "GET /x HTTP/1.1\r\nHost: a.test\r\n");
  assertEquals(head.includes("Proxy-Authorization"), false);
  assertEquals(await (await promise).body.text(), "inside");
  assertEquals(net.requests.map((request) => request.hostname), [
    "proxy.test",
    "a.test",
  ]);
});

Deno.test("Client fails with what the proxy answers to CONNECT", async () => {
  for (
    const answer of [
      "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\nbytes ahead of TLS",
      "",
    ]
  ) {
    const net = new FakeNet();
    await using client = net.client({
      proxy: "http://proxy.test",
      retry: false,
    });
    const promise = client.request("https://a.test/");
    promise.catch(() => {});
    const peer = await net.next();
    await peer.head();
    await peer.send(answer);
    if (answer === "") peer.transport.close();
    const expected = answer === "" ? "no_response" : "proxy_failed";
    assertEquals(await fails(promise), expected);
    assertEquals(client.connections, 0);
  }
});

Deno.test("Client waits for a proxy only so long", async () => {
  const net = new FakeNet();
  await using client = net.client({
    proxy: "socks5://proxy.test",
    timeouts: { connect: 2000 },
    retry: false,
  });
  const promise = client.request("http://a.test/");
  promise.catch(() => {});
  await net.next();
  await net.clock.advance(2000);
  assertEquals(await fails(promise), "connect_timeout");
});

Deno.test("Client goes through SOCKS5, and lets the proxy resolve the name", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "socks5://me:pw@proxy.test" });
  const promise = client.request("http://a.test/x");
  const peer = await net.next();
  assertEquals(await peer.until("\x00\x02"), "\x05\x02\x00\x02");
  await peer.send(new Uint8Array([5, 2]));
  assertEquals(await peer.until("pw"), "\x01\x02me\x02pw");
  await peer.send(new Uint8Array([1, 0]));
  assertEquals(await peer.until("\x00P"), "\x05\x01\x00\x03\x06a.test\x00P");
  await peer.send(new Uint8Array([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
  const head = await peer.serve("ok");
  assertStringIncludes(head, "GET /x HTTP/1.1\r\nHost: a.test\r\n");
  assertEquals(await (await promise).body.text(), "ok");
  assertEquals(net.requests[0]!.port, 1080);
});

Deno.test("Client goes past the proxy where it should", async () => {
  const net = new FakeNet();
  await using client = net.client({
    proxy: "http://proxy.test",
    noProxy: ["a.test"],
  });
  const promise = client.request("http://x.a.test/");
  const peer = await net.next();
  assertStringIncludes(await peer.serve("ok"), "GET / HTTP/1.1\r\n");
  await promise;
  assertEquals(net.requests[0]!.hostname, "x.a.test");
});

Deno.test("Client says that it cannot speak TLS inside TLS", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "https://proxy.test" });
  assertEquals(
    await fails(client.request("https://a.test/")),
    "proxy_unsupported",
  );
  const promise = client.request("http://a.test/");
  await (await net.next()).serve("ok");
  await promise;
  assertEquals(net.requests[0]!.tls, {});
});

Deno.test("Client connects to a Unix socket whatever the host, and the proxy", async () => {
  const net = new FakeNet();
  await using client = net.client({ proxy: "http://proxy.test" });
  const promise = client.request("http://docker/info", { unix: "/run/x.sock" });
  const peer = await net.next();
  assertStringIncludes(
    await peer.serve("ok"),
    "GET /info HTTP/1.1\r\nHost: docker\r\n",
  );
  await promise;
  assertEquals(net.requests[0]!.unix, "/run/x.sock");
});
