import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { ConnError } from "../../conn/error.ts";
import { FakeNet } from "./client_test_util.ts";

const URL = "http://a.test/path#frag";

Deno.test("fetch gives a standard response", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.fetch(URL);
  const peer = await net.next();
  assertStringIncludes(await peer.head(), "GET /path HTTP/1.1\r\n");
  await peer.send(
    "HTTP/1.1 201 Made\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nhi",
  );
  const response = await promise;
  assert(response instanceof Response);
  assertEquals(response.status, 201);
  assertEquals(response.statusText, "Made");
  assertEquals(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assertEquals(response.url, "http://a.test/path");
  assertEquals(response.redirected, false);
  assertEquals(response.type, "basic");
  const copy = response.clone();
  assertEquals(await response.text(), "hi");
  assertEquals([copy.url, copy.status, await copy.text()], [
    response.url,
    201,
    "hi",
  ]);
});

Deno.test("fetch streams a body that has not arrived yet", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.fetch(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
  const response = await promise;
  const text = response.text();
  await peer.send("cd");
  assertEquals(await text, "abcd");
});

Deno.test("fetch takes a Request, and what is to be changed of it", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const request = new Request(URL, {
    method: "post",
    headers: { "X-A": "1" },
    body: "data",
  });
  const promise = client.fetch(request, { headers: { "X-B": "2" } });
  const peer = await net.next();
  const head = await peer.until("data");
  assertStringIncludes(head, "POST /path HTTP/1.1\r\n");
  assertStringIncludes(head, "x-b: 2\r\n");
  assertEquals(head.includes("x-a"), false);
  await peer.until("0\r\n\r\n");
  await peer.reply("ok");
  assertEquals(await (await promise).text(), "ok");
});

Deno.test("fetch has no body where there must be none", async () => {
  const net = new FakeNet();
  await using client = net.client();
  let promise = client.fetch(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 204 No Content\r\n\r\n");
  assertEquals((await promise).body, null);
  promise = client.fetch(URL, { method: "head" });
  assertStringIncludes(await peer.head(), "HEAD /path HTTP/1.1\r\n");
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  assertEquals(await (await promise).text(), "");
  await assertRejects(
    () => client.fetch(URL, { method: "GET", body: "x" }),
    TypeError,
  );
});

Deno.test("fetch follows redirects, or not", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const follow = client.fetch(URL);
  const peer = await net.next();
  await peer.serve("", "Location: /2\r\n", "302 F");
  await peer.serve("ok");
  const response = await follow;
  assertEquals(response.redirected, true);
  assertEquals(response.url, "http://a.test/2");
  const error = client.fetch(URL, { redirect: "error" });
  error.catch(() => {});
  await peer.serve("", "Location: /2\r\n", "302 F");
  await assertRejects(() => error, TypeError);
});

Deno.test("fetch rejects as the standard says, with the ConnError for a cause", async () => {
  const net = new FakeNet();
  await using client = net.client({ retry: false });
  const promise = client.fetch(URL);
  promise.catch(() => {});
  const peer = await net.next();
  await peer.head();
  peer.transport.close();
  const error = await assertRejects(() => promise, TypeError);
  assertEquals((error.cause as ConnError).code, "no_response");
  await assertRejects(() => client.fetch("/relative"), TypeError);
  const controller = new AbortController();
  const aborted = client.fetch(URL, { signal: controller.signal });
  aborted.catch(() => {});
  await (await net.next()).head();
  controller.abort();
  const reason = await assertRejects(() => aborted, DOMException);
  assertEquals(reason.name, "AbortError");
});

Deno.test("fetch does not take WebSocket URLs, which the client does", async () => {
  const net = new FakeNet();
  await using client = net.client();
  for (const url of ["ws://a.test/", "WSS://a.test/", " ws://a.test/"]) {
    await assertRejects(() => client.fetch(url), TypeError, "Cannot fetch");
  }
  assertEquals(net.requests.length, 0);
});
