// The browser's module where no WebSocket gets through.

import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ScriptedHub,
  type ScriptedRequest,
  state,
  StoppedClock,
  take,
} from "./_scripted_hub_test_util.ts";
import { connect, PushError } from "./push.js";

const value = (topic: string, offset: number, epoch = "e") => ({
  type: "value" as const,
  topic,
  value: offset,
  cursor: `${epoch}.${offset}`,
});

function blockedHub(): ScriptedHub {
  const hub = new ScriptedHub();
  hub.refuseSockets = true;
  return hub;
}

/** The next requests, by their queries. */
async function requests(
  hub: ScriptedHub,
  count: number,
): Promise<Record<string, ScriptedRequest>> {
  const found: Record<string, ScriptedRequest> = {};
  for (let i = 0; i < count; i++) {
    const request = await hub.requests.take();
    found[decodeURIComponent(request.url.search.slice(1))] = request;
  }
  return found;
}

Deno.test("subscriptions of a mode share an event stream, from the oldest cursor on", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url, { token: "t" });
  const a = client.subscribe("a/#");
  const b = client.subscribe("b");
  const first = await requests(hub, 2);
  assertEquals(hub.refused, 2);
  const one = first["topic=a/#&mode=latest&format=envelope"];
  const two = first["topic=b&mode=latest&format=envelope"];
  assert(one && two);
  assertEquals(one.headers.get("authorization"), "Bearer t");
  one.json([value("a/1", 3)], "e.5");
  two.json([], "e.4");
  assertEquals(await take(a, 1), [value("a/1", 3)]);
  const request = await hub.requests.take();
  request.expect("topic=a/#&topic=b&mode=latest&format=envelope&since=e.4");
  assert(request.isStream);
  assertEquals(client.state, "connecting");
  const stream = request.stream().write("retry: 1\r\n\r\n");
  await state(client, "open");
  assertEquals(client.transport, "event-stream");
  // What comes again for the one that is ahead is left out.
  stream.say(value("a/1", 5)).say(value("b", 6));
  stream.write(
    `: a comment\r\nid: e.7\rdata: ${
      JSON.stringify(value("a/2", 7)).slice(0, 9)
    }`,
  );
  stream.write(`${JSON.stringify(value("a/2", 7)).slice(9)}\r`).write("\n\r\n");
  assertEquals(await take(a, 1), [value("a/2", 7)]);
  assertEquals(await take(b, 1), [value("b", 6)]);
  assertEquals([a.cursor, b.cursor], ["e.7", "e.7"]);
  await assertRejects(() => client.publish("x", 1), PushError, "WebSocket");
  stream.end();
  const again = await hub.requests.take();
  again.expect("topic=a/#&topic=b&mode=latest&format=envelope&since=e.7");
  client.close();
});

Deno.test("of a shared stream a subscription gets what its filter matches", async () => {
  const topics: Record<string, string[]> = {
    "a": ["a"],
    "a/b": ["a/b"],
    "a/+": ["a/b"],
    "+/b": ["a/b"],
    "a/#": ["a", "a/b", "a/b/c"],
    "a/+/c/#": ["a/b/c"],
    "a/+/#": ["a/b", "a/b/c"],
    "+": ["a", "ab"],
    "#": ["a", "a/b", "a/b/c", "ab"],
  };
  await using hub = blockedHub();
  const client = connect(hub.url);
  const subscriptions = Object.keys(topics).map((filter) =>
    client.subscribe(filter, { mode: "every" })
  );
  for (const _ of subscriptions) (await hub.requests.take()).json([], "e.0");
  const stream = (await hub.requests.take()).stream();
  ["a", "a/b", "a/b/c", "ab"].forEach((topic, i) =>
    stream.say(value(topic, i + 1))
  );
  stream.say({ type: "gap", filter: "?", cursor: "e.9" });
  for (const subscription of subscriptions) {
    const got: unknown[] = [];
    for await (const update of subscription) {
      if (update.type !== "value") break;
      got.push(update.topic);
    }
    assertEquals(got, topics[subscription.filter], subscription.filter);
  }
  client.close();
});

