import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { FakeEngine, FakeStore } from "./engine/fake_engine_test_util.ts";
import { sqliteEngine } from "./engine/sqlite.ts";
import { openHub } from "./hub.ts";
import { Site } from "./transport/site_test_util.ts";

const topics = { "#": { history: { count: 3 } } };

Deno.test("a client comes back to a hub that was killed, and misses nothing", async () => {
  const store = new FakeStore();
  let cursor: string;
  {
    await using site = await Site.open({
      topics,
      engine: new FakeEngine(store),
    });
    const client = await site.client();
    client.send({ type: "subscribe", filter: "t", mode: "every" });
    await client.brief(1);
    await site.hub.publish("t", 1);
    const value = await client.next();
    assert(value.type === "value");
    cursor = value.cursor;
    await client.leave();
    await site.hub.publish("t", 2);
    await site.hub.publish("t", 3);
  }
  await using site = await Site.open({ topics, engine: new FakeEngine(store) });
  assertEquals(`${site.hub.epoch}.1`, cursor);
  const client = await site.client();
  client.send({ type: "subscribe", filter: "t", mode: "every", since: cursor });
  assertEquals(await client.brief(3), [
    "subscribed t",
    "value t 2",
    "value t 3",
  ]);
});

Deno.test("sqlite keeps cursors over a restart, and tells what it dropped", async () => {
  const path = await Deno.makeTempFile({ suffix: ".db" });
  try {
    let since: string;
    {
      await using hub = await openHub({ topics, engine: sqliteEngine(path) });
      since = (await hub.publish("t", 0)).cursor;
      await hub.publish("u", 0);
      for (let n = 1; n <= 5; n++) await hub.publish("t", n);
      await hub.publish("u", 1);
    }
    await using site = await Site.open({ topics, engine: sqliteEngine(path) });
    assertEquals(site.hub.newest("t")?.value, 5);
    const client = await site.client();
    client.send({ type: "subscribe", filter: "#", mode: "every", since });
    assertEquals(await client.brief(5), [
      "subscribed #",
      "value u 0",
      "reset t history",
      "value t 5",
      "value u 1",
    ]);
    await site.hub.publish("t", 6);
    assertEquals(await client.brief(1), ["value t 6"]);
  } finally {
    for (const end of ["", "-wal", "-shm", ".lock"]) {
      await Deno.remove(path + end).catch(() => {});
    }
  }
});

Deno.test("in memory nothing is kept, and cursors of before are void", async () => {
  let since: string;
  {
    await using hub = await openHub();
    since = (await hub.publish("t", 1)).cursor;
  }
  await using site = await Site.open();
  await site.hub.publish("t", 2);
  const client = await site.client();
  client.send({ type: "subscribe", filter: "t", since });
  assertEquals(await client.brief(3), [
    "subscribed t",
    "reset t epoch",
    "value t 2",
  ]);
});

Deno.test("an engine that loses its store makes clients begin anew", async () => {
  const store = new FakeStore();
  const engine = new FakeEngine(store);
  await using site = await Site.open({ engine });
  const client = await site.client();
  client.send({ type: "subscribe", filter: "+", mode: "every" });
  await client.brief(1);
  await site.hub.publish("a", 1);
  assertEquals(await client.brief(1), ["value a 1"]);
  store.renew("e2");
  store.append("b", "2");
  engine.reload();
  assertEquals(await client.brief(2), ["reset + epoch", "value b 2"]);
  assertEquals(site.hub.epoch, "e2");
  assertEquals([...site.hub.topics()], ["b"]);
  assertEquals(site.hub.newest("a"), undefined);
});

Deno.test("versions that the hub never saw are a gap of their topic", async () => {
  const store = new FakeStore();
  const engine = new FakeEngine(store);
  await using site = await Site.open({ engine, topics });
  const client = await site.client();
  client.send({ type: "subscribe", filter: "t", mode: "every" });
  await client.brief(1);
  await site.hub.publish("t", 1);
  for (const data of ["2", "3", "4"]) store.append("t", data);
  store.forget();
  engine.reload();
  const { epoch } = site.hub;
  const [, gap, value] = await client.take(3);
  assertEquals(gap, {
    type: "gap",
    filter: "t",
    topic: "t",
    cursor: `${epoch}.3`,
  });
  assert(value?.type === "value" && value.value === 4);
  // Who comes back from before the gap is told, too.
  const [, body] = await site.get(
    `/push?topic=t&mode=every&format=envelope&since=${epoch}.0`,
  );
  assertEquals(
    JSON.parse(body).map(({ type }: { type: string }) => type),
    ["reset", "value"],
  );
});

Deno.test("an engine out of reach is reported, and publishing rejects", async () => {
  const engine = new FakeEngine();
  const errors: unknown[] = [];
  await using hub = await openHub({
    engine,
    onError: (error) => errors.push(error),
  });
  const lost = new Error("no route");
  engine.listener!.reachable(false, lost);
  engine.listener!.reachable(true);
  assertEquals(errors, [lost]);
  await hub.shutdown();
  const error = await assertRejects(() => hub.publish("t", 1), ConnError);
  assertEquals(error.code, "closed");
});

Deno.test("a value that is no JSON, or too large, or to no topic, is not published", async () => {
  await using hub = await openHub({ limits: { message: 10, topics: 1 } });
  const code = async (topic: string, value: unknown) =>
    (await assertRejects(() => hub.publish(topic, value), ConnError)).code;
  assertEquals(await code("t", undefined), "value_invalid");
  assertEquals(await code("t", 1n), "value_invalid");
  assertEquals(await code("t", "x".repeat(9)), "message_too_large");
  assertEquals(await code("t/#", 1), "topic_invalid");
  assertEquals(await code("", 1), "topic_invalid");
  await hub.publish("t", 1);
  assertEquals(await code("u", 1), "too_many_topics");
  await hub.publish("t", 2);
  await hub.remove("t");
  await hub.publish("u", 1);
  assertEquals([...hub.topics()], ["u"]);
});
