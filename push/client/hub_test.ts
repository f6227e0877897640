import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { WsRefusedError } from "../../ws/refused.ts";
import { HubBench } from "./_hub_test_util.ts";
import type { Subscription } from "./connect.ts";
import type { Update } from "./updates.ts";

/** Takes updates until one is the last. */
async function takeUntil<T>(
  subscription: Subscription<T>,
  isLast: (update: Update<T>) => boolean,
): Promise<Update<T>[]> {
  const taken: Update<T>[] = [];
  for await (const update of subscription) {
    taken.push(update);
    if (isLast(update)) break;
  }
  return taken;
}

/** Values, and the types of what is none. */
function brief(updates: Update[]): unknown[] {
  return updates.map((update) =>
    update.type === "value" ? update.value : update.type
  );
}

const isValue = (value: unknown) => (update: Update) =>
  update.type === "value" && update.value === value;

Deno.test("a client gets the newest value, and then each one that follows", async () => {
  await using bench = await HubBench.open();
  const { hub } = bench;
  await hub.publish("plant/1/t", 1);
  await hub.publish("plant/2/t", 2);
  const client = bench.connect();
  const subscription = client.subscribe<number>("plant/+/t", { mode: "every" });
  const seen: string[] = [];
  for await (const update of subscription) {
    if (update.type !== "value") continue;
    seen.push(`${update.topic} ${update.value}`);
    if (update.value === 4) break;
    if (update.value !== 2) continue;
    await hub.publish("plant/1/t", 3);
    await hub.publish("plant/2/t", 4);
  }
  assertEquals(seen, [
    "plant/1/t 1",
    "plant/2/t 2",
    "plant/1/t 3",
    "plant/2/t 4",
  ]);
});

for (const delta of [false, true]) {
  Deno.test(`mode every misses nothing over cuts, delta ${delta}`, async () => {
    await using bench = await HubBench.open({
      topics: { "#": { history: { count: 1000 }, delta: true } },
    });
    const { hub } = bench;
    const client = bench.connect();
    const subscription = client.subscribe<{ n: number; text: string }>("t/+", {
      mode: "every",
      delta,
    });
    const text = "as long as it must be for a patch to be shorter";
    const publish = (n: number) => hub.publish(`t/${n % 3}`, { n, text });
    for (let n = 0; n < 3; n++) await publish(n);
    const seen: number[] = [];
    for await (const update of subscription) {
      assert(update.type === "value", update.type);
      assertEquals(update.value.text, text);
      const { n } = update.value;
      seen.push(n);
      if (n === 299) break;
      if (n % 10 !== 2) continue;
      for (let i = 1; i <= 10 && n + i < 300; i++) {
        await publish(n + i);
        if (i === n % 7) bench.cut();
      }
    }
    assertEquals(seen, Array.from({ length: 300 }, (_, n) => n));
  });
}

Deno.test("a client may come back with its cursor as another one", async () => {
  await using bench = await HubBench.open({
    topics: { "#": { history: true } },
  });
  const { hub } = bench;
  for (const value of [1, 2, 3]) await hub.publish("a", value);
  const first = bench.connect();
  const early = first.subscribe("a", { mode: "every", since: "oldest" });
  assertEquals(brief(await takeUntil(early, isValue(2))), [1, 2]);
  const since = early.cursor!;
  await first.close();
  await hub.publish("a", 4);
  const late = bench.connect().subscribe("a", { mode: "every", since });
  assertEquals(brief(await takeUntil(late, isValue(4))), [3, 4]);
});

Deno.test("a history that does not reach back is a reset", async () => {
  await using bench = await HubBench.open();
  const { hub } = bench;
  const { cursor: since } = await hub.publish("a", 1);
  await hub.publish("a", 2);
  await hub.publish("a", 3);
  const client = bench.connect();
  const missed = client.subscribe("a", { mode: "every", since });
  assertEquals(brief(await takeUntil(missed, isValue(3))), ["reset", 3]);
  const other = client.subscribe("a", { since: "other.1" });
  assertEquals(await takeUntil(other, isValue(3)), [
    { type: "reset", reason: "epoch" },
    {
      type: "value",
      topic: "a",
      value: 3,
      cursor: hub.newest("a")!.cursor,
    },
  ]);
});

Deno.test("a program that is slow gets all that it is told of, or a gap", async () => {
  const count = 400;
  await using bench = await HubBench.open({
    limits: { queueCount: 10, highMark: 1024 },
  });
  const { hub } = bench;
  const client = bench.connect({ queueCount: 10 });
  const subscription = client.subscribe<[number, string]>("a", {
    mode: "every",
  });
  await hub.publish("a", [0, ""]);
  let next = 0;
  let missed = 0;
  for await (const update of subscription) {
    if (update.type === "gap") {
      missed += update.missed!;
      next += update.missed!;
      continue;
    }
    assert(update.type === "value", update.type);
    assertEquals(update.value[0], next++);
    if (next === 1) {
      // More than the kernel's buffers take on the way.
      const text = "x".repeat(60_000);
      for (let i = 1; i <= count; i++) await hub.publish("a", [i, text]);
    }
    if (next === count + 1) break;
  }
  assert(missed > 0);
});

