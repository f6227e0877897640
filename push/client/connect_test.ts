import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { ServerMessage } from "../wire/protocol.ts";
import { Bench, outcome, value } from "./_client_test_util.ts";
import type { PushClientOptions, Subscription } from "./connect.ts";
import type { Update } from "./updates.ts";

/** The code of the error that a promise is rejected with by now. */
async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await outcome(promise);
  assertInstanceOf(error, ConnError);
  return error.code;
}

/** Takes one update. */
async function take(subscription: Subscription): Promise<Update> {
  const { value } = await subscription[Symbol.asyncIterator]().next();
  return value!;
}

/** Takes values in short, as many as asked for. */
async function takeValues(
  subscription: Subscription,
  count: number,
): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const update = await take(subscription);
    taken.push(
      update.type === "value"
        ? `${update.topic} ${JSON.stringify(update.value)}`
        : update.type,
    );
  }
  return taken;
}

Deno.test("connect subscribes as soon as there is a connection", async () => {
  await using bench = new Bench();
  const { client } = bench;
  assertEquals([client.state, client.id], ["connecting", undefined]);
  const subscription = client.subscribe<number>("a", {
    mode: "every",
    presence: true,
  });
  assertEquals(subscription.cursor, undefined);
  const hosted = await bench.accept();
  assertEquals([client.state, client.id], ["open", "c1"]);
  assertEquals(hosted.commands(), [{
    type: "subscribe",
    filter: "a",
    mode: "every",
    presence: true,
  }]);
  await hosted.say({ type: "subscribed", filter: "a" }, value("a", 7));
  assertEquals(await take(subscription), {
    type: "value",
    topic: "a",
    value: 7,
    cursor: "e.7",
  });
  assertEquals(subscription.cursor, "e.7");
});

Deno.test("a subscription gives all that its mode can tell", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  const member = { client: "c2", user: "u" };
  await hosted.say(
    { type: "subscribed", filter: "a" },
    { type: "reset", filter: "a", topic: "a", reason: "history" },
    value("a", 3),
    { type: "gap", filter: "a", topic: "a", cursor: "e.5", missed: 2 },
    { type: "gap", filter: "a", cursor: "e.6" },
    { type: "members", topic: "a", joined: [member], left: [] },
  );
  assertEquals(await take(subscription), {
    type: "reset",
    topic: "a",
    reason: "history",
  });
  await take(subscription);
  assertEquals(await take(subscription), {
    type: "gap",
    topic: "a",
    cursor: "e.5",
    missed: 2,
  });
  assertEquals(subscription.cursor, "e.5");
  assertEquals(await take(subscription), { type: "gap", cursor: "e.6" });
  assertEquals(await take(subscription), {
    type: "members",
    topic: "a",
    joined: [member],
    left: [],
  });
});

Deno.test("values gives the values alone", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe<number>("a", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.say(
    value("a", 1),
    { type: "gap", filter: "a", cursor: "e.2" },
    value("a", 3),
  );
  const seen: number[] = [];
  for await (const value of subscription.values()) {
    seen.push(value);
    if (value === 3) break;
  }
  await bench.settle();
  assertEquals(seen, [1, 3]);
  assertEquals(hosted.brief(), ["subscribe a"]);
  await hosted.say({ type: "subscribed", filter: "a" });
  assertEquals(hosted.brief(), ["unsubscribe a"]);
});

