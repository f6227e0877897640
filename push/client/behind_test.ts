import { assertEquals } from "@std/assert";
import {
  Bench,
  outcome,
  take,
  takeValues,
  value,
} from "./_client_test_util.ts";

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
