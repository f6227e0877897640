import { assert, assertEquals } from "@std/assert";
import type { HubOptions, WhenBehind } from "../options.ts";
import type { Mode } from "../wire/protocol.ts";
import type { Got } from "./_fake_outlet_test_util.ts";
import { type ClientModel, World } from "./_world_test_util.ts";

const ask = (filter: string, mode: Mode = "every", delta = false) => ({
  filters: filter.split(" "),
  mode,
  delta,
});

/** What a client got by a subscription, in short: `t@3`, `t@4-3` for a patch. */
function got(client: ClientModel, filter: string): string[] {
  return client.subscriptions.get(filter)!.got.splice(0).map(short);
}

function short({ kind, topic, offset, base, missed }: Got): string {
  switch (kind) {
    case "value":
      return `${topic}@${offset}`;
    case "patch":
      return `${topic}@${offset}-${base}`;
    case "gap":
      return `gap ${missed}`;
    case "reset":
      return `reset ${topic ?? "all"}`;
  }
}

Deno.test("what is published in a turn goes out at its end, in one payload", async () => {
  const world = await World.open();
  const client = world.client();
  client.subscribe(ask("#"), "newest");
  const room = client.outlet.room = 10;
  for (const topic of ["a", "b", "a"]) world.hub.publish(topic);
  assertEquals(got(client, "#"), []);
  await world.turn();
  assertEquals(got(client, "#"), ["a@1", "b@2", "a@3"]);
  assertEquals(client.outlet.room, room - 1);
  await world.finish();
});

Deno.test("who subscribes amid a turn gets all of it once", async () => {
  const world = await World.open();
  const [first, every, latest] = [
    world.client(),
    world.client(),
    world.client(),
  ];
  first.subscribe(ask("#"), "newest");
  world.hub.publish("a");
  world.hub.publish("a");
  every.subscribe(ask("#"), "newest");
  latest.subscribe(ask("#", "latest"), "newest");
  world.hub.publish("a");
  await world.turn();
  assertEquals(got(first, "#"), ["a@1", "a@2", "a@3"]);
  assertEquals(got(every, "#"), ["a@2", "a@3"]);
  assertEquals(got(latest, "#"), ["a@2", "a@3"]);
  await world.finish();
});

Deno.test("who is busy goes on where it was, and is live again", async () => {
  const world = await World.open();
  const [every, latest] = [world.client(1), world.client(1)];
  every.subscribe(ask("#"), "newest");
  latest.subscribe(ask("#", "latest"), "newest");
  for (const topic of ["a", "b", "a", "a", "b"]) {
    world.hub.publish(topic);
    await world.turn();
  }
  every.drain();
  latest.drain();
  assertEquals(got(every, "#"), ["a@1", "b@2", "a@3", "a@4", "b@5"]);
  assertEquals(got(latest, "#"), ["a@1", "a@4", "b@5"]);
  world.hub.publish("a");
  await world.turn();
  assertEquals(got(every, "#"), ["a@6"]);
  assertEquals(got(latest, "#"), ["a@6"]);
  await world.finish();
});

Deno.test("who is too far behind is served as whenBehind says", async () => {
  const expected: [WhenBehind, string[]][] = [
    ["drop", ["t@1", "gap 3", "t@5", "t@6"]],
    ["latest", ["t@1", "gap 4", "t@6"]],
    ["close", ["t@1"]],
  ];
  for (const [whenBehind, items] of expected) {
    const options: HubOptions = { whenBehind, limits: { queueCount: 2 } };
    const world = await World.open(options);
    const client = world.client(1);
    client.subscribe(ask("t"), "newest");
    for (let n = 1; n <= 6; n++) {
      world.hub.publish("t");
      await world.turn();
    }
    const { closed } = client.outlet;
    assertEquals(closed?.[0], whenBehind === "close" ? 4408 : undefined);
    client.drain();
    assertEquals(got(client, "t"), items, whenBehind);
    await world.finish();
  }
});