Deno.test("subscriptions are restored in their order, each from where it is", async () => {
  await using bench = new Bench();
  const { client } = bench;
  const b = client.subscribe("b", { mode: "every" });
  client.subscribe("a/#", { since: "oldest" });
  client.subscribe("c", { since: "e.90" });
  const gone = client.subscribe("d");
  client.publish("x", 1);
  const first = await bench.accept();
  assertEquals(first.brief(), [
    "subscribe b",
    "subscribe a/# oldest",
    "subscribe c e.90",
    "subscribe d",
    "publish 1",
  ]);
  await first.serve("b");
  await first.say(value("b", 5), value("b", 6));
  gone.close();
  await first.cut();
  await bench.pass(500);
  const second = await bench.accept();
  assertEquals(second.brief(), [
    "subscribe b e.6",
    "subscribe a/# oldest",
    "subscribe c e.90",
    "publish 1",
  ]);
  assertEquals(b.cursor, undefined);
  assertEquals(await takeValues(b, 2), ["b 5", "b 6"]);
});

Deno.test("where a subscription without a value begins is kept", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  const begun = (cursor: string) =>
    ({ type: "subscribed", filter: "a", cursor }) as ServerMessage;
  await hosted.say(begun("e.4"));
  assertEquals(subscription.cursor, "e.4");
  await hosted.cut();
  await bench.pass(500);
  const next = await bench.accept();
  assertEquals(next.brief(), ["subscribe a e.4"]);
  await next.say(begun("e.9"), value("a", 5));
  assertEquals(await takeValues(subscription, 1), ["a 5"]);
});

Deno.test("no version is given twice", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("+", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.serve("+", 1, 2, 2, 1);
  await hosted.cut();
  await bench.pass(500);
  const next = await bench.accept();
  await next.serve("+", 2, 3);
  assertEquals(await takeValues(subscription, 3), ["t 1", "t 2", "t 3"]);
  assertEquals(await outcome(take(subscription)), "pending");
});

Deno.test("a reset to another epoch begins anew", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("+", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.serve("+", 9);
  const reset = { type: "reset", filter: "+", reason: "epoch" } as const;
  await hosted.say(reset);
  await hosted.cut();
  await bench.pass(500);
  const next = await bench.accept();
  assertEquals(next.brief(), ["subscribe +"]);
  await next.say(reset, value("t", 2, "+", "f"), value("t", 3, "+", "f"));
  assertEquals(await takeValues(subscription, 5), [
    "t 9",
    "reset",
    "reset",
    "t 2",
    "t 3",
  ]);
  assertEquals(subscription.cursor, "f.3");
});

Deno.test("patches apply to the value of their own subscription and topic", async () => {
  await using bench = new Bench();
  const wide = bench.client.subscribe("+", { mode: "every", delta: true });
  const narrow = bench.client.subscribe("a", { mode: "every", delta: true });
  const hosted = await bench.accept();
  const patch = (topic: string, filter: string, offset: number, x: unknown) =>
    ({
      type: "patch",
      topic,
      ...(filter !== topic && { filter }),
      cursor: `e.${offset}`,
      patch: x,
    }) as const;
  const object = (topic: string, filter: string, offset: number, x: unknown) =>
    ({ ...patch(topic, filter, offset, x), type: "value", value: x }) as const;
  await hosted.say(
    object("a", "+", 1, { n: 1, o: { p: 1 } }),
    object("b", "+", 2, { n: 2 }),
    object("a", "a", 1, { n: 9 }),
    patch("a", "+", 3, { n: null, o: { q: 2 } }),
    patch("b", "+", 4, { m: 1 }),
    patch("a", "a", 3, { m: 1 }),
  );
  await hosted.cut();
  await bench.pass(500);
  const next = await bench.accept();
  assertEquals(next.commands(), [
    {
      type: "subscribe",
      filter: "+",
      mode: "every",
      since: "e.4",
      delta: true,
    },
    {
      type: "subscribe",
      filter: "a",
      mode: "every",
      since: "e.3",
      delta: true,
    },
  ]);
  await next.say(patch("b", "+", 5, { n: 3 }), patch("a", "a", 6, [1]));
  assertEquals(await takeValues(wide, 5), [
    'a {"n":1,"o":{"p":1}}',
    'b {"n":2}',
    'a {"o":{"p":1,"q":2}}',
    'b {"n":2,"m":1}',
    'b {"n":3,"m":1}',
  ]);
  assertEquals(await takeValues(narrow, 3), [
    'a {"n":9}',
    'a {"n":9,"m":1}',
    "a [1]",
  ]);
});

