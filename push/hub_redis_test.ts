// What becomes of the clients of hubs over one Redis when a hub, or Redis, is
// killed.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { testWith } from "../tools/need.ts";
import type { PushClient } from "./client/connect.ts";
import { Crowd } from "./crowd_test_util.ts";
import { RedisProxy, RedisServer } from "./engine/redis_server_test_util.ts";
import { HubProgram } from "./hub_program_test_util.ts";
import { assertKept, assertSeen } from "./witness_test_util.ts";

/** Two hubs over a Redis. */
class TwoHubs implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly a: HubProgram;
  readonly b: HubProgram;

  private constructor(redis: RedisServer, a: HubProgram, b: HubProgram) {
    this.redis = redis;
    this.a = a;
    this.b = b;
  }

  static async start(program: string, timeout?: number): Promise<TwoHubs> {
    await using stack = new AsyncDisposableStack();
    const redis = stack.use(await RedisServer.start(program));
    const engine = {
      redis: redis.url,
      ...(timeout !== undefined && { timeout }),
    };
    const [a, b] = await Promise.all(
      [1, 2].map(async () => stack.use(await HubProgram.start({ engine }))),
    );
    stack.move();
    return new TwoHubs(redis, a!, b!);
  }

  /** Both have noticed that Redis is away. */
  async outOfReach(): Promise<void> {
    for (const hub of [this.a, this.b]) await hub.line(/^Error: /);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.a.kill();
    await this.b.kill();
    await this.redis[Symbol.asyncDispose]();
  }
}

/** Publishes to both hubs, and watches both by every transport. */
function engage(crowd: Crowd, { a, b }: TwoHubs): PushClient[] {
  const clients: PushClient[] = [];
  const client = (url: string) => {
    const client = crowd.client(url);
    clients.push(client);
    return client;
  };
  for (const [name, { url }] of Object.entries({ a, b })) {
    crowd.publish(client(url), name, 400);
    crowd.post(url, `post-${name}`, 100);
    const every = { mode: "every", since: "oldest" } as const;
    crowd.watch(client(url), "t/#", every);
    crowd.watch(client(url), "t/+/+", { mode: "every", delta: true });
    crowd.watch(client(url), "t/#", { delta: true });
    crowd.watchStream(url, "t/#");
    crowd.watchPolls(url, "t/#");
    crowd.watchPolls(url, "t/#", { mode: "latest" });
  }
  return clients;
}

/** Nothing is missing, nothing is there twice, and all saw the same. */
function assertAllSeen(crowd: Crowd): void {
  for (const witness of crowd.witnesses) {
    assertSeen(witness, crowd.counts);
    if (witness.mode === "latest" || !witness.fromOldest) continue;
    assertKept(witness, crowd.acknowledged);
  }
}

testWith(
  "redis-server",
  "the clients of two hubs over a Redis miss nothing when these are killed in turn",
  async (program) => {
    await using hubs = await TwoHubs.start(program);
    await using crowd = new Crowd();
    engage(crowd, hubs);
    for (const [count, hub] of [[100, hubs.a], [400, hubs.b]] as const) {
      await crowd.untilAcknowledged(count);
      await hub.kill();
      await hub.start();
    }
    await crowd.untilAllSeen();
    assertAllSeen(crowd);
  },
);

testWith(
  "redis-server",
  "clients stay when Redis is killed, and miss nothing when it is back",
  async (program) => {
    await using hubs = await TwoHubs.start(program);
    await using crowd = new Crowd();
    const clients = engage(crowd, hubs);
    await crowd.untilAcknowledged(200);
    const ids = clients.map(({ id }) => id);
    assert(!ids.includes(undefined));
    await hubs.redis.kill();
    await hubs.outOfReach();
    await hubs.redis.start();
    await crowd.untilAllSeen();
    assertEquals(clients.map(({ id }) => id), ids);
    assertAllSeen(crowd);
  },
);

testWith(
  "redis-server",
  "what cannot be published while Redis is away fails, and can be published again, once",
  async (program) => {
    await using hubs = await TwoHubs.start(program, 1000);
    await using crowd = new Crowd();
    const { a, b } = hubs;
    const [one, two] = [crowd.client(a.url), crowd.client(b.url)];
    const first = crowd.watch(one, "t/#", { mode: "every" });
    const second = crowd.watch(two, "t/#", { mode: "every" });
    await crowd.postOne(a.url, "t/a", 1);
    await crowd.until(
      () => first.newest("t/a") === 1 && second.newest("t/a") === 1,
      "both have seen the first value",
    );
    const ids = [one.id, two.id];
    await hubs.redis.kill();
    await hubs.outOfReach();
    const [statuses, error] = await Promise.all([
      Promise.all([
        crowd.tryPost(a.url, "t/a", 2),
        crowd.tryPost(b.url, "t/b", 1),
      ]),
      assertRejects(() => one.publish("other", 1), ConnError),
    ]);
    assertEquals(statuses, [503, 503]);
    assertEquals(error.code, "engine_unavailable");
    await hubs.redis.start();
    await crowd.postOne(b.url, "t/b", 1);
    await crowd.postOne(a.url, "t/a", 2);
    await crowd.postOne(b.url, "t/a", 3);
    await crowd.until(
      () => first.newest("t/a") === 3 && second.newest("t/a") === 3,
      "both have seen the last value",
    );
    for (const witness of [first, second]) {
      assertEquals(witness.notices, []);
      assertEquals(witness.numbers("t/a"), [1, 2, 3]);
      assertEquals(witness.numbers("t/b"), [1]);
      assertKept(witness, crowd.acknowledged);
    }
    assertEquals([one.id, two.id], ids);
  },
);

testWith(
  "redis-server",
  "who comes from a hub that is ahead gets nothing twice, and all that follows",
  async (program) => {
    await using redis = await RedisServer.start(program);
    await using proxy = new RedisProxy(redis);
    await using a = await HubProgram.start({ engine: { redis: redis.url } });
    await using b = await HubProgram.start({ engine: { redis: proxy.url } });
    await using crowd = new Crowd();
    await crowd.postOne(a.url, "t/a", 1);
    const behind = crowd.watch(crowd.client(b.url), "t/#", { mode: "every" });
    await crowd.until(() => behind.newest("t/a") === 1, "the hub has value 1");
    proxy.refuses = true;
    proxy.cut();
    await b.line(/^Error: /);
    for (const n of [2, 3]) await crowd.postOne(a.url, "t/a", n);
    const since = crowd.acknowledged.at(-1)!.cursor;
    const client = crowd.client(b.url);
    const come = [
      crowd.watch(client, "t/#", { mode: "every", since }),
      crowd.watch(client, "t/a", { since }),
      crowd.watchStream(b.url, "t/#", { since }),
      crowd.watchStream(b.url, "t/#", { mode: "latest", since }),
      crowd.watchPolls(b.url, "t/#", { since }),
    ];
    // The hub answers in order: it has subscribed by then.
    await assertRejects(() => client.presence("t/a"), ConnError);
    proxy.refuses = false;
    await crowd.postOne(a.url, "t/a", 4);
    await crowd.until(
      () => crowd.witnesses.every((each) => each.newest("t/a") === 4),
      "all have seen value 4",
    );
    assertEquals(behind.numbers("t/a"), [1, 2, 3, 4]);
    for (const { name, notices, seen } of come) {
      assertEquals([notices, seen.map(({ n }) => n)], [[], [4]], name);
    }
  },
);
