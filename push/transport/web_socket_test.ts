import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { ClientInfo, Grant } from "../options.ts";
import { brief, Site } from "./_site_test_util.ts";

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
  client.send({ type: "publish", ref: 1, topic: "t", value: "x".repeat(2000) });
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

Deno.test("commands wait for a hook that takes its time, and keep their order", async () => {
  let allow: (allowed: boolean) => void = () => {};
  await using site = await Site.open({
    onSubscribe: (filter) =>
      filter === "slow"
        ? new Promise((resolve) => allow = resolve)
        : filter !== "no",
  });
  const client = await site.client();
  client.send(
    { type: "subscribe", filter: "slow" },
    { type: "subscribe", filter: "slow" },
    { type: "subscribe", filter: "no" },
    { type: "subscribe", filter: "quick" },
  );
  const first = client.next();
  await site.until(() => allow.name !== "allow");
  allow(true);
  assertEquals(brief(await first), "subscribed slow");
  assertEquals(await client.brief(3), [
    "error already_subscribed",
    "error forbidden",
    "subscribed quick",
  ]);
});

Deno.test("a client that leaves while a hook takes its time is not subscribed", async () => {
  let allow: ((allowed: boolean) => void) | undefined;
  await using site = await Site.open({
    onSubscribe: () => new Promise((resolve) => allow = resolve),
  });
  const client = await site.client();
  client.send({ type: "subscribe", filter: "t" });
  await site.until(() => allow !== undefined);
  await client.leave();
  allow!(true);
  await site.until(() => site.hub.stats.clients === 0);
  await site.hub.publish("t", 1);
  assertEquals(site.hub.stats.subscriptions, 0);
});

Deno.test("what a hook throws is reported, and the client hears no more of it", async () => {
  const bug = new Error("secret");
  await using site = await Site.open({
    onSubscribe: () => {
      throw bug;
    },
    onAuthorize: () => Promise.reject(bug),
  });
  const client = await site.client();
  client.send(
    { type: "subscribe", filter: "t" },
    { type: "authorize", ref: 1, token: "x" },
  );
  const answers = await client.take(2);
  assertEquals(answers.map(brief), ["error internal", "error internal"]);
  assert(!JSON.stringify(answers).includes("secret"));
  assertEquals(site.errors, [bug, bug]);
});

Deno.test("who may not connect is answered with any status", async () => {
  for (const status of [401, 403, 418, 503]) {
    for (const isAsync of [false, true]) {
      const response = () => new Response("no", { status });
      await using site = await Site.open({
        onConnect: () => isAsync ? Promise.resolve(response()) : response(),
      });
      const error = await assertRejects(() => site.client(), ConnError);
      assert(error.message.includes(String(status)), error.message);
      assertEquals((await site.get("/push?topic=t"))[0], status);
      const stream = await site.stream("/push?topic=t");
      assertEquals(stream.response.status, status);
      assertEquals(site.hub.stats.clients, 0);
    }
  }
});

Deno.test("a grant's filters bound what a client subscribes to", async () => {
  await using site = await Site.open({
    onConnect: () => ({ subscribe: ["a/#", "b/+"] }),
  });
  const client = await site.client();
  for (const filter of ["a/#", "a/x", "b/+", "b/#", "#", "+", "b/x/y"]) {
    client.send({ type: "subscribe", filter });
  }
  assertEquals(await client.brief(7), [
    "subscribed a/#",
    "subscribed a/x",
    "subscribed b/+",
    "error forbidden",
    "error forbidden",
    "error forbidden",
    "error forbidden",
  ]);
  await assertRejects(() => site.client("/push?topic=c"), ConnError);
});

