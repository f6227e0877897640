// The browser's module over a WebSocket, and what does not depend on the transport.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  ScriptedHub,
  type ScriptedSocket,
  state,
  StoppedClock,
  take,
} from "./_scripted_hub_test_util.ts";
import { connect, type PushClient, PushError, type Update } from "./push.js";

const value = (topic: string, offset: number, value: unknown = offset) => ({
  type: "value",
  topic,
  value,
  cursor: `e.${offset}`,
});

/** The hub's end of a subscription that was just made. */
async function subscribed(
  socket: ScriptedSocket,
  filter: string,
): Promise<void> {
  await socket.expect({ type: "subscribe", filter });
  socket.say({ type: "subscribed", filter });
}

/** Waits until the client has received what was sent so far. */
async function settle(
  client: PushClient,
  socket: ScriptedSocket,
): Promise<void> {
  const asked = client.presence("there?");
  for (;;) {
    const command = await socket.commands.take();
    if (command.type !== "presence") continue;
    const { ref, topic } = command;
    socket.say({ type: "presence", ref, topic, members: [] });
    break;
  }
  assertEquals(await asked, []);
}

Deno.test("values come, and a slow iteration gets the newest", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url, { token: "t 1" });
  const all = client.subscribe("a/#");
  const socket = (await hub.sockets.take()).hello();
  assertEquals(socket.url.search, "?token=t+1");
  await subscribed(socket, "a/#");
  socket.say({ ...value("a/b", 1), filter: "a/#" });
  assertEquals(await take(all, 1), [value("a/b", 1)]);
  assertEquals([client.state, client.transport], ["open", "websocket"]);
  for (const offset of [2, 4, 6]) {
    socket.say({ ...value("a/b", offset), filter: "a/#" });
    socket.say({ ...value(`a/${offset}`, offset + 1), filter: "a/#" });
  }
  await settle(client, socket);
  assertEquals(all.cursor, "e.1");
  // A topic keeps its place: one that changes all the time does not wait forever.
  assertEquals(await take(all, 1), [value("a/b", 6)]);
  // Who came back with a later one would miss the value that waits.
  assertEquals(all.cursor, "e.2");
  assertEquals(await take(all, 3), [
    value("a/2", 3),
    value("a/4", 5),
    value("a/6", 7),
  ]);
  assertEquals(all.cursor, "e.7");
  client.close();
  assertEquals(await take(all, 1), [undefined]);
});

Deno.test("a slow iteration in mode every gets a gap past the bound", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url, { queue: 3 });
  const all = client.subscribe("a", { mode: "every" });
  const socket = (await hub.sockets.take()).hello();
  await subscribed(socket, "a");
  for (let offset = 1; offset <= 6; offset++) socket.say(value("a", offset));
  socket.say({ type: "gap", filter: "a", cursor: "e.9", missed: 3 });
  await settle(client, socket);
  assertEquals(await take(all, 1), [{ type: "gap", cursor: "e.4", missed: 4 }]);
  assertEquals(all.cursor, "e.4");
  assertEquals(await take(all, 3), [
    value("a", 5),
    value("a", 6),
    { type: "gap", cursor: "e.9", missed: 3 },
  ]);
  assertEquals(all.cursor, "e.9");
  client.close();
});

Deno.test("a connection that is lost is made again, with the cursors", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const a = client.subscribe("a", { mode: "every" });
  const b = client.subscribe("b/+");
  const c = client.subscribe("c", { mode: "every" });
  const first = (await hub.sockets.take()).hello();
  for (const filter of ["a", "b/+", "c"]) await subscribed(first, filter);
  first.say(value("a", 1), value("a", 2), {
    ...value("b/1", 3),
    filter: "b/+",
  });
  assertEquals(await take(a, 2), [value("a", 1), value("a", 2)]);
  assertEquals(await take(b, 1), [value("b/1", 3)]);
  first.close(1012);

  const second = (await hub.sockets.take()).hello();
  await second.expect({ type: "subscribe", filter: "a", since: "e.2" });
  await second.expect({ type: "subscribe", filter: "b/+", since: "e.3" });
  await second.expect({ type: "subscribe", filter: "c", since: "e.0" });
  second.say(value("a", 2), value("a", 4));
  assertEquals(await take(a, 1), [value("a", 4)]);
  second.say({ type: "reset", filter: "a", reason: "epoch" });
  second.say({ ...value("a", 1), cursor: "f.1" });
  assertEquals(await take(a, 1), [{ type: "reset", reason: "epoch" }]);
  assertEquals(a.cursor, undefined);
  assertEquals(await take(a, 1), [{ ...value("a", 1), cursor: "f.1" }]);
  assertEquals(a.cursor, "f.1");
  client.close();
  assertEquals([client.state, client.error], ["closed", undefined]);
  assertEquals(await take(c, 1), [undefined]);
});