Deno.test("a program may publish for each value that it gets, however far it is behind", async () => {
  await using bench = await HubBench.open({
    topics: { "#": { history: { count: 1000 } } },
    limits: { publishRate: 10_000 },
    onConnect: () => ({ publish: ["out"] }),
  });
  const { hub } = bench;
  const client = bench.connect({ queueCount: 2 });
  const subscription = client.subscribe<number>("in", { mode: "every" });
  await hub.publish("in", 0);
  const seen: number[] = [];
  for await (const value of subscription.values()) {
    seen.push(value);
    if (value === 0) {
      for (let n = 1; n <= 300; n++) await hub.publish("in", n);
    }
    await client.publish("out", value);
    if (value === 300) break;
  }
  assertEquals(seen, Array.from({ length: 301 }, (_, n) => n));
  assertEquals(hub.newest("out")!.value, 300);
});

Deno.test("a value is published once, however often the line is cut", async () => {
  await using bench = await HubBench.open({
    topics: { "#": { history: { count: 1000 } } },
    limits: { publishRate: 10_000 },
    onConnect: () => ({ publish: ["in"] }),
  });
  const client = bench.connect();
  const values = Array.from({ length: 200 }, (_, n) => n);
  const published = await Promise.all(values.map(async (n) => {
    const published = client.publish("in", n);
    if (n % 40 === 20) {
      // In the middle of the answers.
      await client.presence("in").catch(() => {});
      bench.cut();
    }
    return await published;
  }));
  assert(published.every(({ duplicate }) => !duplicate));
  const all = client.subscribe("in", { mode: "every", since: "oldest" });
  const newest = bench.hub.newest("in")!.value;
  const seen = brief(await takeUntil(all, isValue(newest))) as number[];
  assertEquals(seen.sort((a, b) => a - b), values);
});

Deno.test("what is not granted is refused, and nothing else is", async () => {
  await using bench = await HubBench.open({
    onConnect: () => ({ subscribe: ["open/#"], publish: [] }),
  });
  const { hub } = bench;
  await hub.publish("open/a", 1);
  const client = bench.connect();
  const refused = client.subscribe("secret");
  const granted = client.subscribe("open/+");
  const error = await assertRejects(
    () => takeUntil(refused, () => true),
    ConnError,
  );
  assertEquals(error.code, "forbidden");
  const published = await assertRejects(
    () => client.publish("open/a", 2),
    ConnError,
  );
  assertEquals(published.code, "forbidden");
  assertEquals(brief(await takeUntil(granted, isValue(1))), [1]);
  const invalid = client.subscribe("a/#/b");
  assertEquals(
    (await assertRejects(() => takeUntil(invalid, () => true), ConnError)).code,
    "filter_invalid",
  );
});

Deno.test("a token is looked at when the client comes, and when it shows another", async () => {
  const shown: string[] = [];
  await using bench = await HubBench.open({
    onConnect: (request) => {
      const token = request.headers.get("authorization")?.slice(7) ?? "";
      shown.push(token);
      if (token === "bad") return new Response("No", { status: 401 });
      return { user: token };
    },
    onAuthorize: (token) => {
      shown.push(token);
      if (token === "bad") return undefined;
      return { user: token, expires: Date.now() + 60_000 };
    },
  });
  const client = bench.connect({ token: "one" });
  await assertRejects(() => client.presence("a"), ConnError);
  const left = await client.authorize("two");
  assert(left! > 0 && left! <= 60_000);
  assertEquals(
    (await assertRejects(() => client.authorize("bad"), ConnError)).code,
    "forbidden",
  );
  assertEquals(client.state, "open");
  // One that was refused is not shown again.
  bench.cut();
  await assertRejects(() => client.presence("a"), ConnError);
  assertEquals(shown, ["one", "two", "bad", "two"]);
  await client.close();
});

Deno.test("a token that is refused when the client comes ends it", async () => {
  await using bench = await HubBench.open({
    onConnect: () => new Response("No", { status: 401 }),
  });
  const error = await bench.connect({ token: "bad" }).closed;
  assertInstanceOf(error, WsRefusedError);
  assertEquals(error.head.status, 401);
});

Deno.test("who is there, and who comes and goes", async () => {
  await using bench = await HubBench.open({
    topics: { room: { presence: true } },
  });
  const here = bench.connect();
  const watching = here.subscribe("room", { presence: true });
  const updates = watching[Symbol.asyncIterator]();
  const own = (await updates.next()).value;
  assertEquals(own, {
    type: "members",
    topic: "room",
    joined: [{ client: here.id! }],
    left: [],
    whole: true,
  });
  const other = bench.connect();
  other.subscribe("room");
  const joined = (await updates.next()).value;
  const id = other.id!;
  assertEquals(joined?.type === "members" && joined.joined, [{ client: id }]);
  assertEquals(
    (await here.presence("room")).map(({ client }) => client).sort(),
    [here.id!, id].sort(),
  );
  await other.close();
  const left = (await updates.next()).value;
  assertEquals(left?.type === "members" && left.left, [{ client: id }]);
});

Deno.test("a hub that shuts down is left alone for as long as it says", async () => {
  await using bench = await HubBench.open();
  const client = bench.connect();
  await client.presence("a").catch(() => {});
  await bench.hub.shutdown({ spread: 1e9 });
  assertEquals(client.state, "open");
  const published = client.publish("a", 1);
  await client.close();
  assertEquals(
    (await assertRejects(() => published, ConnError)).code,
    "closed",
  );
});
