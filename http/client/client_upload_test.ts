import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { FakeNet } from "./client_test_util.ts";

const URL = "http://a.test/";

Deno.test("Client waits for 100 Continue before it sends the body", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL, {
    method: "PUT",
    body: "data",
    expectContinue: true,
  });
  const peer = await net.next();
  const head = await peer.head();
  assertStringIncludes(head, "Expect: 100-continue\r\n");
  assertStringIncludes(head, "Content-Length: 4\r\n");
  let came = false;
  const body = peer.until("data").then(() => came = true);
  await net.clock.advance(100);
  assertEquals(came, false);
  await peer.send("HTTP/1.1 100 Continue\r\n\r\n");
  await body;
  await peer.reply("ok");
  assertEquals(await (await promise).body.text(), "ok");
  assertEquals(client.connections, 1);
});

Deno.test("Client sends the body without 100 Continue after a while", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL, {
    method: "PUT",
    body: "data",
    expectContinue: 500,
  });
  const peer = await net.next();
  await peer.head();
  await net.clock.advance(600);
  await peer.until("data");
  await peer.reply("ok");
  await promise;
});

Deno.test("Client does not send a body that the server does not want", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL, {
    method: "PUT",
    body: "data",
    expectContinue: true,
  });
  const peer = await net.next();
  await peer.head();
  await peer.reply("no", "", "403 Forbidden");
  const response = await promise;
  assertEquals(response.status, 403);
  assertEquals(await response.body.text(), "no");
  assertEquals(client.connections, 0);
  assertEquals(await peer.rest(), "");
});

Deno.test("Client does without Expect if the server does not know it", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL, {
    method: "PUT",
    body: "data",
    expectContinue: true,
  });
  const first = await net.next();
  await first.head();
  await first.reply("", "", "417 Expectation Failed");
  const second = await net.next();
  assertEquals((await second.until("data")).includes("Expect"), false);
  await second.reply("ok");
  assertEquals(await (await promise).body.text(), "ok");
});

Deno.test("Client gives an early failure at once, stops sending and closes", async () => {
  const net = new FakeNet();
  await using client = net.client();
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(16384));
    },
    cancel() {
      cancelled = true;
    },
  });
  const promise = client.request(URL, { method: "POST", body });
  const peer = await net.next();
  await peer.head();
  await peer.reply("too much", "", "413 Content Too Large");
  const response = await promise;
  assertEquals(response.status, 413);
  assertEquals(await response.body.text(), "too much");
  await net.clock.advance(0);
  assert(cancelled, "The body goes on");
  assertEquals(client.connections, 0);
});

Deno.test("Client sends no more of the body once an early success has closed", async () => {
  // The reply says so, or the request did.
  for (const [theirs, ours] of [["close", ""], ["", "close"]]) {
    const net = new FakeNet();
    const client = net.client();
    const cancelled = Promise.withResolvers<void>();
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        // It would go on for ever otherwise, if this fails.
        if (++pulled > 1000) controller.close();
        else controller.enqueue(new Uint8Array(16384));
      },
      cancel: () => cancelled.resolve(),
    });
    const promise = client.request(URL, {
      method: "POST",
      body,
      ...(ours && { fields: { Connection: ours } }),
    });
    const peer = await net.next();
    await peer.head();
    await peer.reply("thanks", theirs && `Connection: ${theirs}\r\n`);
    assertEquals(await (await promise).body.text(), "thanks");
    const rest = peer.rest();
    await cancelled.promise;
    await rest;
    assert(pulled < 1000, `${pulled} pieces were read`);
    // The server has not left, and nothing waits for it.
    await client.shutdown();
  }
});

Deno.test("Client sends the rest of the body after an early success", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const promise = client.request(URL, { method: "POST", body: body.readable });
  const peer = await net.next();
  await peer.head();
  await peer.reply("thanks");
  const response = await promise;
  assertEquals(await response.body.text(), "thanks");
  const writer = body.writable.getWriter();
  writer.write(new Uint8Array([97, 98]));
  writer.close();
  await peer.until("2\r\nab\r\n0\r\n\r\n");
  await net.clock.advance(0);
  const next = client.request(URL);
  await peer.serve("same connection");
  assertEquals((await next).reused, true);
});

Deno.test("Client reads and writes at the same time", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const promise = client.request(URL, { method: "POST", body: body.readable });
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  const { body: reply } = await promise;
  const reader = reply.stream().getReader();
  const writer = body.writable.getWriter();
  for (const letter of ["a", "b", "c"]) {
    await writer.write(new TextEncoder().encode(letter));
    await peer.until(`1\r\n${letter}\r\n`);
    await peer.send(`1\r\n${letter}\r\n`);
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value), letter);
  }
  await writer.close();
  await peer.until("0\r\n\r\n");
  await peer.send("0\r\n\r\n");
  assertEquals((await reader.read()).done, true);
});

Deno.test("Client takes a stream only as fast as the server does", async () => {
  const net = new FakeNet();
  await using client = net.client();
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (++pulled > 1000) controller.close();
      else controller.enqueue(new Uint8Array(16384));
    },
  }, { highWaterMark: 0 });
  const promise = client.request(URL, { method: "POST", body });
  promise.catch(() => {});
  const peer = await net.next();
  await peer.head();
  await net.clock.advance(0);
  assert(pulled < 50, `${pulled} pieces were taken`);
});

Deno.test("Client does not send the body once the reply has begun", async () => {
  const net = new FakeNet();
  await using client = net.client({ timeouts: { bodyIdle: 2000 } });
  const promise = client.request(URL, {
    method: "PUT",
    body: "data",
    expectContinue: 500,
  });
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nno");
  const text = (await promise).text();
  text.catch(() => {});
  await net.clock.advance(5000);
  assertEquals(
    (await assertRejects(() => text, ConnError)).code,
    "body_timeout",
  );
  assertEquals(await peer.rest(), "");
});
