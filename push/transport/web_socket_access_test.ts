import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { ClientInfo, Grant } from "../options.ts";
import { brief, Site } from "./site_test_util.ts";

const UPGRADE = "GET /push HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n" +
  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
  "Sec-WebSocket-Protocol: meerkat.push.v1\r\n\r\n";

/** A short text message as a client sends it, masked with zeros. */
function clientText(text: string): string {
  return "\x81" + String.fromCharCode(0x80 | text.length) + "\0\0\0\0" + text;
}

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
  await assertRejects(() => site.client("/push?topic=c"), ConnError, "403");
  assertEquals((await site.get("/push?topic=c"))[0], 403);
  const stream = await site.stream("/push?topic=a&topic=c");
  assertEquals(stream.response.status, 403);
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
  assertEquals(await other.brief(1), ["subscribed a,b"]);
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

Deno.test("a client whose grant has ended is not heard any more", async () => {
  await using site = await Site.open({
    onConnect: () => ({ publish: ["#"], expires: Date.now() + 1000 }),
  });
  // It reads nothing, and so does not answer the close frame.
  const line = await site.raw(UPGRADE);
  assert((await line.read("hello")).startsWith("HTTP/1.1 101"));
  await site.clock.advance(2000);
  const text = '{"type":"publish","ref":1,"topic":"t","value":1}';
  await line.write(clientText(text));
  line.leave();
  await site.until(() => site.hub.stats.clients === 0);
  assertEquals([...site.hub.topics()], []);
});

Deno.test("hello says when a token is needed, and subscribed where to go on", async () => {
  await using site = await Site.open({
    onConnect: () => ({ expires: Date.now() + 5000 }),
  });
  const client = await site.bare("/push", { protocols: "meerkat.push.v1" });
  const hello = await client.next();
  assert(hello.type === "hello");
  assert(hello.expiresIn! > 0 && hello.expiresIn! < 6000);
  await site.hub.publish("other", 1);
  client.send({ type: "subscribe", filter: "t" });
  const cursor = `${site.hub.epoch}.1`;
  assertEquals(await client.next(), {
    type: "subscribed",
    filter: "t",
    cursor,
  });
});

Deno.test("a grant that has ended already lets nobody in", async () => {
  await using site = await Site.open({
    onConnect: () => ({ expires: Date.now() - 1000 }),
  });
  await site.hub.publish("t", "secret");
  assertEquals((await site.get("/push?topic=t"))[0], 401);
  const stream = await site.stream("/push?topic=t");
  assertEquals(stream.response.status, 401);
  await assertRejects(() => site.client(), ConnError, "401");
});

Deno.test("an onConnect that gives nothing lets nobody in", async () => {
  const { error } = console;
  console.error = () => {};
  try {
    for (const grant of [undefined, null, true]) {
      await using site = await Site.open({
        onConnect: () => grant as unknown as Grant,
      });
      await site.hub.publish("t", "secret");
      const [status, body] = await site.get("/push?topic=t");
      assertEquals([status, body.includes("secret")], [500, false]);
    }
  } finally {
    console.error = error;
  }
});

Deno.test("who asks and does not read is not read from", async () => {
  await using site = await Site.open({
    topics: { room: { presence: true } },
    limits: { highMark: 1000 },
  });
  const idle = await site.client();
  idle.send({ type: "subscribe", filter: "room" });
  await idle.brief(1);
  const line = await site.raw(UPGRADE);
  await line.read("hello");
  const frame = clientText('{"type":"presence","ref":1,"topic":"room"}');
  const some = frame.repeat(1000);
  // The system takes so much from each side, and then no more.
  let isStuck = false;
  for (let n = 0; n < 500 && !isStuck; n++) {
    const written = line.write(some).then(() => false, () => false);
    isStuck = await Promise.race([written, turns(2000)]);
  }
  assert(isStuck);
});

/** Lets the event loop turn. */
async function turns(count: number): Promise<true> {
  while (count-- > 0) await new Promise((resolve) => setImmediate(resolve));
  return true;
}
