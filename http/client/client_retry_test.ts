import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { Client } from "./client.ts";
import { FakeNet, type Peer } from "./client_test_util.ts";

const URL = "http://a.test/";

async function fails(promise: Promise<unknown>): Promise<string> {
  return (await assertRejects(() => promise, ConnError)).code;
}

/** Makes a connection, and gives the server's end of it while it idles. */
async function idlePeer(net: FakeNet, client: Client): Promise<Peer> {
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.serve("");
  await (await promise).body.text();
  return peer;
}

Deno.test("Client repeats a GET at once if the kept connection was stale", async () => {
  const net = new FakeNet();
  await using client = net.client({ retry: false });
  const stale = await idlePeer(net, client);
  const promise = client.request(URL);
  await stale.head();
  stale.transport.close();
  const fresh = await net.next();
  await fresh.serve("here");
  const response = await promise;
  assertEquals(await response.body.text(), "here");
  assertEquals(response.attempts, 2);
});

Deno.test("Client never duplicates a POST that left on a stale connection", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const stale = await idlePeer(net, client);
  const promise = client.request(URL, { method: "POST", body: "pay" });
  promise.catch(() => {});
  await stale.until("pay");
  stale.transport.close();
  assertEquals(await fails(promise), "no_response");
  assertEquals(net.requests.length, 1);
});

Deno.test("Client sends a POST once, however close the server's end of stream comes", async () => {
  const outcomes = new Set<string>();
  for (let turns = 0; turns < 12; turns++) {
    const net = new FakeNet();
    await using client = net.client();
    const stale = await idlePeer(net, client);
    const got = stale.rest();
    await stale.transport.closeWrite();
    for (let i = 0; i < turns; i++) await Promise.resolve();
    const promise = client.request(URL, { method: "POST", body: "pay" });
    promise.catch(() => {});
    await net.clock.advance(0);
    if (net.requests.length === 1) {
      assertEquals(await fails(promise), "no_response");
      outcomes.add("failed");
      continue;
    }
    const fresh = await net.next();
    await fresh.until("pay");
    await fresh.reply("paid");
    assertEquals(await (await promise).body.text(), "paid");
    assertEquals((await got).includes("pay"), false);
    outcomes.add("paid");
  }
  assert(outcomes.has("paid"), "The race was never won");
});

Deno.test("Client looks whether a doubtful connection lives before a POST goes out", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const stale = await idlePeer(net, client);
  await net.clock.advance(1000);
  const promise = client.request(URL, { method: "POST", body: "pay" });
  stale.transport.close();
  await net.clock.advance(1);
  const fresh = await net.next();
  await fresh.until("pay");
  await fresh.reply("paid");
  assertEquals(await (await promise).body.text(), "paid");
});

Deno.test("Client repeats a POST that is said to be idempotent", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const stale = await idlePeer(net, client);
  const promise = client.request(URL, {
    method: "POST",
    body: "x",
    idempotent: true,
  });
  await stale.until("x");
  stale.transport.close();
  const fresh = await net.next();
  await fresh.until("x");
  await fresh.reply("ok");
  await promise;
});

Deno.test("Client forgets a kept connection that the server closes", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const peer = await idlePeer(net, client);
  assertEquals(client.connections, 1);
  peer.transport.close();
  await net.clock.advance(0);
  assertEquals(client.connections, 0);
});

Deno.test("Client backs off before it repeats what failed on a fresh connection", async () => {
  const net = new FakeNet();
  await using client = net.client({ retry: { baseDelay: 100 } });
  const promise = client.request(URL);
  const first = await net.next();
  await first.head();
  first.transport.close();
  await net.clock.advance(0);
  assertEquals(net.requests.length, 1);
  await net.clock.advance(100);
  const second = await net.next();
  await second.serve("ok");
  assertEquals((await promise).attempts, 2);
});

Deno.test("Client tries to connect again, also for a POST, and gives up then", async () => {
  const refused = () =>
    new ConnError("Cannot connect", {
      code: "connect_refused",
      side: "transport",
    });
  const net = new FakeNet();
  await using client = net.client();
  net.faults.push(refused(), refused());
  const promise = client.request(URL, { method: "POST", body: "x" });
  await net.clock.advance(1000);
  const peer = await net.next();
  await peer.until("x");
  await peer.reply("ok");
  assertEquals((await promise).attempts, 3);
  net.faults.push(refused(), refused(), refused());
  const other = client.request("http://b.test/");
  other.catch(() => {});
  await net.clock.advance(1000);
  assertEquals(await fails(other), "connect_refused");
});

Deno.test("Client does not repeat when it is told not to", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL, { retry: false });
  promise.catch(() => {});
  const peer = await net.next();
  await peer.head();
  peer.transport.close();
  assertEquals(await fails(promise), "no_response");
});

Deno.test("Client waits as long as Retry-After says", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.serve("busy", "Retry-After: 2\r\n", "503 Busy");
  const again = peer.head();
  let came = false;
  again.then(() => came = true);
  await net.clock.advance(1999);
  assertEquals(came, false);
  await net.clock.advance(1);
  await again;
  await peer.reply("ok");
  assertEquals(await (await promise).body.text(), "ok");
});

Deno.test("Client gives the last reply when it has tried enough, and to a POST the first", async () => {
  const net = new FakeNet();
  await using client = net.client({ retry: { attempts: 2 } });
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.serve("one", "", "503 Busy");
  await net.clock.advance(1000);
  await peer.serve("two", "", "503 Busy");
  const response = await promise;
  assertEquals(response.status, 503);
  assertEquals(await response.body.text(), "two");
  const post = client.request(URL, { method: "POST", body: "x" });
  await peer.until("x");
  await peer.reply("no", "", "503 Busy");
  assertEquals((await post).status, 503);
});

Deno.test("Client shares its retry budget among all requests", async () => {
  const net = new FakeNet();
  await using client = net.client({
    retry: { minimumRetries: 1, attempts: 9 },
  });
  const statuses: number[] = [];
  let peer: Peer | undefined;
  for (let i = 0; i < 3; i++) {
    const promise = client.request(URL);
    peer ??= await net.next();
    await peer.serve("", "", "503 Busy");
    if (i === 0) {
      await net.clock.advance(1000);
      await peer.serve("");
    }
    statuses.push((await promise).status);
  }
  assertEquals(statuses, [200, 503, 503]);
});

Deno.test("Client does not repeat once the reply has begun", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe");
  const response = await promise;
  peer.transport.reset();
  assertEquals(await fails(response.body.text()), "reset");
  assertEquals(net.requests.length, 1);
});

Deno.test("Client does not wait longer than the request may take", async () => {
  const net = new FakeNet();
  await using client = net.client({ timeouts: { total: 1000 } });
  const promise = client.request(URL);
  const peer = await net.next();
  await peer.serve("busy", "Retry-After: 2\r\n", "503 Busy");
  assertEquals((await promise).status, 503);
});
