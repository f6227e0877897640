import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { brief, Site } from "./site_test_util.ts";

Deno.test("a client subscribes, gets what is newest, and what comes", async () => {
  await using site = await Site.open();
  await site.hub.publish("t", { n: 1 });
  const client = await site.client();
  client.send({ type: "subscribe", filter: "t" });
  const { epoch } = site.hub;
  assertEquals(await client.take(2), [
    { type: "subscribed", filter: "t" },
    { type: "value", topic: "t", cursor: `${epoch}.1`, value: { n: 1 } },
  ]);
  await site.hub.publish("t", "two");
  assertEquals(await client.next(), {
    type: "value",
    topic: "t",
    cursor: `${epoch}.2`,
    value: "two",
  });
  client.send({ type: "unsubscribe", filter: "t" });
  assertEquals(await client.brief(1), ["unsubscribed t"]);
  await site.hub.publish("t", 3);
  client.send({ type: "unsubscribe", filter: "t" });
  assertEquals(await client.brief(1), ["error not_subscribed"]);
  assertEquals(site.hub.stats.subscriptions, 0);
});

Deno.test("a value that came by a pattern names it", async () => {
  await using site = await Site.open();
  const client = await site.client();
  client.send({ type: "subscribe", filter: "t/#", mode: "every" });
  await client.brief(1);
  await site.hub.publish("t/x", null);
  const { epoch } = site.hub;
  assertEquals(await client.next(), {
    type: "value",
    topic: "t/x",
    filter: "t/#",
    cursor: `${epoch}.1`,
    value: null,
  });
});

Deno.test("patches lead from value to value, for who asks for them", async () => {
  await using site = await Site.open({ topics: { t: { delta: true } } });
  const client = await site.client();
  const pad = "as long as it must be for a patch to be shorter";
  await site.hub.publish("t", { n: 1, pad });
  client.send(
    { type: "subscribe", filter: "t", delta: true },
    { type: "subscribe", filter: "+" },
  );
  await client.take(4);
  await site.hub.publish("t", { n: 2, pad });
  assertEquals((await client.brief(2)).sort(), [
    `patch t {"n":2}`,
    `value t {"n":2,"pad":"${pad}"}`,
  ]);
});

Deno.test("mode every gives all of a turn, mode latest the last", async () => {
  await using site = await Site.open();
  const [every, latest] = [await site.client(), await site.client()];
  every.send({ type: "subscribe", filter: "t", mode: "every" });
  latest.send({ type: "subscribe", filter: "t" });
  await Promise.all([every.brief(1), latest.brief(1)]);
  for (const n of [1, 2, 3]) site.hub.publish("t", n);
  assertEquals(await every.brief(3), ["value t 1", "value t 2", "value t 3"]);
  assertEquals(await latest.brief(1), ["value t 3"]);
});

Deno.test("what is wrong with a subscription is said, and no more", async () => {
  await using site = await Site.open({ limits: { subscriptions: 2 } });
  const client = await site.client();
  client.send(
    { type: "subscribe", filter: "a//b" },
    { type: "subscribe", filter: "a", since: "nonsense" },
    { type: "subscribe", filter: "a" },
    { type: "subscribe", filter: "a" },
    { type: "subscribe", filter: "b" },
    { type: "subscribe", filter: "c" },
    { type: "unsubscribe", filter: "b" },
    { type: "subscribe", filter: "c" },
  );
  assertEquals(await client.brief(8), [
    "error filter_invalid",
    "error cursor_invalid",
    "subscribed a",
    "error already_subscribed",
    "subscribed b",
    "error too_many_subscriptions",
    "unsubscribed b",
    "subscribed c",
  ]);
});

Deno.test("a command that is none closes the connection", async () => {
  await using site = await Site.open();
  for (
    const [message, code] of [
      ["no json", 1007],
      ['{"type":"dance"}', 1008],
      ['{"type":"subscribe"}', 1008],
      ["null", 1008],
      [new Uint8Array(2), 1003],
    ] as const
  ) {
    const client = await site.client();
    client.conn.send(message);
    assertEquals(await client.closeCode(), code, String(message));
  }
  await site.until(() => site.hub.stats.clients === 0);
});

Deno.test("a message beyond the limit closes with 1009", async () => {
  await using site = await Site.open({ limits: { message: 100 } });
  const client = await site.client();
  client.send({ type: "publish", ref: 1, topic: "t", value: "x".repeat(9000) });
  assertEquals(await client.closeCode(), 1009);
});

