import { assertEquals } from "@std/assert";
import { Bench, codeOf, outcome, value } from "./_client_test_util.ts";

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