Deno.test("a patch for a value that is not there is asked for as a value", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("+", {
    mode: "every",
    delta: true,
  });
  const hosted = await bench.accept();
  assertEquals(hosted.brief(), ["subscribe +"]);
  await hosted.serve("+", 1);
  await hosted.say(
    { type: "patch", topic: "b", filter: "+", cursor: "e.2", patch: {} },
    value("t", 3, "+"),
  );
  assertEquals(hosted.brief(), ["unsubscribe +"]);
  await hosted.say(value("t", 4, "+"), { type: "unsubscribed", filter: "+" });
  assertEquals(hosted.commands(), [
    { type: "subscribe", filter: "+", mode: "every", since: "e.1" },
  ]);
  await hosted.say(value("b", 2, "+"), value("t", 4, "+"));
  assertEquals(await takeValues(subscription, 2), ["t 1", "b 2"]);
});

Deno.test("delta is not asked for with a cursor of before", async () => {
  await using bench = new Bench();
  bench.client.subscribe("a", { delta: true, since: "e.3" });
  bench.client.subscribe("b", { delta: true, since: "oldest" });
  const hosted = await bench.accept();
  assertEquals(hosted.commands(), [
    { type: "subscribe", filter: "a", since: "e.3" },
    { type: "subscribe", filter: "b", since: "oldest", delta: true },
  ]);
});

Deno.test("mode latest keeps only the newest value of each topic", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("+");
  const hosted = await bench.accept();
  for (let offset = 1; offset <= 3000; offset += 3) {
    await hosted.conn.send(JSON.stringify(value("a", offset, "+")));
    await hosted.conn.send(JSON.stringify(value("b", offset + 1, "+")));
  }
  await hosted.say(value("c", 3001, "+"), value("b", 3002, "+"));
  assertEquals(subscription.cursor, undefined);
  assertEquals(await takeValues(subscription, 1), ["a 2998"]);
  // What waits is not before it.
  assertEquals(subscription.cursor, "e.1");
  assertEquals(await takeValues(subscription, 1), ["b 3002"]);
  assertEquals(subscription.cursor, "e.2999");
  assertEquals(await takeValues(subscription, 1), ["c 3001"]);
  assertEquals(subscription.cursor, "e.3002");
});

Deno.test("mode latest drops what a reset makes void", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("+");
  const hosted = await bench.accept();
  const reset = { type: "reset", filter: "+" } as const;
  await hosted.say(
    value("a", 1, "+"),
    value("b", 2, "+"),
    { ...reset, topic: "a", reason: "history" },
    value("a", 3, "+"),
  );
  assertEquals(await takeValues(subscription, 3), ["b 2", "reset", "a 3"]);
  await hosted.say(
    value("a", 4, "+"),
    value("b", 5, "+"),
    { ...reset, reason: "epoch" },
    value("a", 1, "+", "f"),
  );
  assertEquals(await takeValues(subscription, 2), ["reset", "a 1"]);
  assertEquals(await outcome(take(subscription)), "pending");
});

Deno.test("a filter is subscribed to once at a time", async () => {
  await using bench = new Bench();
  const { client } = bench;
  const first = client.subscribe("a");
  const error = assertThrows(() => client.subscribe("a"), ConnError);
  assertEquals(error.code, "already_subscribed");
  const hosted = await bench.accept();
  first.close();
  const second = client.subscribe("a", { mode: "every" });
  first.close();
  await bench.settle();
  assertEquals(hosted.brief(), ["subscribe a"]);
  // Not for the second one.
  await hosted.serve("a", 1);
  assertEquals(hosted.brief(), ["unsubscribe a"]);
  await hosted.say(value("a", 2), { type: "unsubscribed", filter: "a" });
  assertEquals(hosted.brief(), ["subscribe a"]);
  await hosted.say({ type: "subscribed", filter: "a" }, value("a", 3));
  assertEquals(await takeValues(second, 1), ["a 3"]);
  assertEquals(await outcome(first[Symbol.asyncIterator]().next()), {
    done: true,
    value: undefined,
  });
});

