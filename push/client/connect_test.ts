import { assertEquals, assertThrows } from "@std/assert";
import { Bench, take, value } from "./_client_test_util.ts";
import type { PushClientOptions } from "./connect.ts";

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
