import { assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { RequestOptions } from "./client_options.ts";
import { FakeNet } from "./client_test_util.ts";

const URL = "http://a.test/";

async function fails(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, ConnError)).code;
}

Deno.test("Client waits so long for the head, from the end of the request on", async () => {
  const net = new FakeNet();
  await using client = net.client({ timeouts: { head: 5000 } });
  const body = new TransformStream<Uint8Array, Uint8Array>();
  const promise = client.request(URL, { method: "PUT", body: body.readable });
  promise.catch(() => {});
  const peer = await net.next();
  const writer = body.writable.getWriter();
  await writer.write(new Uint8Array([120]));
  await net.clock.advance(60_000);
  await writer.close();
  await peer.until("0\r\n\r\n");
  await net.clock.advance(4_900);
  assertEquals(client.connections, 1);
  await net.clock.advance(300);
  assertEquals(await fails(promise), "head_timeout");
  assertEquals(client.connections, 0);
});

Deno.test("Client waits so long for the next piece of the body", async () => {
  const net = new FakeNet();
  await using client = net.client({ timeouts: { bodyIdle: 1000 } });
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  const response = await promise;
  for (let i = 0; i < 5; i++) {
    await net.clock.advance(900);
    await peer.send("x");
  }
  const text = response.body.text();
  text.catch(() => {});
  await net.clock.advance(1200);
  assertEquals(await fails(text), "body_timeout");
});

Deno.test("Client does not count the time that the program takes over the body", async () => {
  const net = new FakeNet();
  await using client = net.client({ timeouts: { bodyIdle: 1000 } });
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
  const sending = peer.send(new Uint8Array(100_000));
  const response = await promise;
  await net.clock.advance(60_000);
  assertEquals((await response.body.bytes()).length, 100_000);
  await sending;
});

Deno.test("Client takes no longer than total, whatever the phase", async () => {
  const total = { timeouts: { total: 1000 } };
  const options: Record<string, RequestOptions> = {
    head: total,
    sending: {
      ...total,
      method: "PUT",
      body: new TransformStream<Uint8Array, Uint8Array>().readable,
    },
  };
  for (const [phase, option] of Object.entries(options)) {
    const net = new FakeNet();
    await using client = net.client();
    const promise = client.request(URL, option);
    promise.catch(() => {});
    await (await net.next()).head();
    await net.clock.advance(1200);
    assertEquals(await fails(promise), "total_timeout", phase);
  }
  const net = new FakeNet();
  await using client = net.client(total);
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  const text = (await promise).body.text();
  text.catch(() => {});
  for (let i = 0; i < 3; i++) {
    await net.clock.advance(300);
    await peer.send("x");
  }
  await net.clock.advance(300);
  assertEquals(await fails(text), "total_timeout");
});

Deno.test("Client fails what waits too long for a connection", async () => {
  const net = new FakeNet();
  await using client = net.client({
    pool: { connectionsPerOrigin: 1 },
    timeouts: { queue: 1000 },
  });
  const first = client.request(URL);
  const peer = await net.next();
  await peer.head();
  const second = client.request(URL);
  second.catch(() => {});
  const third = client.request(URL, { timeouts: { total: 500 } });
  third.catch(() => {});
  await net.clock.advance(700);
  assertEquals(await fails(third), "total_timeout");
  await net.clock.advance(500);
  assertEquals(await fails(second), "queue_timeout");
  await peer.reply("ok");
  assertEquals(await (await first).body.text(), "ok");
});

Deno.test("Client does not count connecting as waiting in the queue", async () => {
  const net = new FakeNet();
  await using client = net.client({ timeouts: { queue: 1000 } });
  const gate = Promise.withResolvers<void>();
  net.gate = gate.promise;
  const promise = client.request(URL);
  await net.clock.advance(5000);
  gate.resolve();
  await (await net.next()).serve("ok");
  assertEquals(await (await promise).body.text(), "ok");
});

Deno.test("Client can be aborted in every phase, and closes the connection", async () => {
  for (
    const phase of [
      "before",
      "connect",
      "queue",
      "head",
      "body",
      "sending",
      "pause",
    ]
  ) {
    const net = new FakeNet();
    await using client = net.client({ pool: { connectionsPerOrigin: 1 } });
    const controller = new AbortController();
    const options: RequestOptions = { signal: controller.signal };
    const gate = Promise.withResolvers<void>();
    if (phase === "connect") net.gate = gate.promise;
    if (phase === "before") controller.abort();
    if (phase === "sending") {
      options.method = "PUT";
      options.body = new TransformStream<Uint8Array, Uint8Array>().readable;
    }
    const other = phase === "queue" ? client.request(URL) : undefined;
    other?.catch(() => {});
    let promise: Promise<unknown> = client.request(URL, options);
    promise.catch(() => {});
    if (phase !== "connect" && phase !== "before") {
      const peer = await net.next();
      await peer.head();
      if (phase === "pause") {
        await peer.reply("", "Retry-After: 5\r\n", "503 B");
      }
      if (phase === "body") {
        await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        const response = await promise as Awaited<
          ReturnType<typeof client.request>
        >;
        promise = response.body.text();
        promise.catch(() => {});
      }
    }
    await net.clock.advance(0);
    controller.abort(new Error("enough"));
    const error = await assertRejects(() => promise, ConnError);
    assertEquals(error.code, "aborted", phase);
    if (phase !== "before") {
      assertEquals((error.cause as Error).message, "enough", phase);
    }
    gate.resolve();
    await net.clock.advance(0);
    const left = phase === "queue" || phase === "pause" ? 1 : 0;
    assertEquals(client.connections, left, phase);
  }
});

Deno.test("Client forgets the signal of a request that is over", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const controller = new AbortController();
  const promise = client.request(URL, { signal: controller.signal });
  await (await net.next()).serve("ok");
  assertEquals(await (await promise).body.text(), "ok");
  controller.abort();
  assertEquals(client.connections, 1);
});

Deno.test("Client fails everything when it is closed", async () => {
  const net = new FakeNet();
  const client = net.client({ pool: { connectionsPerOrigin: 1 } });
  const first = client.request(URL);
  const second = client.request(URL);
  first.catch(() => {});
  second.catch(() => {});
  await (await net.next()).head();
  await client.close();
  assertEquals(await fails(first), "client_closed");
  assertEquals(await fails(second), "client_closed");
  assertEquals(await fails(client.request(URL)), "client_closed");
  assertEquals(client.connections, 0);
});

Deno.test("Client ends what is under way before it shuts down", async () => {
  const net = new FakeNet();
  const client = net.client({ pool: { connectionsPerOrigin: 1 } });
  const first = client.request(URL);
  const second = client.request(URL);
  const peer = await net.next();
  await peer.head();
  let down = false;
  const shutdown = client.shutdown().then(() => down = true);
  assertEquals(await fails(client.request(URL)), "client_closed");
  await peer.reply("one");
  assertEquals(await (await first).body.text(), "one");
  await peer.serve("two");
  assertEquals(down, false);
  assertEquals(await (await second).body.text(), "two");
  await shutdown;
  assertEquals(client.connections, 0);
});

Deno.test("Client fails what waits for its next attempt when it is closed", async () => {
  const net = new FakeNet();
  const client = net.client();
  const promise = client.request(URL);
  promise.catch(() => {});
  const peer = await net.next();
  await peer.serve("", "Retry-After: 5\r\n", "503 Busy");
  await net.clock.advance(0);
  await client.close();
  assertEquals(await fails(promise), "client_closed");
  assertEquals(net.clock.pending, 0);
});