Deno.test("leaving a loop ends the subscription", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("a");
  const hosted = await bench.accept();
  await hosted.serve("a");
  await hosted.say(value("a", 1));
  for await (const _ of subscription) break;
  await bench.settle();
  assertEquals(hosted.brief(), ["subscribe a", "unsubscribe a"]);
  await hosted.say({ type: "unsubscribed", filter: "a" });
  await hosted.cut();
  await bench.pass(500);
  assertEquals((await bench.accept()).brief(), []);
});

Deno.test("a refused subscription ends with the hub's error, and can be tried again", async () => {
  await using bench = new Bench();
  const { client } = bench;
  const refused = client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.serve("a");
  await hosted.say(
    value("a", 1),
    { type: "error", filter: "a", code: "forbidden", message: "No" },
  );
  assertEquals(await takeValues(refused, 1), ["a 1"]);
  assertEquals(await codeOf(take(refused)), "forbidden");
  assertEquals(await codeOf(take(refused)), "forbidden");
  const again = client.subscribe("a");
  await bench.settle();
  assertEquals(hosted.brief(), ["subscribe a", "subscribe a"]);
  await hosted.say(value("a", 2));
  assertEquals(await takeValues(again, 1), ["a 2"]);
});

Deno.test("publish resolves with what became of it", async () => {
  await using bench = new Bench();
  const { client } = bench;
  const hosted = await bench.accept();
  const made = client.publish("a", { n: 1 });
  const own = client.publish("a", null, { key: "k" });
  const bad = client.publish("b", 1);
  await bench.settle();
  const [first, second] = hosted.commands();
  assertEquals(first, {
    type: "publish",
    ref: 1,
    topic: "a",
    value: { n: 1 },
    key: (first as { key: string }).key,
  });
  assertEquals(second, {
    type: "publish",
    ref: 2,
    topic: "a",
    value: null,
    key: "k",
  });
  await hosted.say(
    { type: "published", ref: 2, cursor: "e.2", duplicate: true },
    { type: "error", ref: 3, code: "rate_limited", message: "Slow down" },
    { type: "published", ref: 1, cursor: "e.1", duplicate: true },
    { type: "published", ref: 1, cursor: "e.1", duplicate: true },
  );
  assertEquals(await made, { cursor: "e.1", duplicate: false });
  assertEquals(await own, { cursor: "e.2", duplicate: true });
  assertEquals(await codeOf(bad), "rate_limited");
});

Deno.test("what was published and not answered is sent again with its key", async () => {
  await using bench = new Bench();
  const { client } = bench;
  const value = { n: 1 };
  const early = client.publish("a", value);
  value.n = 2;
  const first = await bench.accept();
  const late = client.publish("b", value);
  await bench.settle();
  const sent = first.commands();
  assertEquals(sent.map((command) => "value" in command && command.value), [
    { n: 1 },
    { n: 2 },
  ]);
  await first.say({
    type: "published",
    ref: 2,
    cursor: "e.2",
    duplicate: false,
  });
  assertEquals(await late, { cursor: "e.2", duplicate: false });
  await first.cut();
  const meanwhile = client.publish("c", 3);
  await bench.pass(500);
  const second = await bench.accept();
  const [again, third] = second.commands();
  assertEquals(again, sent[0]);
  assertEquals(third?.type === "publish" && third.ref, 3);
  await second.say(
    { type: "published", ref: 1, cursor: "e.1", duplicate: true },
    { type: "published", ref: 3, cursor: "e.3", duplicate: false },
  );
  assertEquals(await early, { cursor: "e.1", duplicate: false });
  assertEquals(await meanwhile, { cursor: "e.3", duplicate: false });
});