Deno.test("a client that names no topic gets no default topic that it may not have", async () => {
  await using site = await Site.open({
    onConnect: () => ({ subscribe: ["mine"] }),
  });
  await site.hub.publish("default", "secret");
  await assertRejects(() => site.bare("/push"), ConnError, "403");
  await assertRejects(
    () => site.bare("/push?format=envelope"),
    ConnError,
    "403",
  );
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
  assertEquals(await client.brief(3), ["hello", "value a 1", "value b 2"]);
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

Deno.test("members are told of who comes and goes", async () => {
  await using site = await Site.open({
    topics: { room: { presence: true } },
    onConnect: (request) => {
      const user = new URL(request.url).searchParams.get("user");
      return user === null ? {} : { user };
    },
  });
  const ann = await site.client("/push?user=ann");
  ann.send({ type: "subscribe", filter: "room", presence: true });
  const [, first] = await ann.take(2);
  const annHere = { client: ann.id, user: "ann" };
  assertEquals(first, {
    type: "members",
    topic: "room",
    joined: [annHere],
    left: [],
    whole: true,
  });
  const bob = await site.client();
  bob.send({ type: "subscribe", filter: "room" });
  await bob.brief(1);
  assertEquals(await ann.next(), {
    type: "members",
    topic: "room",
    joined: [{ client: bob.id }],
    left: [],
  });
  bob.send(
    { type: "presence", ref: 1, topic: "room" },
    { type: "presence", ref: 2, topic: "hall" },
  );
  assertEquals(await bob.take(2), [
    {
      type: "presence",
      ref: 1,
      topic: "room",
      members: [annHere, { client: bob.id }],
    },
    {
      type: "error",
      ref: 2,
      code: "no_presence",
      message: '"hall" has no presence',
    },
  ]);
  await bob.leave();
  assertEquals(await ann.next(), {
    type: "members",
    topic: "room",
    joined: [],
    left: [{ client: bob.id }],
  });
  assertEquals(site.hub.presence("room"), [annHere]);
});

Deno.test("a grant that ends closes with 4401, unless there is a new token", async () => {
  const grants: Record<string, Grant> = {
    short: { expires: Date.now() + 10_000 },
    long: { expires: Date.now() + 20_000 },
    forever: {},
  };
  const shown: [string, string][] = [];
  await using site = await Site.open({
    onConnect: () => grants.short!,
    onAuthorize: (token, client: ClientInfo) => {
      shown.push([token, client.id]);
      return grants[token];
    },
  });
  const [a, b, c] = [
    await site.client(),
    await site.client(),
    await site.client(),
  ];
  b.send({ type: "authorize", ref: 1, token: "long" });
  const answer = await b.next();
  assert(answer.type === "authorized" && answer.ref === 1);
  assert(answer.expiresIn! > 10_000 && answer.expiresIn! <= 20_000);
  c.send({ type: "authorize", ref: 2, token: "forever" });
  assertEquals(await c.next(), { type: "authorized", ref: 2 });
  c.send({ type: "authorize", ref: 3, token: "unknown" });
  assertEquals(await c.brief(1), ["error forbidden"]);
  assertEquals(shown, [["long", b.id], ["forever", c.id], ["unknown", c.id]]);
  await site.clock.advance(11_000);
  assertEquals(await a.closeCode(), 4401);
  await site.until(() => site.hub.stats.clients === 2);
  await site.clock.advance(10_000);
  assertEquals(await b.closeCode(), 4401);
  await site.until(() => site.hub.stats.clients === 1);
});

Deno.test("a client that may no longer have what it has is closed with 4403", async () => {
  await using site = await Site.open({
    onAuthorize: () => ({ subscribe: ["a", "b"] }),
  });
  const client = await site.client();
  client.send(
    { type: "subscribe", filter: "c" },
    { type: "authorize", ref: 1, token: "x" },
  );
  assertEquals(await client.closeCode(), 4403);

  const other = await site.client("/push?topic=a&topic=b");
  other.send({ type: "authorize", ref: 1, token: "x" });
  assertEquals(await other.brief(1), ["authorized"]);
  other.send({ type: "unsubscribe", filter: "none" });
  assertEquals(await other.brief(1), ["error not_subscribed"]);
});

Deno.test("without onAuthorize every token is refused", async () => {
  await using site = await Site.open();
  const client = await site.client();
  client.send({ type: "authorize", ref: 1, token: "x" });
  assertEquals(await client.brief(1), ["error forbidden"]);
});

Deno.test("one client more than there may be gets 503", async () => {
  await using site = await Site.open({
    limits: { clients: 2 },
    // All ask before one is in.
    onConnect: () => Promise.resolve({}),
  });
  const attempts = await Promise.allSettled(
    [1, 2, 3, 4].map(() => site.client()),
  );
  const refused = attempts.filter(({ status }) => status === "rejected");
  assertEquals(refused.length, 2);
  assertEquals(site.hub.stats.clients, 2);
  assertEquals((await site.get("/push"))[0], 503);
});

Deno.test("onJoin and onLeave tell of each client once", async () => {
  const log: string[] = [];
  await using site = await Site.open({
    onJoin: ({ transport, id }) => log.push(`join ${transport} ${id}`),
    onLeave: ({ transport, id }) => log.push(`leave ${transport} ${id}`),
  });
  const client = await site.client();
  client.conn.close(1000);
  assertEquals(await client.closeCode(), 1000);
  await site.until(() => log.length === 2);
  assertEquals(log, [
    `join websocket ${client.id}`,
    `leave websocket ${client.id}`,
  ]);
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

Deno.test("a client whose grant has ended is not heard any more", async () => {
  await using site = await Site.open({
    onConnect: () => ({ publish: ["#"], expires: Date.now() + 1000 }),
  });
  // It reads nothing, and so does not answer the close frame.
  const line = await site.raw(
    "GET /push HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" +
      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
      "Sec-WebSocket-Protocol: meerkat.push.v1\r\n\r\n",
  );
  assert((await line.read("hello")).startsWith("HTTP/1.1 101"));
  await site.clock.advance(2000);
  const text = '{"type":"publish","ref":1,"topic":"t","value":1}';
  const frame = "\x81" + String.fromCharCode(0x80 | text.length) + "\0\0\0\0";
  await line.write(frame + text);
  line.leave();
  await site.until(() => site.hub.stats.clients === 0);
  assertEquals([...site.hub.topics()], []);
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