Deno.test("a client publishes what its grant and the hook let it", async () => {
  const asked: unknown[] = [];
  await using site = await Site.open({
    limits: { message: 100 },
    onConnect: () => ({ publish: ["from/#"] }),
    onPublish: (topic, value, client) => {
      asked.push([topic, value, client.transport]);
      return topic === "from/late" ? Promise.resolve(true) : value !== "no";
    },
  });
  const client = await site.client();
  const publish = (ref: number, topic: string, value: unknown, key?: string) =>
    client.send({
      type: "publish",
      ref,
      topic,
      value,
      ...(key !== undefined && { key }),
    });
  publish(1, "from/me", 1, "k");
  publish(2, "from/me", 1, "k");
  publish(3, "other", 1);
  publish(4, "from/me", "no");
  publish(5, "from//me", 1);
  publish(6, "from/late", 1);
  publish(7, "from/me", "x".repeat(200));
  const { epoch } = site.hub;
  const answers = await client.take(7);
  const byRef = new Map(
    answers.map((answer) => ["ref" in answer ? answer.ref : 0, answer]),
  );
  assertEquals([...byRef.keys()].sort(), [1, 2, 3, 4, 5, 6, 7]);
  const published = { type: "published", duplicate: false } as const;
  assertEquals(byRef.get(1), { ...published, ref: 1, cursor: `${epoch}.1` });
  assertEquals(byRef.get(2), {
    ...published,
    ref: 2,
    cursor: `${epoch}.1`,
    duplicate: true,
  });
  assertEquals(byRef.get(6), { ...published, ref: 6, cursor: `${epoch}.2` });
  assertEquals([3, 4, 5, 7].map((ref) => brief(byRef.get(ref)!)), [
    "error forbidden",
    "error forbidden",
    "error topic_invalid",
    "error message_too_large",
  ]);
  assertEquals(asked.length, 5);
  assertEquals(asked[0], ["from/me", 1, "websocket"]);
});

Deno.test("a client publishes so often and no more", async () => {
  await using site = await Site.open({
    limits: { publishRate: 2 },
    onConnect: () => ({ publish: ["#"] }),
  });
  const client = await site.client();
  const burst = () => {
    for (const ref of [1, 2, 3]) {
      client.send({ type: "publish", ref, topic: "t", value: ref });
    }
  };
  burst();
  assertEquals((await client.brief(3)).sort(), [
    "error rate_limited",
    "published",
    "published",
  ]);
  await site.clock.advance(1000);
  burst();
  assertEquals((await client.brief(3)).sort(), [
    "error rate_limited",
    "published",
    "published",
  ]);
  assertEquals(site.hub.newest("t")?.value, 2);
});

Deno.test("a client without the subprotocol gets values alone", async () => {
  await using site = await Site.open({
    greeting: (client) => ({ welcome: client.transport }),
  });
  await site.hub.publish("default", "text as it is");
  const client = await site.bare();
  assertEquals(await client.text(), '{"welcome":"websocket"}');
  assertEquals(await client.text(), "text as it is");
  client.conn.send("ignored");
  client.conn.send(new Uint8Array(1));
  await site.hub.publish("default", { n: 1 });
  assertEquals(await client.text(), '{"n":1}');
  await site.hub.publish("default", null);
  assertEquals(await client.text(), "null");
});

Deno.test("a client without the subprotocol may ask for messages", async () => {
  await using site = await Site.open();
  await site.hub.publish("a", 1);
  await site.hub.publish("b", 2);
  const client = await site.bare("/push?topic=a&topic=b&format=envelope");
  assertEquals(await client.brief(4), [
    "hello",
    "subscribed a,b",
    "value a 1",
    "value b 2",
  ]);
  client.send({ type: "subscribe", filter: "b" });
  assertEquals(await client.brief(2), ["subscribed b", "value b 2"]);
});

Deno.test("a query that makes no sense is answered with 400", async () => {
  await using site = await Site.open();
  for (
    const query of [
      "topic=a//b",
      "topic=t&mode=some",
      "topic=t&since=x",
      "topic=t&format=xml",
      "topic=t&format=envelope&delta=maybe",
      "topic=t&wait=soon",
      "topic=",
    ]
  ) {
    assertEquals((await site.get(`/push?${query}`))[0], 400, query);
    await assertRejects(() => site.client(`/push?${query}`), ConnError, "400");
  }
});

Deno.test("a client that is closing gets nothing more, and nobody hears of it", async () => {
  await using site = await Site.open();
  const client = await site.client();
  client.send({ type: "subscribe", filter: "t" });
  await client.brief(1);
  client.conn.close(1000);
  for (let n = 0; n < 100; n++) await site.hub.publish("t", n);
  assertEquals(await client.closeCode(), 1000);
  await site.until(() => site.hub.stats.clients === 0);
  assertEquals(site.errors, []);
});

Deno.test("a slow client in mode every is told what it missed, or closed", async () => {
  for (const whenBehind of ["drop", "latest", "close"] as const) {
    await using site = await Site.open({
      whenBehind,
      limits: { queueCount: 5, highMark: 1000 },
    });
    const client = await site.client();
    client.send({ type: "subscribe", filter: "t", mode: "every" });
    await client.brief(1);
    // It reads no more until the hub has more than the system takes.
    const pad = "x".repeat(60_000);
    for (let n = 0; n < 400; n++) {
      await site.hub.publish("t", { n, pad });
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    let last = -1;
    let missing = 0;
    let told = 0;
    let code: number | undefined;
    while (last < 399) {
      const text = await client.text().catch(() => undefined);
      if (text === undefined) {
        code = client.conn.closeCode;
        break;
      }
      const message = JSON.parse(text);
      if (message.type === "gap") told += message.missed;
      else {
        missing += message.value.n - last - 1;
        last = message.value.n;
      }
    }
    if (whenBehind === "close") {
      assertEquals(code, 4408);
      assertEquals(missing, 0);
    } else {
      assertEquals(last, 399);
      assert(missing > 0);
      assertEquals(told, missing);
    }
  }
});