Deno.test("patches give what RFC 7396 lists, and change no value", async () => {
  const cases = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [["a", "b"], ["c", "d"], ["c", "d"]],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
    [{}, JSON.parse('{"__proto__":{"x":1}}'), '{"__proto__":{"x":1}}'],
  ];
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const all = client.subscribe("a", { mode: "every", delta: true });
  const socket = (await hub.sockets.take()).hello();
  await subscribed(socket, "a");
  let offset = 0;
  for (const [before, patch, after] of cases) {
    const cursor = `e.${offset += 2}`;
    socket.say(value("a", offset - 1, before));
    socket.say({ type: "patch", topic: "a", cursor, patch });
    const expected = typeof after === "string" ? JSON.parse(after) : after;
    assertEquals(await take(all, 2), [
      value("a", offset - 1, before),
      value("a", offset, expected),
    ]);
  }
  client.close();
});

Deno.test("patches are for values of the same connection", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const a = client.subscribe("a", { delta: true });
  const first = (await hub.sockets.take()).hello();
  await first.expect({ type: "subscribe", filter: "a", delta: true });
  first.say({ type: "subscribed", filter: "a" });
  first.say(value("a", 1, { x: { y: 1, z: 2 }, w: 3 }));
  const patch = (offset: number, patch: unknown) => ({
    type: "patch",
    topic: "a",
    cursor: `e.${offset}`,
    patch,
  });
  first.say(patch(2, { x: { y: null } }), patch(3, { w: 4 }));
  await settle(client, first);
  assertEquals(await take(a, 1), [value("a", 3, { x: { z: 2 }, w: 4 })]);
  first.close(1012);
  const second = (await hub.sockets.take()).hello();
  await second.expect({ type: "subscribe", since: "e.3", delta: true });
  second.say(value("a", 4, { v: 5 }), patch(6, { u: 7 }));
  await settle(client, second);
  assertEquals(await take(a, 1), [value("a", 6, { v: 5, u: 7 })]);
  client.close();
});

Deno.test("a callback gets one update at a time", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const seen: unknown[] = [];
  const { promise: gate, resolve: go } = Promise.withResolvers<void>();
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  client.subscribe("a", {}, async (update) => {
    seen.push(update);
    await gate;
    if (seen.length === 2) finish();
  });
  const socket = (await hub.sockets.take()).hello();
  await subscribed(socket, "a");
  socket.say(value("a", 1));
  await settle(client, socket);
  socket.say(value("a", 2), value("a", 3));
  await settle(client, socket);
  assertEquals(seen, [value("a", 1)]);
  go();
  await done;
  assertEquals(seen, [value("a", 1), value("a", 3)]);
  client.close();
});

Deno.test("leaving an iteration ends the subscription", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const a = client.subscribe("a", { presence: true });
  assertThrows(() => client.subscribe("a"), PushError, "already");
  const socket = (await hub.sockets.take()).hello();
  await subscribed(socket, "a");
  const members: Update = { type: "members", topic: "a", joined: [], left: [] };
  socket.say(members, value("a", 1));
  for await (const update of a) {
    assertEquals(update, members);
    break;
  }
  await socket.expect({ type: "unsubscribe", filter: "a" });
  const again = client.subscribe("a", { mode: "every" });
  await socket.expect({ type: "subscribe", filter: "a", mode: "every" });
  // What is still under way is for the subscription that is no more.
  socket.say(value("a", 2), { type: "unsubscribed", filter: "a" });
  socket.say({ type: "subscribed", filter: "a" }, value("a", 3));
  for await (const update of again.values()) {
    assertEquals(update, 3);
    break;
  }
  await socket.expect({ type: "unsubscribe", filter: "a" });
  client.close();
});

Deno.test("a subscription that is refused ends with the error, others go on", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const a = client.subscribe("a");
  const b = client.subscribe("b");
  const socket = (await hub.sockets.take()).hello();
  socket.say({
    type: "error",
    filter: "a",
    code: "forbidden",
    message: "Not for you",
  }, value("b", 1));
  const error = await assertRejects(() => take(a, 1), PushError, "Not for you");
  assertEquals(error.code, "forbidden");
  assertEquals(await take(b, 1), [value("b", 1)]);
  client.close();
});