Deno.test("publish refuses what JSON cannot say, and what is too much", async () => {
  await using bench = new Bench({ queue: 1000 });
  const { client } = bench;
  const circle: unknown[] = [];
  circle.push(circle);
  for (const bad of [undefined, () => 1, 1n, circle]) {
    assertEquals(await codeOf(client.publish("a", bad)), "value_invalid");
  }
  const long = client.publish("a", "é".repeat(300));
  assertEquals(
    await codeOf(client.publish("a", "x".repeat(200))),
    "send_queue_full",
  );
  const hosted = await bench.accept();
  await hosted.say({
    type: "published",
    ref: 5,
    cursor: "e.1",
    duplicate: false,
  });
  assertEquals((await long).cursor, "e.1");
  assertEquals(await outcome(client.publish("a", "x".repeat(200))), "pending");
});

Deno.test("a message that the hub finds too long is not sent again", async () => {
  await using bench = new Bench();
  const { client } = bench;
  const hosted = await bench.accept();
  const short = client.publish("a", 1);
  const long = client.publish("a", "x".repeat(1000));
  await bench.settle();
  await hosted.hangUp(1009);
  const held = client.publish("a", "x".repeat(2000));
  assertEquals(await codeOf(long), "message_too_large");
  await bench.pass(500);
  assertEquals((await bench.accept()).brief(), ["publish 1", "publish 3"]);
  assertEquals(await outcome(short), "pending");
  assertEquals(await outcome(held), "pending");
});

Deno.test("presence and authorize are answered, and asked again after a cut", async () => {
  await using bench = new Bench();
  const { client } = bench;
  const first = await bench.accept();
  const members = client.presence("room");
  const authorized = client.authorize("new");
  await bench.settle();
  assertEquals(first.commands(), [
    { type: "presence", ref: 1, topic: "room" },
    { type: "authorize", ref: 2, token: "new" },
  ]);
  await first.cut();
  await bench.pass(500);
  const second = await bench.accept();
  assertEquals(second.brief(), ["presence 1", "authorize 2"]);
  assertEquals(
    /^Authorization: (.*)\r$/im.exec(second.head)?.[1],
    "Bearer new",
  );
  await second.say(
    { type: "presence", ref: 1, topic: "room", members: [{ client: "c1" }] },
    { type: "authorized", ref: 2, expiresIn: 1000 },
  );
  assertEquals(await members, [{ client: "c1" }]);
  assertEquals(await authorized, 1000);
});

Deno.test("mode every does not read on while the program is behind", async () => {
  await using bench = new Bench({ queueCount: 4 });
  const subscription = bench.client.subscribe("a", { mode: "every" });
  const other = bench.client.subscribe("b");
  const hosted = await bench.accept();
  for (let offset = 1; offset <= 9; offset++) {
    await hosted.conn.send(JSON.stringify(value("a", offset)));
  }
  await hosted.say(value("b", 10));
  assertEquals(await outcome(other[Symbol.asyncIterator]().next()), "pending");
  // There is room when half of it was taken.
  await take(subscription);
  await bench.settle();
  await hosted.cut();
  await bench.pass(500);
  assertEquals((await bench.accept()).brief(), [
    "subscribe a e.4",
    "subscribe b",
  ]);
});

Deno.test("mode every gives all, in order, to a program that is slow", async () => {
  await using bench = new Bench({ queueBytes: 200 });
  const subscription = bench.client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  const offsets = Array.from({ length: 50 }, (_, i) => i + 1);
  for (const offset of offsets) {
    await hosted.conn.send(JSON.stringify(value("a", offset)));
  }
  await bench.settle();
  const seen: string[] = [];
  for (const _ of offsets) {
    seen.push(...await takeValues(subscription, 1));
    await bench.settle();
  }
  assertEquals(seen, offsets.map((offset) => `a ${offset}`));
});