Deno.test("a new subscription comes in with its own values first", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url);
  const a = client.subscribe("a", { mode: "every", since: "oldest" });
  (await hub.requests.take())
    .expect("topic=a&mode=every&format=envelope&since=oldest")
    .json([value("a", 1), value("a", 2)], "e.2");
  const first = await hub.requests.take();
  first.expect("topic=a&mode=every&format=envelope&since=e.2").stream()
    .say(value("a", 3));
  assertEquals(await take(a, 3), [1, 2, 3].map((each) => value("a", each)));
  const b = client.subscribe("b", { mode: "every", presence: true });
  (await hub.requests.take())
    .expect("topic=b&mode=every&format=envelope&presence=true")
    .json([value("b", 9)], "e.9");
  const request = await hub.requests.take();
  request.expect(
    "topic=a&topic=b&mode=every&format=envelope&since=e.3&presence=true",
  );
  const members = {
    type: "members" as const,
    topic: "b",
    joined: [],
    left: [],
  };
  request.stream()
    .say({ type: "reset", filter: "?", topic: "a", reason: "history" })
    .say(value("a", 8)).say(value("b", 9)).say(members)
    .say({ type: "reset", filter: "?", topic: "b", reason: "history" })
    .say(value("b", 9))
    .say({ type: "gap", filter: "?", topic: "b", cursor: "e.10" });
  assertEquals(await take(a, 2), [
    { type: "reset", topic: "a", reason: "history" },
    value("a", 8),
  ]);
  // It is ahead, and has this value; what is told to be void comes all the same.
  assertEquals(await take(b, 5), [
    value("b", 9),
    members,
    { type: "reset", topic: "b", reason: "history" },
    value("b", 9),
    { type: "gap", topic: "b", cursor: "e.10" },
  ]);
  a.close();
  (await hub.requests.take())
    .expect("topic=b&mode=every&format=envelope&since=e.10&presence=true");
  client.close();
});

Deno.test("a subscription that is made while the stream opens is in the next", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url);
  client.subscribe("a");
  (await hub.requests.take()).json([], "e.1");
  const overtaken = await hub.requests.take();
  assert(overtaken.isStream);
  const b = client.subscribe("b");
  const introduction = await hub.requests.take();
  introduction.expect("topic=b&mode=latest&format=envelope");
  introduction.json([value("b", 1)], "e.1");
  const request = await hub.requests.take();
  request.expect("topic=a&topic=b&mode=latest&format=envelope&since=e.1");
  assertEquals(await take(b, 1), [value("b", 1)]);
  client.close();
});

Deno.test("where event streams do not get through either, it polls", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url);
  const a = client.subscribe("a", { mode: "every" });
  (await hub.requests.take()).json([value("a", 1)], "e.1");
  (await hub.requests.take()).status(502);
  (await hub.requests.take())
    .expect("topic=a&mode=every&format=envelope&since=e.1&wait=0")
    .status(304);
  const poll = await hub.requests.take();
  poll.expect("topic=a&mode=every&format=envelope&since=e.1&wait=25");
  assertEquals([client.state, client.transport], ["open", "poll"]);
  poll.json([value("a", 3), value("a", 4)], "e.6");
  assertEquals(await take(a, 3), [1, 3, 4].map((each) => value("a", each)));
  const last = await hub.requests.take();
  last.expect("topic=a&mode=every&format=envelope&since=e.6&wait=25");
  assertEquals(a.cursor, "e.6");
  client.close();
});

Deno.test("an event stream that is silent is given up", async () => {
  await using hub = blockedHub();
  using clock = new StoppedClock(10_000);
  const client = connect(hub.url);
  const a = client.subscribe("a", { mode: "every" });
  (await hub.requests.take()).json([], "e.0");
  const held = await hub.requests.take();
  assert(held.isStream);
  clock.ring(10_000); // It is kept back on the way: a poll is not.
  const poll = await hub.requests.take();
  poll.expect("topic=a&mode=every&format=envelope&since=e.0&wait=0");
  poll.json([value("a", 1)], "e.1");
  assertEquals(await take(a, 1), [value("a", 1)]);
  assertEquals(client.transport, "poll");
  client.close();

  const other = connect(hub.url);
  const b = other.subscribe("b", { mode: "every" });
  let request = await hub.requests.take();
  if (request.url.search.includes("wait=25")) {
    request = await hub.requests.take(); // The last one of the client before.
  }
  request.json([], "e.1");
  const stream = (await hub.requests.take()).stream().write("retry: 0\n\n");
  stream.say(value("b", 2));
  assertEquals(await take(b, 1), [value("b", 2)]);
  clock.ring(45_000);
  await state(other, "connecting");
  const again = await hub.requests.take();
  again.expect("topic=b&mode=every&format=envelope&since=e.2");
  assert(again.isStream);
  other.close();
});

