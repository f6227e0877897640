// What counts as a backend's failure, and what must not.

import { assert, assertEquals } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import {
  post,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy_test_util.ts";

Deno.test("a backend that cannot be connected to is ejected, however short queueTimeout is", async () => {
  await using t = new Bench({
    upstream: { pool: { queueTimeout: 1000, connectTimeout: 2000 } },
  });
  t.a.mode = "silent";
  for (let i = 0; i < 20; i++) {
    const client = t.client();
    await client.ask(request());
    await t.clock.advance(3000);
    assertEquals(readResponse(client.received).body, "b");
  }
  assert(t.figures().ejections > 0);
});

Deno.test("a backend that cannot be connected to is ejected, however soon clients leave", async () => {
  await using t = new Bench({ backends: 1 });
  t.a.mode = "silent";
  for (let i = 0; i < 20; i++) {
    const client = t.client();
    await client.ask(request());
    await t.clock.advance(1000);
    client.close();
    await settle();
    await t.clock.advance(1500);
  }
  assert(t.figures().ejections > 0);
  assert(t.figures().errors["connect_timeout"]! > 0);
});

Deno.test("the time that a client takes to send is not the backend's", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { ejection: { maxLatency: 1000 } },
  });
  const clients = Array.from({ length: 25 }, () => t.client());
  const head = request("/", "Content-Length: 2\r\n", "POST");
  for (const client of clients) await client.ask(head + "a");
  await t.clock.advance(4000);
  for (const client of clients) {
    assertEquals(statusOf(await client.ask("b")), 200);
  }
  assertEquals(t.figures().ejections, 0);
  assert(t.figures().meanLatency < 1000, `${t.figures().meanLatency} ms`);
});

for (const early of [false, true]) {
  const name = early ? "with early answers between them" : "alone";
  Deno.test(`slow responses eject, ${name}`, async () => {
    await using t = new Bench({
      backends: 1,
      upstream: { ejection: { maxLatency: 1000, failures: 100 } },
    });
    t.a.raw();
    for (let i = 0; i < 24; i++) {
      const client = t.client();
      await client.ask(request());
      await t.clock.advance(1500);
      t.a.wire.send(respond("slow"));
      await settle();
      assertEquals(statusOf(client.take()), 200);
      if (!early) continue;
      const sender = t.client();
      await sender.ask(request("/", "Content-Length: 9\r\n", "POST") + "a");
      t.a.wire.send(respond("early", 400));
      await settle();
      assertEquals(statusOf(sender.take()), 400);
      sender.close();
      await settle();
    }
    assert(t.figures().ejections > 0, `${t.figures().meanLatency} ms`);
  });
}

Deno.test("a backend that is gone waits for nothing any more", async () => {
  await using t = new Bench({
    backends: 2,
    upstream: { ejection: { failures: 1, baseTime: 60_000 } },
  });
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  const { pending } = t.clock;
  t.balancer.removeBackend(t.upstream().name, t.a.address);
  await t.a.wire.reset();
  assertEquals(readResponse(client.take()).body, "b");
  client.close();
  await settle();
  assert(t.clock.pending <= pending, "an ejection is timed");
});

Deno.test("a failed connection of a POST is no failure of the POST", async () => {
  await using t = new Bench();
  t.a.mode = "refusing";
  assertEquals(readResponse(await t.ask(post("x"))).body, "b");
  assertEquals(t.figures(0).errors, { connect_refused: 1 });
  assertEquals(t.figures(1).errors, {});
});

Deno.test("who is refused is logged by the address that a trusted proxy tells", async () => {
  await using t = new Bench({
    common: { trustedProxies: ["10.0.0.1"] },
    route: { rateLimit: { rate: 1, burst: 1 }, prefix: "/here" },
  });
  const said = "X-Forwarded-For: 192.0.2.7\r\n";
  const asked: [target: string, status: number, method?: string][] = [
    ["/here", 200],
    ["/here", 429],
    ["/there", 404],
    ["/here", 405, "TRACE"],
  ];
  for (const [target, status, method] of asked) {
    const reply = await t.ask(request(target, said, method));
    assertEquals(statusOf(reply), status);
    assertEquals(t.record.status, status);
    assertEquals(t.record.clientAddress, "192.0.2.7", `${status}`);
  }
});