Deno.test("who waits for an answer is not held up by what waits for it", async () => {
  await using bench = new Bench({ queueCount: 2 });
  const { client } = bench;
  const subscription = client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.serve("a");
  await hosted.say(value("a", 1), value("a", 2), value("a", 3));
  const published = client.publish("b", 1);
  await hosted.say(
    { type: "published", ref: 1, cursor: "e.9", duplicate: false },
  );
  assertEquals(await published, { cursor: "e.9", duplicate: false });
  assertEquals(await takeValues(subscription, 3), ["a 1", "a 2", "a 3"]);
});

Deno.test("a subscription that floods who waits for an answer is parked, and goes on where it was", async () => {
  await using bench = new Bench({ queueCount: 2 });
  const { client } = bench;
  const subscription = client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.serve("a");
  const published = client.publish("b", 1);
  for (let offset = 1; offset <= 9; offset++) {
    await hosted.say(value("a", offset));
  }
  assertEquals(hosted.brief(), ["subscribe a", "publish 1", "unsubscribe a"]);
  await hosted.say(
    { type: "unsubscribed", filter: "a" },
    { type: "published", ref: 1, cursor: "e.9", duplicate: false },
  );
  assertEquals((await published).cursor, "e.9");
  assertEquals(await takeValues(subscription, 4), ["a 1", "a 2", "a 3", "a 4"]);
  await bench.settle();
  assertEquals(hosted.brief(), ["subscribe a e.4"]);
  await hosted.say(value("a", 5));
  assertEquals(await takeValues(subscription, 1), ["a 5"]);
});

Deno.test("a parked subscription waits for the program also over a cut", async () => {
  await using bench = new Bench({ queueCount: 1 });
  const { client } = bench;
  const subscription = client.subscribe("a", { mode: "every" });
  client.publish("b", 1);
  const first = await bench.accept();
  await first.say(value("a", 1), value("a", 2), value("a", 3));
  await first.cut();
  await bench.pass(500);
  const second = await bench.accept();
  assertEquals(second.brief(), ["publish 1"]);
  assertEquals(await takeValues(subscription, 2), ["a 1", "a 2"]);
  await bench.settle();
  assertEquals(second.brief(), ["subscribe a e.2"]);
});

Deno.test("the client comes back when the hub says", async () => {
  await using bench = new Bench();
  const first = await bench.accept();
  await first.say({ type: "bye", retry: 5000 });
  await bench.pass(1000);
  await first.hangUp(1012);
  assertEquals(bench.client.state, "connecting");
  await bench.pass(3999);
  assertEquals(bench.net.requests.length, 1);
  await bench.pass(1);
  assertEquals(bench.net.requests.length, 2);
  const second = await bench.accept();
  await second.cut();
  await bench.pass(0);
  assertEquals(bench.net.requests.length, 3);
});

Deno.test("the client does not stay away for as long as a hub likes", async () => {
  await using bench = new Bench({ maxRetryAfter: 1000 });
  const first = await bench.accept();
  await first.say({ type: "bye", retry: 1e12 });
  await first.hangUp(1012);
  await bench.pass(1000);
  assertEquals(bench.net.requests.length, 2);
});

Deno.test("a token is shown at each attempt, beside other fields", async () => {
  let count = 0;
  await using bench = new Bench({
    fields: { "X-A": "1" },
    token: () => {
      if (++count === 2) throw new Error("No token");
      return Promise.resolve(`t${count}`);
    },
  });
  const first = await bench.accept();
  assertEquals(/^Authorization: (.*)\r$/im.exec(first.head)?.[1], "Bearer t1");
  assertEquals(/^X-A: (.*)\r$/im.exec(first.head)?.[1], "1");
  await first.hangUp(4401);
  await bench.pass(500);
  const second = await bench.accept();
  assertEquals(/^Authorization: (.*)\r$/im.exec(second.head)?.[1], "Bearer t3");
});

