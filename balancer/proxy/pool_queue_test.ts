// Who waits for a connection: whom that may keep from going on, and for how long.

import { assertEquals } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import type { PoolConfig } from "../config/config.ts";
import {
  post,
  request,
  respond,
  settle,
  statusOf,
  type Wire,
} from "./proxy_test_util.ts";

/** One backend whose connections each carry one request. */
function dedicated(pool: PoolConfig): Bench {
  const t = new Bench({
    backends: 1,
    upstream: { proxyProtocol: "v1", pool },
  });
  t.a.raw();
  return t;
}

/** So many clients that each send a request, one after the other. */
async function ask(t: Bench, count: number): Promise<Wire[]> {
  const clients = Array.from({ length: count }, () => t.client());
  for (const client of clients) await client.ask(request());
  return clients;
}

Deno.test("a POST gets the place of a connection that has rested too long for it", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { maxConnections: 1 } },
  });
  assertEquals(statusOf(await t.ask(request())), 200);
  await t.clock.advance(1500);
  assertEquals(statusOf(await t.ask(post("x"))), 200);
  assertEquals([t.a.wires.length, t.a.wires[0]!.ended], [2, "eof"]);
});

Deno.test("a POST that needs a new connection leaves the old ones to a GET", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: { pool: { maxConnections: 2 } },
  });
  t.a.answer = () => {};
  await ask(t, 2);
  for (const wire of t.a.wires) wire.send(respond());
  await settle();
  await t.clock.advance(1500);
  t.a.answer = () => respond("a");
  const [poster, getter] = [t.client(), t.client()];
  poster.send(post("x"));
  getter.send(request());
  await settle();
  await settle();
  for (const client of [poster, getter]) {
    assertEquals(statusOf(client.take()), 200);
  }
  assertEquals(t.a.wires.length, 3);
});

Deno.test("all places that are free at once are given to who waits", async () => {
  await using t = dedicated({ maxConnections: 2 });
  await ask(t, 4);
  assertEquals([t.a.wires.length, t.figures().queued], [2, 2]);
  for (const wire of t.a.wires) wire.close();
  await settle();
  assertEquals(t.a.wires.length, 4);
  assertEquals(t.figures().queued, 0);
});

for (const [how, proxyProtocol] of [["shared", ""], ["own", "v1"]] as const) {
  Deno.test(`maxQueue does not count who a connection is opened for, ${how} ones`, async () => {
    await using t = new Bench({
      backends: 1,
      upstream: {
        ...(proxyProtocol && { proxyProtocol }),
        pool: { maxConnections: 2, maxQueue: 1 },
      },
    });
    t.a.mode = "silent";
    const clients = await ask(t, 8);
    const refused = clients.map(({ received }) => statusOf(received));
    assertEquals(refused, [0, 0, 0, 503, 503, 503, 503, 503]);
    for (const client of clients) client.close();
    await t.clock.advance(3000);
  });
}

Deno.test("queueTimeout is for who waits for a place, not for a connection", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: {
      pool: { maxConnections: 1, queueTimeout: 500, connectTimeout: 2000 },
    },
    route: { retries: { attempts: 0 } },
  });
  t.a.mode = "silent";
  const [connecting, waiting] = await ask(t, 2);
  await t.clock.advance(600);
  assertEquals(connecting!.take(), "");
  assertEquals(statusOf(waiting!.take()), 503);
  assertEquals(t.record.error, "queue_timeout");
  await t.clock.advance(1500);
  assertEquals(statusOf(connecting!.take()), 504);
  assertEquals(t.record.error, "connect_timeout");
});
