import { assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { Client } from "./client.ts";
import { FakeNet, type Peer } from "./client_test_util.ts";

async function exchange(
  net: FakeNet,
  client: Client,
  url: string,
  peer?: Peer,
  fields = "",
): Promise<Peer> {
  const promise = client.request(url);
  const used = peer ?? await net.next();
  await used.serve("x", fields);
  await (await promise).body.text();
  return used;
}

Deno.test("Pool opens as many connections as there are requests, up to the limit", async () => {
  const net = new FakeNet();
  await using client = net.client({ pool: { connectionsPerOrigin: 3 } });
  const replies = Array.from({ length: 7 }, async (_, i) => {
    const response = await client.request(`http://a.test/${i}`);
    return await response.body.text();
  });
  const served: string[] = [];
  const serve = async () => {
    const peer = await net.next();
    while (served.length < 7) {
      const path = (await peer.head()).split(" ")[1]!;
      served.push(path);
      await peer.reply(path);
    }
  };
  const servers = [serve(), serve(), serve()];
  assertEquals(await Promise.all(replies), [
    "/0",
    "/1",
    "/2",
    "/3",
    "/4",
    "/5",
    "/6",
  ]);
  assertEquals(served, ["/0", "/1", "/2", "/3", "/4", "/5", "/6"]);
  assertEquals(net.requests.length, 3);
  await client.close();
  await Promise.allSettled(servers);
});

Deno.test("Pool keeps origins apart", async () => {
  const net = new FakeNet();
  await using client = net.client();
  await exchange(net, client, "http://a.test/");
  await exchange(net, client, "http://b.test/");
  await exchange(net, client, "http://a.test:81/");
  await exchange(net, client, "https://a.test/");
  assertEquals(net.requests.length, 4);
  assertEquals(net.requests[3]!.tls, {});
  assertEquals(client.connections, 4);
});

Deno.test("Pool closes a free connection of another origin to stay within the total", async () => {
  const net = new FakeNet();
  await using client = net.client({ pool: { connections: 2 } });
  await exchange(net, client, "http://a.test/");
  await exchange(net, client, "http://b.test/");
  await exchange(net, client, "http://c.test/");
  assertEquals(client.connections, 2);
});

Deno.test("Pool lets no origin starve while another is busy", async () => {
  const net = new FakeNet();
  await using client = net.client({ pool: { connections: 1 } });
  const order: string[] = [];
  const ask = async (url: string) => {
    const response = await client.request(url);
    order.push(await response.body.text());
  };
  const all = [
    ask("http://a.test/"),
    ask("http://a.test/"),
    ask("http://b.test/"),
  ];
  const first = await net.next();
  await first.serve("a1");
  const second = await net.next();
  assertEquals(second.request.hostname, "b.test");
  await second.serve("b");
  const third = await net.next();
  await third.serve("a2");
  await Promise.all(all);
  assertEquals(order, ["a1", "b", "a2"]);
});

Deno.test("Pool refuses to queue more than it should", async () => {
  const net = new FakeNet();
  await using client = net.client({
    pool: { connectionsPerOrigin: 1, queueSize: 2 },
  });
  const kept = [
    client.request("http://a.test/"),
    client.request("http://a.test/"),
  ];
  const error = await assertRejects(
    () => client.request("http://a.test/"),
    ConnError,
  );
  assertEquals(error.code, "queue_full");
  const peer = await net.next();
  await peer.serve("");
  await peer.serve("");
  await Promise.all(kept);
});

Deno.test("Pool closes what has idled too long", async () => {
  const net = new FakeNet();
  await using client = net.client({ pool: { idleTimeout: 10_000 } });
  await exchange(net, client, "http://a.test/");
  await net.clock.advance(9_900);
  assertEquals(client.connections, 1);
  await net.clock.advance(300);
  assertEquals(client.connections, 0);
});

Deno.test("Pool closes a connection before the server does", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const fields = "Keep-Alive: timeout=5, max=100\r\n";
  const peer = await exchange(net, client, "http://a.test/", undefined, fields);
  await net.clock.advance(3_900);
  await exchange(net, client, "http://a.test/", peer);
  await net.clock.advance(4_100);
  assertEquals(client.connections, 0);
  await exchange(
    net,
    client,
    "http://a.test/",
    undefined,
    "Keep-Alive: timeout=1\r\n",
  );
  assertEquals(client.connections, 0);
});

Deno.test("Pool does not use a connection whose time is over, even if no timer has run", async () => {
  const net = new FakeNet();
  await using client = net.client({ pool: { idleTimeout: 50 } });
  await exchange(net, client, "http://a.test/");
  await net.clock.advance(60);
  await exchange(net, client, "http://a.test/");
  assertEquals(net.requests.length, 2);
});

Deno.test("Pool retires old connections", async () => {
  const net = new FakeNet();
  await using client = net.client({ pool: { maxAge: 1000 } });
  const peer = await exchange(net, client, "http://a.test/");
  await net.clock.advance(600);
  await exchange(net, client, "http://a.test/", peer);
  const promise = client.request("http://a.test/");
  await peer.head();
  await net.clock.advance(600);
  await peer.reply("late");
  await (await promise).body.text();
  assertEquals(client.connections, 0);
});

Deno.test("Pool uses the connection that was used last", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const one = client.request("http://a.test/");
  const two = client.request("http://a.test/");
  const [first, second] = [await net.next(), await net.next()];
  await first.serve("1");
  await (await one).body.text();
  await second.serve("2");
  await (await two).body.text();
  await exchange(net, client, "http://a.test/", second);
});

Deno.test("Pool hands a connection on only when its reply is complete", async () => {
  const net = new FakeNet();
  await using client = net.client({ pool: { connectionsPerOrigin: 1 } });
  const first = client.request("http://a.test/1");
  const second = client.request("http://a.test/2");
  const peer = await net.next();
  await peer.head();
  await peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n1");
  const response = await first;
  const next = peer.head();
  let came = false;
  next.then(() => came = true);
  await net.clock.advance(1);
  assertEquals(came, false);
  await peer.send("2");
  await next;
  await peer.reply("ok");
  assertEquals(await response.body.text(), "12");
  assertEquals(await (await second).body.text(), "ok");
});

Deno.test("Pool does not open a connection for who has left", async () => {
  const net = new FakeNet();
  await using client = net.client();
  const gate = Promise.withResolvers<void>();
  net.gate = gate.promise;
  const controller = new AbortController();
  const promise = client.request("http://a.test/", {
    signal: controller.signal,
  });
  await net.clock.advance(0);
  controller.abort();
  await assertRejects(() => promise, ConnError);
  assertEquals(net.requests[0]!.signal.aborted, true);
  gate.resolve();
});

Deno.test("Pool opens another connection when one fails under a waiting request", async () => {
  const net = new FakeNet();
  await using client = net.client({ pool: { connectionsPerOrigin: 1 } });
  const first = client.request("http://a.test/", { method: "POST" });
  first.catch(() => {});
  const second = client.request("http://a.test/");
  const broken = await net.next();
  await broken.head();
  broken.transport.reset();
  await (await net.next()).serve("ok");
  await assertRejects(() => first, ConnError);
  assertEquals(await (await second).body.text(), "ok");
});
