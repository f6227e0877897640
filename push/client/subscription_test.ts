import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { ServerMessage } from "../wire/protocol.ts";
import {
  Bench,
  codeOf,
  outcome,
  take,
  takeValues,
  value,
} from "./_client_test_util.ts";

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

Deno.test("a reset may say where to go on", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("t", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.serve("t", 9);
  const reset = { type: "reset", filter: "t", reason: "epoch" } as const;
  await hosted.say({ ...reset, cursor: "f.0" });
  await hosted.cut();
  await bench.pass(500);
  const next = await bench.accept();
  assertEquals(next.brief(), ["subscribe t f.0"]);
  await next.say(value("t", 1, "t", "f"));
  assertEquals(await takeValues(subscription, 3), ["t 9", "reset", "t 1"]);
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

Deno.test("leaving a loop ends the subscription, which says how far it got", async () => {
  await using bench = new Bench();
  const subscription = bench.client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.serve("a");
  await hosted.say(value("a", 1));
  await hosted.say(value("a", 2));
  for await (const _ of subscription) break;
  // Not that of what was dropped.
  assertEquals(subscription.cursor, "e.1");
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