Deno.test("bytes count as versions do", async () => {
  const world = await World.open({ limits: { queueBytes: 150 } });
  const client = world.client(1);
  client.subscribe(ask("t"), "newest");
  for (let n = 1; n <= 6; n++) {
    world.hub.publish("t");
    await world.turn();
  }
  client.drain();
  const items = got(client, "t");
  assertEquals(items.at(-1), "t@6");
  assert(items.some((item) => item.startsWith("gap")), String(items));
  await world.finish();
});

Deno.test("dropped versions of quiet topics are not lost if they are newest", async () => {
  const world = await World.open({ limits: { queueCount: 2 } });
  const client = world.client(1);
  client.subscribe(ask("#"), "newest");
  for (const topic of ["t", "quiet", "t", "t", "t"]) {
    world.hub.publish(topic);
    await world.turn();
  }
  client.drain();
  assertEquals(got(client, "#"), ["t@1", "gap 1", "quiet@2", "t@4", "t@5"]);
  await world.finish();
});

Deno.test("behind a gap comes a value, and then patches again", async () => {
  const world = await World.open({
    topics: { "#": { delta: true } },
    limits: { queueCount: 1 },
  });
  const client = world.client();
  client.subscribe(ask("t", "every", true), "newest");
  world.hub.publish("t");
  await world.turn();
  world.hub.publish("t");
  await world.turn();
  assertEquals(got(client, "t"), ["t@1", "t@2-1"]);
  client.outlet.room = 1;
  for (let n = 3; n <= 6; n++) {
    world.hub.publish("t");
    await world.turn();
  }
  client.drain();
  assertEquals(got(client, "t"), ["t@3-2", "gap 2", "t@6"]);
  world.hub.publish("t");
  await world.turn();
  assertEquals(got(client, "t"), ["t@7-6"]);
  await world.finish();
});

Deno.test("patches in mode latest lead from what the client holds", async () => {
  const world = await World.open({ topics: { "#": { delta: true } } });
  const client = world.client();
  client.subscribe(ask("#", "latest", true), "newest");
  world.hub.publish("a");
  world.hub.publish("b");
  await world.turn();
  world.hub.publish("a");
  world.hub.publish("a");
  await world.turn();
  assertEquals(got(client, "#"), ["a@1", "b@2", "a@4-1"]);
  await world.finish();
});

Deno.test("who comes back gets what it missed, or a reset and the newest", async () => {
  const world = await World.open({
    topics: { kept: { history: true }, "#": { history: { count: 2 } } },
  });
  const client = world.client();
  client.subscribe(ask("#"), "newest");
  for (const topic of ["kept", "short"]) world.hub.publish(topic);
  await world.turn();
  got(client, "#");
  client.disconnect();
  for (const topic of ["kept", "short", "short", "kept", "short"]) {
    world.hub.publish(topic);
  }
  await world.turn();
  client.connect();
  assertEquals(got(client, "#"), [
    "kept@3",
    "kept@6",
    "reset short",
    "short@7",
  ]);
  client.disconnect();
  world.renew();
  world.hub.reload();
  world.hub.publish("kept");
  await world.turn();
  client.connect();
  assertEquals(got(client, "#"), ["reset all", "kept@1"]);
  await world.finish();
});

Deno.test("oldest gives all that is retained", async () => {
  const world = await World.open({ topics: { a: { history: { count: 2 } } } });
  for (const topic of ["a", "b", "a", "b", "a"]) world.hub.publish(topic);
  const [every, latest] = [world.client(), world.client()];
  every.subscribe(ask("#"), "oldest");
  latest.subscribe(ask("#", "latest"), "oldest");
  assertEquals(got(every, "#"), ["a@3", "b@4", "a@5"]);
  assertEquals(got(latest, "#"), ["b@4", "a@5"]);
  await world.finish();
});