Deno.test("another epoch makes all subscriptions begin anew", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url);
  const a = client.subscribe("a", { mode: "every" });
  (await hub.requests.take()).json([value("a", 9)], "e.9");
  (await hub.requests.take()).stream().say(value("a", 10));
  assertEquals(await take(a, 2), [value("a", 9), value("a", 10)]);
  const b = client.subscribe("b", { mode: "every" });
  // The hub was begun anew in between.
  (await hub.requests.take()).json([value("b", 1, "f")], "f.1");
  const both = await requests(hub, 2);
  both["topic=b&mode=every&format=envelope&since=f.1"]?.json([], "f.1");
  both["topic=a&mode=every&format=envelope&since=e.10"]?.json([
    { type: "reset", filter: "a", reason: "epoch" },
    value("a", 2, "f"),
  ], "f.2");
  (await hub.requests.take())
    .expect("topic=a&topic=b&mode=every&format=envelope&since=f.1");
  assertEquals(await take(a, 2), [
    { type: "reset", reason: "epoch" },
    value("a", 2, "f"),
  ]);
  assertEquals(await take(b, 1), [value("b", 1, "f")]);
  client.close();
});

Deno.test("a refusal ends the subscription that it is for", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url);
  const a = client.subscribe("a");
  const b = client.subscribe("b");
  const first = await requests(hub, 2);
  first["topic=a&mode=latest&format=envelope"]?.status(403);
  first["topic=b&mode=latest&format=envelope"]?.json([], "e.1");
  const error = await assertRejects(() => take(a, 1), PushError, "403");
  assertEquals(error.code, "forbidden");
  const stream = await hub.requests.take();
  stream.expect("topic=b&mode=latest&format=envelope&since=e.1").stream()
    .say(value("b", 2));
  assertEquals(await take(b, 1), [value("b", 2)]);
  client.close();
});

Deno.test("a client without a valid token is closed for good", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url);
  const pending = client.publish("a", 1);
  const a = client.subscribe("a");
  (await hub.requests.take()).status(401);
  const error = await assertRejects(() => take(a, 1), PushError, "401");
  assertEquals(error.code, "unauthorized");
  await assertRejects(() => pending, PushError, "401");
  assertEquals([client.state, client.error], ["closed", error]);
});

Deno.test("a WebSocket takes over as soon as it gets through", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url, { upgradeAfter: 20 });
  const a = client.subscribe("a", { mode: "every" });
  (await hub.requests.take()).json([value("a", 1)], "e.1");
  const request = await hub.requests.take();
  const stream = request.stream().say(value("a", 2));
  assertEquals(await take(a, 2), [value("a", 1), value("a", 2)]);
  assertEquals(client.transport, "event-stream");
  hub.refuseSockets = false;
  const socket = await hub.sockets.take();
  stream.say(value("a", 3));
  assertEquals(await take(a, 1), [value("a", 3)]);
  assertEquals([client.state, client.transport], ["open", "event-stream"]);
  socket.hello();
  await socket.expect({ type: "subscribe", filter: "a", since: "e.3" });
  assertEquals([client.state, client.transport], ["open", "websocket"]);
  socket.say(value("a", 4));
  assertEquals(await take(a, 1), [value("a", 4)]);
  client.close();
});

Deno.test("without a subscription nothing is asked for, and commands are refused", async () => {
  await using hub = blockedHub();
  const client = connect(hub.url);
  await assertRejects(() => client.publish("a", 1), PushError, "WebSocket");
  assertEquals([client.state, client.transport], ["open", "event-stream"]);
  assertEquals(hub.requests.size, 0);
  client.close();
});
