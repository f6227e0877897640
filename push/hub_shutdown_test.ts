import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { openHub } from "./hub.ts";
import type { Grant } from "./options.ts";
import { Site } from "./transport/site_test_util.ts";

Deno.test("a hub that ends tells each client when to come back", async () => {
  await using site = await Site.open();
  const clients = [await site.client(), await site.client()];
  const stream = await site.stream("/push?topic=t");
  await stream.any();
  await site.hub.shutdown({ spread: 1000 });
  const retries: number[] = [];
  for (const client of clients) {
    const bye = await client.next();
    assert(bye.type === "bye");
    retries.push(bye.retry);
    assertEquals(await client.closeCode(), 1012);
  }
  let event = await stream.any();
  while (event !== undefined && event.retry === undefined) {
    event = await stream.any();
  }
  retries.push(Number(event?.retry));
  assertEquals(await stream.next(), undefined);
  for (const retry of retries) assert(retry >= 0 && retry <= 1000);
  await site.until(() => site.hub.stats.clients === 0);
});

Deno.test("a value that was published before the end is there before the end", async () => {
  await using site = await Site.open();
  const client = await site.client();
  client.send({ type: "subscribe", filter: "t", mode: "every" });
  await client.brief(1);
  await site.hub.publish("t", 1);
  site.hub.publish("t", 2);
  await site.hub.shutdown();
  assertEquals(await client.brief(3), ["value t 1", "value t 2", "bye"]);
  assertEquals(await client.closeCode(), 1012);
});

Deno.test("nobody is let in after the end, not even who was at the door", async () => {
  const { promise, resolve } = Promise.withResolvers<Grant>();
  let asked = 0;
  await using site = await Site.open({
    onConnect: () => {
      asked++;
      return promise;
    },
  });
  const waiting = [
    assertRejects(() => site.client(), ConnError, "503"),
    site.get("/push?topic=t").then(([status]) => assertEquals(status, 503)),
    site.stream("/push?topic=t").then(({ response }) =>
      assertEquals(response.status, 503)
    ),
  ];
  await site.until(() => asked === 3);
  await site.hub.shutdown();
  resolve({});
  await Promise.all(waiting);
  assertEquals((await site.get("/push?topic=t"))[0], 503);
  assertEquals(asked, 3);
  assertEquals(site.hub.stats.clients, 0);
});

Deno.test("ending twice is ending once", async () => {
  await using site = await Site.open();
  const client = await site.client();
  await Promise.all([site.hub.shutdown(), site.hub.shutdown()]);
  assertEquals(await client.brief(1), ["bye"]);
  assertEquals(await client.closeCode(), 1012);
  await site.hub.shutdown();
});

Deno.test("a hub knows its topics, their newest values and who subscribes", async () => {
  await using hub = await openHub();
  assertEquals(hub.stats, { clients: 0, subscriptions: 0, topics: 0 });
  const { cursor } = await hub.publish("t", { a: [1, null] });
  const newest = hub.newest("t")!;
  assertEquals(newest.cursor, cursor);
  assertEquals(newest.value, { a: [1, null] });
  assert(Math.abs(newest.at - Date.now()) < 60_000);
  assertEquals(hub.newest("u"), undefined);
  assertEquals([...hub.topics()], ["t"]);
  assertEquals(hub.subscribers("t"), 0);
  await hub.remove("t");
  assertEquals(hub.stats.topics, 0);
});