Deno.test("history is bounded by count, bytes and age, and the engine is told", async () => {
  const world = await World.open({
    topics: {
      count: { history: { count: 2 } },
      bytes: { history: { bytes: 130 } },
    },
  });
  for (let n = 0; n < 4; n++) {
    world.hub.publish("count");
    world.hub.publish("bytes");
    world.hub.publish("none");
  }
  const { store } = world.hub.core;
  assertEquals(store.get("count")!.after(0).map(({ offset }) => offset), [
    7,
    10,
  ]);
  assertEquals(store.get("bytes")!.after(0).length, 2);
  assertEquals(store.get("none")!.length, 1);
  const { trimmed } = world.hub.engine;
  assertEquals(trimmed.filter(([topic]) => topic === "count"), [
    ["count", 1],
    ["count", 4],
  ]);
  for (const [topic, offset] of trimmed) {
    assert(offset < store.get(topic)!.newest.offset);
  }
  await world.finish();
});

Deno.test("subscriptions of a client take turns when there is little room", async () => {
  const world = await World.open({ topics: { "#": { history: true } } });
  const client = world.client();
  for (const filter of ["a", "b", "c"]) {
    client.subscribe(ask(filter), "newest");
  }
  // A payload at a time; each subscription has several to send.
  client.outlet.room = 1;
  for (let n = 0; n < 400; n++) {
    for (const topic of ["a", "b", "c"]) world.hub.publish(topic);
  }
  await world.turn();
  const served = new Set<string>();
  for (let i = 0; i < 6; i++) {
    client.drain(1);
    for (const [name, { got }] of client.subscriptions) {
      if (got.splice(0).length > 0) served.add(name);
    }
  }
  assertEquals([...served].sort(), ["a", "b", "c"]);
  await world.finish();
});

Deno.test("a set of filters is one feed, and few are kept that nobody needs", async () => {
  const world = await World.open();
  const { store } = world.hub.core;
  const client = world.client();
  client.subscribe(ask("a"), "newest");
  client.subscribe(ask("a b/#"), "newest");
  const feed = store.feed(["a"]);
  assertEquals(store.feed(["a", "a"]), feed);
  assertEquals(store.subscribers("a"), 2);
  assertEquals(store.subscribers("b/x"), 1);
  world.hub.publish("a");
  await world.turn();
  assertEquals(store.get("a")!.places.length, 2);
  for (let n = 0; n < 500; n++) {
    const other = world.client();
    other.subscribe(ask(`a ${n}`), "newest");
    other.disconnect();
  }
  assertEquals(store.subscriptions, 2);
  assert(store.get("a")!.places.length < 100);
  client.disconnect();
  assertEquals(store.subscriptions, 0);
  assertEquals(store.subscribers("a"), 0);
  await world.finish();
});

Deno.test("who leaves while values are sent on leaves the others theirs", async () => {
  const world = await World.open();
  const clients = Array.from({ length: 4 }, () => world.client());
  for (const client of clients) client.subscribe(ask("t"), "newest");
  const { outlet } = clients[1]!;
  const send = outlet.send.bind(outlet);
  outlet.send = (payload) => {
    clients[0]!.disconnect();
    clients[1]!.disconnect();
    clients[2]!.disconnect();
    return send(payload);
  };
  world.hub.publish("t");
  await world.turn();
  assertEquals(got(clients[3]!, "t"), ["t@1"]);
  assertEquals(world.hub.core.store.subscribers("t"), 1);
  clients[3]!.outlet.send = () => {
    clients[3]!.disconnect();
    return false;
  };
  world.hub.publish("t");
  await world.turn();
  assertEquals(world.hub.core.store.subscriptions, 0);
  await world.finish();
});