Deno.test("what is in flight when the connection is lost is sent again", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const early = client.publish("a", { x: 1 });
  const first = (await hub.sockets.take()).hello();
  const sent = await first.expect({ topic: "a", value: { x: 1 } });
  first.close(1012);
  const second = (await hub.sockets.take()).hello();
  assertEquals(await second.commands.take(), sent);
  assert("key" in sent && "ref" in sent && sent.key!.length > 16);
  const { ref } = sent;
  second.say({ type: "published", ref, cursor: "e.7", duplicate: true });
  assertEquals(await early, { cursor: "e.7", duplicate: true });

  const refused = client.publish("b", 2, { key: "k" });
  const next = await second.expect({ topic: "b", key: "k" });
  assert("ref" in next);
  const message = "Too many values";
  second.say({ type: "error", ref: next.ref, code: "rate_limited", message });
  const error = await assertRejects(() => refused, PushError, message);
  assertEquals(error.code, "rate_limited");

  const large = client.publish("c", 3);
  await second.expect({ topic: "c" });
  second.close(1009);
  await assertRejects(() => large, PushError, "1009");
  const pending = client.publish("d", 4);
  client.close();
  await assertRejects(() => pending, PushError, "closed");
  await assertRejects(() => client.publish("e", 5), PushError, "closed");
});

Deno.test("a value that JSON cannot say is refused here", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const publish = () => client.publish("a", undefined);
  await assertRejects(publish, PushError, "no JSON");
  client.close();
});

Deno.test("a hub that says nothing is tried again", async () => {
  await using hub = new ScriptedHub();
  using clock = new StoppedClock(10_000);
  const client = connect(hub.url);
  const first = await hub.sockets.take();
  clock.ring(10_000);
  await first.closed;
  (await hub.sockets.take()).hello();
  await state(client, "open");
  client.close();
});

Deno.test("a hub that forbids closes the client for good", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const states: string[] = [];
  client.addEventListener("state", () => states.push(client.state));
  const a = client.subscribe("a");
  (await hub.sockets.take()).hello().close(4403);
  const error = await assertRejects(() => take(a, 1), PushError, "4403");
  assertEquals(client.error, error);
  assertEquals(states, ["open", "closed"]);
  assertThrows(() => client.subscribe("b"), PushError, "closed");
});

Deno.test("a goodbye says when to come back", async () => {
  await using hub = new ScriptedHub();
  const client = connect(hub.url);
  const first = (await hub.sockets.take()).hello();
  first.say({ type: "bye", retry: 0 });
  first.close(1012);
  const second = (await hub.sockets.take()).hello();
  second.say({ type: "bye", retry: 3_600_000 });
  second.close(1012);
  await state(client, "connecting");
  // Only for who comes back to another network the hub makes an exception.
  globalThis.dispatchEvent(new Event("online"));
  await hub.sockets.take();
  client.close();
});

Deno.test("a token is fresh for each connection, and before it expires", async () => {
  await using hub = new ScriptedHub();
  let count = 0;
  const client = connect(hub.url, { token: () => `t${++count}` });
  const first = await hub.sockets.take();
  assertEquals(first.url.search, "?token=t1");
  first.say({ type: "hello", client: "c", epoch: "e", expiresIn: 10 });
  const { ref } = await first.expect({ type: "authorize", token: "t2" }) as {
    ref: number;
  };
  first.say({ type: "authorized", ref, expiresIn: 3_600_000 });
  first.close(4401);
  assertEquals((await hub.sockets.take()).url.search, "?token=t3");
  client.close();
});

Deno.test("cursors of mode every are kept for the next page", async () => {
  await using hub = new ScriptedHub();
  sessionStorage.clear();
  const one = connect(hub.url, { resume: "page" });
  const a = one.subscribe("a", { mode: "every" });
  one.subscribe("b");
  one.subscribe("c", { mode: "every" }).close();
  const first = (await hub.sockets.take()).hello();
  await subscribed(first, "a");
  first.say(value("b", 1), value("a", 2), value("a", 3));
  assertEquals(await take(a, 1), [value("a", 2)]);
  await settle(one, first);
  // The second value was received, and nobody has seen it.
  globalThis.dispatchEvent(new Event("pagehide"));
  assertEquals(sessionStorage.getItem("push page"), '{"a":"e.2"}');
  one.close();

  const two = connect(hub.url, { resume: "page" });
  two.subscribe("a", { mode: "every" });
  two.subscribe("b");
  const second = (await hub.sockets.take()).hello();
  await second.expect({ filter: "a", since: "e.2" });
  assertEquals("since" in await second.expect({ filter: "b" }), false);
  two.close();
  sessionStorage.clear();
});