Deno.test("a fresh token is shown in time, and again if that fails", async () => {
  let count = 0;
  await using bench = new Bench({ token: () => `t${++count}` });
  const hosted = await bench.accept({ hello: { expiresIn: 10_000 } });
  await bench.pass(7999);
  assertEquals(hosted.commands(), []);
  await bench.pass(1);
  assertEquals(hosted.commands(), [{ type: "authorize", ref: 1, token: "t2" }]);
  await hosted.say({ type: "error", ref: 1, code: "forbidden", message: "No" });
  await bench.pass(1600);
  assertEquals(hosted.commands(), [{ type: "authorize", ref: 2, token: "t3" }]);
  await hosted.say({ type: "authorized", ref: 2, expiresIn: 600_000 });
  await bench.pass(539_999);
  assertEquals(hosted.commands(), []);
  await bench.pass(1);
  assertEquals(hosted.brief(), ["authorize 3"]);
  await hosted.cut();
  await bench.pass(1000);
  const next = await bench.accept();
  assertEquals(next.brief(), ["authorize 3"]);
  await next.say({ type: "authorized", ref: 3 });
  await bench.pass(600_000);
  assertEquals(next.brief(), []);
});

for (const status of ["401 Unauthorized", "403 Forbidden"]) {
  Deno.test(`${status} ends everything with an error`, async () => {
    await using bench = new Bench();
    const { client } = bench;
    const subscription = client.subscribe("a");
    const ended = take(subscription).catch((error) => error.code);
    const published = client.publish("a", 1);
    await bench.refuse(status);
    assertEquals(client.state, "closed");
    assertEquals((await client.closed)?.code, "handshake_refused");
    assertEquals(await ended, "handshake_refused");
    assertEquals(await codeOf(published), "handshake_refused");
    assertEquals(await codeOf(client.presence("a")), "handshake_refused");
    assertEquals(
      assertThrows(() => client.subscribe("b"), ConnError).code,
      "handshake_refused",
    );
    assertEquals(bench.net.clock.pending, 0);
  });
}

for (
  const [code, name] of [[4403, "forbidden"], [1000, "closed"], [
    1008,
    "closed",
  ]] as const
) {
  Deno.test(`close code ${code} ends everything with an error, after what came`, async () => {
    await using bench = new Bench();
    const { client } = bench;
    const subscription = client.subscribe("a", { mode: "every" });
    const hosted = await bench.accept();
    await hosted.say(value("a", 1));
    await hosted.hangUp(code, "Enough");
    const error = await client.closed;
    assertEquals([error?.code, error?.side, error?.reply], [
      name,
      "remote",
      code,
    ]);
    assertEquals(await takeValues(subscription, 1), ["a 1"]);
    assertEquals(await codeOf(take(subscription)), name);
    assertEquals(bench.net.clock.pending, 0);
  });
}

for (const code of [4401, 4408, 1001, 1011, 1012, 1013]) {
  Deno.test(`the client comes back after close code ${code}`, async () => {
    await using bench = new Bench();
    const hosted = await bench.accept();
    await hosted.hangUp(code);
    await bench.pass(500);
    assertEquals(bench.client.state, "connecting");
    assertEquals(bench.client.id, undefined);
    await bench.accept();
    assertEquals(bench.client.state, "open");
  });
}

Deno.test("a server that is no hub ends it", async () => {
  await using bench = new Bench();
  await bench.accept({ subprotocol: "" });
  await bench.pass(10_000);
  assertEquals((await bench.client.closed)?.code, "not_a_hub");
});