Deno.test("what is published while values are sent on follows them", async () => {
  const world = await World.open({ topics: { "#": { delta: true } } });
  const [every, latest] = [world.client(), world.client()];
  every.subscribe(ask("t", "every", true), "newest");
  latest.subscribe(ask("t", "latest", true), "newest");
  world.hub.publish("t");
  await world.turn();
  // What the model holds against it: one is newer already.
  world.isHarmed = true;
  const { outlet } = every;
  const send = outlet.send.bind(outlet);
  outlet.send = (payload) => {
    outlet.send = send;
    world.hub.publish("t");
    return send(payload);
  };
  world.hub.publish("t");
  await world.turn();
  await world.turn();
  assertEquals(got(every, "t"), ["t@1", "t@2-1", "t@3-2"]);
  assertEquals(got(latest, "t"), ["t@1", "t@2-1", "t@3-2"]);
  world.hub.publish("t");
  await world.turn();
  assertEquals(got(latest, "t"), ["t@4-3"]);
  await world.finish();
});

Deno.test("a topic that was removed and comes back begins anew", async () => {
  const world = await World.open({
    topics: { "#": { delta: true, history: true } },
  });
  const client = world.client();
  client.subscribe(ask("#", "every", true), "newest");
  world.hub.publish("t");
  world.remove("t");
  world.hub.publish("t");
  await world.turn();
  assertEquals(got(client, "#"), ["t@1", "t@2"]);
  client.disconnect();
  world.remove("t");
  client.connect();
  assertEquals(got(client, "#"), []);
  await world.finish();
});

Deno.test("frames are made once for all that need them", async () => {
  const world = await World.open();
  let batches = 0;
  const { whole } = world.hub.encodings;
  const batch = whole.batch.bind(whole);
  whole.batch = (items, wire) => {
    batches++;
    return batch(items, wire);
  };
  for (let i = 0; i < 50; i++) world.client().subscribe(ask("#"), "newest");
  world.hub.publish("t");
  world.hub.publish("t");
  await world.turn();
  assertEquals(batches, 1);
  await world.finish();
});

Deno.test("a gap of one topic comes behind the value of another", async () => {
  const world = await World.open({ limits: { queueCount: 2 } });
  const client = world.client(1);
  client.subscribe(ask("#"), "newest");
  world.hub.publish("a");
  await world.turn();
  for (const topic of ["a", "b", "b"]) world.publishUnseen(topic);
  world.store.forget();
  world.hub.reload();
  await world.turn();
  client.drain();
  assertEquals(got(client, "#"), ["a@1", "a@2", "gap undefined", "b@4"]);
  await world.finish();
});

Deno.test("what another hub has told already is neither told again nor missed", async () => {
  for (const whenBehind of ["drop", "latest", "close"] as const) {
    const options: HubOptions = { whenBehind, limits: { queueCount: 1 } };
    const world = await World.open(options, { hubs: 2 });
    const client = world.client();
    client.subscribe(ask("#"), "newest");
    for (const topic of ["a", "b", "a"]) world.hub.publish(topic);
    await world.turn();
    assertEquals(got(client, "#"), ["a@1", "b@2", "a@3"]);
    client.disconnect();
    client.connect(0, 1);
    world.hubs[1]!.engine.tell();
    await world.turn();
    client.drain();
    world.hub.publish("b");
    world.hubs[1]!.engine.tell();
    await world.turn();
    assertEquals(got(client, "#"), ["b@4"], whenBehind);
    await world.finish();
  }
});

Deno.test("who comes back gets nothing that is too old, unless it is newest", async () => {
  // The engine's versions are as old as can be.
  const world = await World.open({
    topics: { "#": { history: { age: 1000 } } },
  });
  const client = world.client();
  client.subscribe(ask("#"), "newest");
  world.hub.publish("a");
  await world.turn();
  client.disconnect();
  for (const topic of ["a", "b", "a"]) world.hub.publish(topic);
  assertEquals(world.hub.core.store.get("a")!.length, 3);
  client.connect();
  assertEquals(got(client, "#"), ["a@1", "b@3", "reset a", "a@4"]);
  await world.finish();
});
