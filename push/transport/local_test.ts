import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import type { Subscription } from "../client/subscription.ts";
import { FakeEngine } from "../engine/fake_engine_test_util.ts";
import { type Hub, openHub } from "../hub.ts";
import { Site } from "./site_test_util.ts";

/** Takes so many updates, in brief; the iteration goes on. */
async function take(
  subscription: Subscription,
  count: number,
): Promise<unknown[]> {
  const updates = subscription[Symbol.asyncIterator]();
  const taken: unknown[] = [];
  while (taken.length < count) {
    const { done, value: update } = await updates.next();
    if (done) return [...taken, "end"];
    if (update.type === "value") taken.push(update.value);
    else taken.push(update);
  }
  return taken;
}

/** Publishes numbers, from one to another, each in a turn of its own. */
async function publish(hub: Hub, topic: string, from: number, to: number) {
  for (let n = from; n <= to; n++) await hub.publish(topic, n);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

Deno.test("a program gets the newest value of its own hub, and then each one that follows", async () => {
  await using hub = await openHub();
  await hub.publish("a/x", { n: 1 });
  await hub.publish("b", 2);
  const all = hub.subscribe("a/#", { mode: "every" });
  assertEquals(all.filter, "a/#");
  await hub.publish("a/y", "text");
  const updates = all[Symbol.asyncIterator]();
  const { epoch } = hub;
  assertEquals((await updates.next()).value, {
    type: "value",
    topic: "a/x",
    value: { n: 1 },
    cursor: `${epoch}.1`,
  });
  assertEquals(all.cursor, `${epoch}.1`);
  assertEquals((await updates.next()).value, {
    type: "value",
    topic: "a/y",
    value: "text",
    cursor: `${epoch}.3`,
  });
  assertEquals(all.cursor, `${epoch}.3`);
});

Deno.test("a program that is slow gets the newest of each topic, in mode latest", async () => {
  await using hub = await openHub();
  const all = hub.subscribe("#");
  for (let n = 1; n <= 200; n++) {
    await hub.publish("often", n);
    if (n === 100) await hub.publish("seldom", "once");
  }
  assertEquals(await take(all, 2), [200, "once"]);
  await hub.publish("often", 201);
  assertEquals(await take(all, 1), [201]);
});

Deno.test("a program that is slow gets all in mode every, as far as the hub keeps it", async () => {
  await using hub = await openHub({ limits: { queueCount: 1000 } });
  const all = hub.subscribe("t", { mode: "every" });
  await publish(hub, "t", 1, 900);
  assertEquals(await take(all, 900), range(1, 900));
  await publish(hub, "t", 901, 903);
  assertEquals(await take(all, 3), [901, 902, 903]);
});

Deno.test("what the hub does not keep for a slow program is a gap", async () => {
  for (const whenBehind of ["drop", "latest"] as const) {
    await using hub = await openHub({ whenBehind, limits: { queueCount: 10 } });
    const all = hub.subscribe<number>("t", { mode: "every" });
    await publish(hub, "t", 1, 200);
    const got: number[] = [];
    let missed = 0;
    for await (const update of all) {
      assert(update.type !== "reset");
      if (update.type === "gap") missed += update.missed!;
      else if (update.type === "value") {
        got.push(update.value);
        assertEquals(update.value, got.length + missed);
        if (update.value === 200) break;
      }
    }
    assert(missed > 100, whenBehind);
  }
});

Deno.test("a program that the hub has no patience with can go on at its cursor", async () => {
  await using hub = await openHub({
    whenBehind: "close",
    topics: { t: { history: { count: 1000 } } },
    limits: { queueCount: 10 },
  });
  const first = hub.subscribe<number>("t", { mode: "every" });
  await publish(hub, "t", 1, 200);
  assertEquals(hub.subscribers("t"), 0);
  const got: number[] = [];
  const error = await assertRejects(async () => {
    for await (const value of first.values()) got.push(value);
  }, ConnError);
  assertEquals([error.code, error.reply], ["too_far_behind", 4408]);
  assert(got.length > 0 && got.length < 200);
  const since = first.cursor!;
  const second = hub.subscribe<number>("t", { mode: "every", since });
  for await (const value of second.values()) {
    if (got.push(value) === 200) break;
  }
  assertEquals(got, range(1, 200));
});

Deno.test("a program may begin with all that is retained", async () => {
  await using hub = await openHub({ topics: { t: { history: true } } });
  await publish(hub, "t", 1, 80);
  const all = hub.subscribe("t", { mode: "every", since: "oldest" });
  assertEquals(await take(all, 80), range(1, 80));
  const since = `${hub.epoch}.78`;
  const rest = hub.subscribe("t", { mode: "every", since });
  assertEquals(rest.cursor, since);
  assertEquals(await take(rest, 2), [79, 80]);
});

Deno.test("a subscription to what has no value yet has a cursor, too", async () => {
  await using hub = await openHub({ topics: { t: { history: true } } });
  await hub.publish("other", 0);
  const first = hub.subscribe("t", { mode: "every" });
  const since = first.cursor!;
  assertEquals(since, `${hub.epoch}.1`);
  first.close();
  await publish(hub, "t", 1, 3);
  const second = hub.subscribe("t", { mode: "every", since });
  assertEquals(await take(second, 3), [1, 2, 3]);
});

Deno.test("each subscription has values of its own", async () => {
  await using hub = await openHub({ topics: { t: { history: true } } });
  const [one, other] = [hub.subscribe("t"), hub.subscribe("t")];
  await hub.publish("t", { list: [1] });
  const [value] = await take(one, 1) as [{ list: number[] }];
  value.list.push(2);
  assertEquals(await take(other, 1), [{ list: [1] }]);
  assertEquals(hub.newest("t")!.value, { list: [1] });
});

Deno.test("leaving the loop ends the subscription, and no other", async () => {
  await using hub = await openHub();
  const [one, other] = [hub.subscribe("t"), hub.subscribe("t")];
  assertEquals(hub.subscribers("t"), 2);
  await hub.publish("t", 1);
  for await (const value of one.values()) {
    assertEquals(value, 1);
    break;
  }
  assertEquals(hub.subscribers("t"), 1);
  await hub.publish("t", 2);
  assertEquals(await take(one, 1), ["end"]);
  assertEquals(await take(other, 1), [2]);
  await hub.publish("t", 3);
  const waiting = take(hub.subscribe("none"), 1);
  {
    using _ = other;
  }
  assertEquals(await take(other, 1), ["end"]);
  // What was dropped comes to who goes on.
  assertEquals(other.cursor, `${hub.epoch}.2`);
  assertEquals(hub.subscribers("t"), 0);
  await hub.shutdown();
  assertEquals(await waiting, ["end"]);
});

Deno.test("a program gets what was published before the end, and then the end", async () => {
  const hub = await openHub();
  const every = hub.subscribe("t", { mode: "every" });
  const latest = hub.subscribe("t");
  await publish(hub, "t", 1, 299);
  hub.publish("t", 300);
  await hub.shutdown();
  assertEquals(await take(every, 301), [...range(1, 300), "end"]);
  assertEquals(await take(latest, 2), [300, "end"]);
  assertEquals(await take(latest, 1), ["end"]);
  const error = assertThrows(() => hub.subscribe("t"), ConnError, '"t"');
  assertEquals(error.code, "closed");
});

Deno.test("what cannot be subscribed to is refused", async () => {
  await using hub = await openHub({ limits: { matches: 2 } });
  const filter = assertThrows(() => hub.subscribe("a/#/b"), ConnError);
  assertEquals(filter.code, "filter_invalid");
  const cursor = assertThrows(
    () => hub.subscribe("a", { since: "x" }),
    ConnError,
  );
  assertEquals(cursor.code, "cursor_invalid");
  await publish(hub, "a", 1, 1);
  await publish(hub, "b", 1, 1);
  await publish(hub, "c", 1, 1);
  const matches = assertThrows(() => hub.subscribe("#"), ConnError);
  assertEquals(matches.code, "too_many_matches");
  assertEquals(hub.stats.subscriptions, 0);
  await hub.shutdown();
});

Deno.test("a program is no client: it takes no place, and no hook sees it", async () => {
  const seen: string[] = [];
  const hook = (name: string) => () => void seen.push(name);
  await using site = await Site.open({
    limits: { clients: 1, subscriptions: 1 },
    topics: { room: { presence: true } },
    onJoin: hook("join"),
    onLeave: hook("leave"),
    onSubscribe: () => {
      seen.push("subscribe");
      return true;
    },
  });
  const { hub } = site;
  const all = [hub.subscribe("room"), hub.subscribe("room")];
  const { clients, subscriptions } = hub.stats;
  assertEquals([clients, subscriptions], [0, 2]);
  assertEquals(hub.presence("room"), []);
  for (const subscription of all) subscription.close();
  assertEquals(hub.presence("room"), []);
  assertEquals(seen, []);
  const client = await site.client();
  client.leave();
});

Deno.test("another epoch makes a program begin anew", async () => {
  const engine = new FakeEngine();
  await using hub = await openHub({ engine });
  const every = hub.subscribe("t", { mode: "every" });
  const latest = hub.subscribe("t");
  await hub.publish("t", 1);
  engine.store.renew("e2");
  engine.store.append("t", "2");
  engine.reload();
  const reset = { type: "reset", reason: "epoch" };
  assertEquals(await take(every, 2), [1, reset]);
  assertEquals(await take(latest, 1), [reset]);
  assertEquals([every.cursor, latest.cursor], ["e2.0", "e2.0"]);
  assertEquals(await take(every, 1), [2]);
  assertEquals(await take(latest, 1), [2]);
  assertEquals([every.cursor, latest.cursor], ["e2.1", "e2.1"]);
});

Deno.test("a program follows what another hub publishes that shares the engine", async () => {
  const engine = new FakeEngine();
  await using other = await openHub({ engine: new FakeEngine(engine.store) });
  await using hub = await openHub({ engine });
  const all = hub.subscribe("t", { mode: "every" });
  await publish(other, "t", 1, 3);
  engine.tell();
  assertEquals(await take(all, 3), [1, 2, 3]);
  // Versions that this hub was not told of in time, and are lost.
  await publish(other, "t", 4, 6);
  engine.store.forget();
  engine.reload();
  assertEquals(await take(all, 2), [
    { type: "gap", topic: "t", cursor: "e1.5" },
    6,
  ]);
});

Deno.test("however a program takes, mode every is all in order, and latest ends with the newest", async () => {
  const steps = fc.array(
    fc.record({ publish: fc.nat(90), turns: fc.nat(2), take: fc.nat(90) }),
    { maxLength: 12 },
  );
  const options = fc.record({
    highMark: fc.constantFrom(0, 20, 16_384),
    steps,
  });
  await fc.assert(
    fc.asyncProperty(options, async ({ highMark, steps }) => {
      const hub = await openHub({ limits: { highMark, queueCount: 10_000 } });
      const every = hub.subscribe<number>("t/#", { mode: "every" });
      const latest = hub.subscribe<number>("t/#");
      let published = 0;
      const taken: unknown[] = [];
      for (const { publish, turns, take: most } of steps) {
        for (let i = 0; i < publish; i++) {
          const done = hub.publish(`t/${published % 3}`, ++published);
          if (i < turns) await done;
        }
        // Else it would wait for the next value.
        const count = Math.min(most, published - taken.length);
        taken.push(...await take(every, count));
      }
      await hub.shutdown();
      taken.push(...await take(every, Infinity));
      assertEquals(taken, [...range(1, published), "end"]);
      const newest = await take(latest, Infinity);
      assertEquals(newest.pop(), "end");
      const last = range(Math.max(1, published - 2), published);
      assertEquals(newest.sort(), last.sort());
    }),
    { numRuns: 60 },
  );
});