for (const bad of ["{", "1", "null", "{}", '{"type":1}', new Uint8Array([1])]) {
  Deno.test(`message ${bad} of a hub ends it`, async () => {
    await using bench = new Bench();
    const hosted = await bench.accept();
    await hosted.sayRaw(bad);
    assertEquals(hosted.closing, 1007);
    await bench.pass(10_000);
    assertEquals((await bench.client.closed)?.code, "message_invalid");
  });
}

Deno.test("messages that mean nothing here are ignored", async () => {
  await using bench = new Bench();
  const hosted = await bench.accept();
  await hosted.sayRaw('{"type":"news","x":1}');
  await hosted.say(
    value("a", 1),
    { type: "published", ref: 7, cursor: "e.1", duplicate: false },
    { type: "subscribed", filter: "a" },
    { type: "unsubscribed", filter: "a" },
    { type: "error", filter: "a", code: "not_subscribed", message: "No" },
    { type: "error", code: "rate_limited", message: "No" },
    { type: "members", topic: "a", joined: [], left: [] },
  );
  assertEquals(bench.client.state, "open");
});

/** Brings a client into a state. */
const STATES: Record<string, (bench: Bench) => Promise<unknown>> = {
  "before the first attempt": () => Promise.resolve(),
  "connecting": (bench) => bench.settle(),
  "open": (bench) => bench.accept(),
  "waiting": async (bench) => (await bench.accept()).cut(),
  "told to stay away": async (bench) => {
    const hosted = await bench.accept();
    await hosted.say({ type: "bye", retry: 5000 });
    await hosted.hangUp(1012);
    await bench.pass(100);
  },
  "behind": async (bench) => {
    const hosted = await bench.accept();
    for (let offset = 1; offset < 9; offset++) {
      await hosted.say(value("a", offset));
    }
  },
  "closed": async (bench) => {
    await bench.refuse("403 Forbidden");
  },
};

for (const [name, bring] of Object.entries(STATES)) {
  Deno.test(`close ends everything when the client is ${name}`, async () => {
    await using bench = new Bench({
      queueCount: 2,
      baseDelay: 1000,
      random: () => 0.5,
    });
    const { client } = bench;
    const subscription = client.subscribe("a", { mode: "every" });
    await bring(bench);
    const failed = name === "closed";
    const published = failed ? undefined : client.publish("a", 1);
    const closed = client.close();
    assertEquals(client.state, "closed");
    const next = subscription[Symbol.asyncIterator]().next();
    if (failed) assertEquals(await codeOf(next), "handshake_refused");
    else assertEquals(await outcome(next), { done: true, value: undefined });
    if (published) assertEquals(await codeOf(published), "closed");
    const code = failed ? "handshake_refused" : "closed";
    assertEquals(await codeOf(client.publish("a", 1)), code);
    assertEquals(
      assertThrows(() => client.subscribe("b"), ConnError).code,
      code,
    );
    await bench.settle();
    await closed;
    assertEquals((await client.closed)?.code, failed ? code : undefined);
    await bench.settle();
    assertEquals(bench.net.clock.pending, 0);
    await client.close();
  });
}

Deno.test("the signal ends it, also while the program is behind", async () => {
  const aborter = new AbortController();
  await using bench = new Bench({ queueCount: 1, signal: aborter.signal });
  const { client } = bench;
  const subscription = client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.say(value("a", 1), value("a", 2));
  aborter.abort();
  await bench.settle();
  assertEquals((await outcome(client.closed) as ConnError).code, "aborted");
  assertEquals(await takeValues(subscription, 1), ["a 1"]);
  assertEquals(await codeOf(take(subscription)), "aborted");
});

Deno.test("connect refuses options that make no sense", () => {
  for (
    const options of [
      { queue: 0 },
      { queueCount: NaN },
      { queueBytes: -1 },
      { queue: "reject" as unknown as number },
      { maxDelay: -1 },
    ] satisfies PushClientOptions[]
  ) assertThrows(() => new Bench(options), RangeError);
});
