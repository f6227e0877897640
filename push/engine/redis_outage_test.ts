// What becomes of hubs when Redis, or the way to it, fails.

import { assert, assertEquals, assertRejects } from "@std/assert";
import * as fc from "fast-check";
import { TestClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { testWith } from "../../tools/need.ts";
import { redisEngine, type RedisEngineOptions } from "./redis.ts";
import type { Engine } from "./engine.ts";
import { RedisProxy, RedisServer } from "./redis_server_test_util.ts";
import { Recorder } from "./_recorder_test_util.ts";

/** A hub over an engine that is closed at the end. */
class Hub extends Recorder implements AsyncDisposable {
  engine!: Engine;

  static async over(url: string, options?: RedisEngineOptions): Promise<Hub> {
    const hub = new Hub();
    hub.engine = redisEngine(url, options);
    hub.reload(await hub.engine.open(hub));
    hub.told.length = 0;
    return hub;
  }

  /** Publishes values, each when the one before it was. */
  async publish(topic: string, ...values: string[]): Promise<void> {
    for (const data of values) await this.engine.publish({ topic, data });
  }

  /** What it was told of being in reach. */
  get reached(): boolean[] {
    return this.told.flatMap((told) =>
      told.type === "reachable" ? told.reachable : []
    );
  }

  /** How often it was told everything anew. */
  get reloads(): number {
    return this.told.filter(({ type }) => type === "reload").length;
  }

  outOfReach(): Promise<void> {
    return this.until(() => this.reached.at(-1) === false, "out of reach");
  }

  backInReach(): Promise<void> {
    return this.until(() => this.reached.at(-1) === true, "back in reach");
  }

  has(topic: string, data: string): Promise<void> {
    return this.until(() => this.newest(topic) === data, `${data} was told`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close();
  }
}

async function assertUnavailable(
  promise: Promise<unknown>,
  message: string,
): Promise<void> {
  const error = await assertRejects(() => promise, ConnError, message);
  assertEquals([error.code, error.reply], ["engine_unavailable", 503]);
}

testWith(
  "redis-server",
  "values that are published while Redis is away are kept when it is back",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using one = await Hub.over(server.url, { timeout: 20_000 });
    await using two = await Hub.over(server.url, { timeout: 20_000 });
    const { epoch } = one;
    await one.publish("a", "1", "2");
    await server.kill();
    await Promise.all([one.outOfReach(), two.outOfReach()]);
    const published = ["3", "4", "5"].map((data) =>
      one.engine.publish({ topic: "a", data })
    );
    await server.start();
    const offsets = (await Promise.all(published)).map(({ offset }) => offset);
    assertEquals(offsets, [3, 4, 5]);
    await Promise.all([one.backInReach(), two.backInReach()]);
    await two.has("a", "5");
    assertEquals(one.data("a"), ["1", "2", "3", "4", "5"]);
    assertEquals(two.log, one.log);
    for (const hub of [one, two]) {
      assertEquals([hub.epoch, hub.reloads], [epoch, 0]);
      assertEquals(hub.reached, [false, true]);
    }
  },
);

testWith(
  "redis-server",
  "a Redis that has lost everything begins an epoch, the same for all hubs",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using one = await Hub.over(server.url, { timeout: 20_000 });
    await using two = await Hub.over(server.url, { timeout: 20_000 });
    const { epoch } = one;
    await one.publish("a", "1", "2");
    await two.has("a", "2");
    await server.kill();
    await Promise.all([one.outOfReach(), two.outOfReach()]);
    server.wipe();
    const published = one.engine.publish({ topic: "b", data: "3" });
    await server.start();
    await published;
    await two.has("b", "3");
    for (const hub of [one, two]) {
      assertEquals(hub.epoch, one.epoch);
      assertEquals(hub.reloads, 1);
      assertEquals([...hub.topics.keys()], ["b"]);
    }
    assert(one.epoch !== epoch);
  },
);

testWith(
  "redis-server",
  "a Redis that has gone back begins an epoch, the same for all hubs",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using one = await Hub.over(server.url, { timeout: 20_000 });
    await using two = await Hub.over(server.url, { timeout: 20_000 });
    const { epoch } = one;
    await one.publish("a", "1", "2", "3");
    server.backup();
    await one.publish("a", "4", "5", "6");
    await two.has("a", "6");
    await server.kill();
    await Promise.all([one.outOfReach(), two.outOfReach()]);
    server.restore();
    await server.start();
    await Promise.all([one.backInReach(), two.backInReach()]);
    await two.publish("a", "7");
    await one.has("a", "7");
    for (const hub of [one, two]) {
      assertEquals(hub.epoch, one.epoch);
      assertEquals(hub.data("a"), ["1", "2", "3", "7"]);
    }
    assert(one.epoch !== epoch);
  },
);

testWith(
  "redis-server",
  "a hub that was away sees that Redis has gone back and then further on",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using proxy = new RedisProxy(server);
    await using away = await Hub.over(proxy.url);
    const { epoch } = away;
    await away.publish("a", "1");
    server.backup();
    await away.publish("a", "2", "3");
    proxy.refuses = true;
    proxy.cut();
    await away.outOfReach();
    await server.kill();
    server.restore();
    await server.start();
    await using other = await Hub.over(server.url);
    assertEquals(other.epoch, epoch);
    await other.publish("a", "4", "5", "6", "7");
    proxy.refuses = false;
    await away.backInReach();
    await other.until(() => other.epoch === away.epoch, "the epoch is new");
    assert(away.epoch !== epoch);
    assertEquals(away.data("a"), ["1", "4", "5", "6", "7"]);
    assertEquals(other.topics, away.topics);
  },
);

testWith(
  "redis-server",
  "a value whose answer is lost is published once",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using proxy = new RedisProxy(server);
    await using hub = await Hub.over(proxy.url, { timeout: 20_000 });
    await using other = await Hub.over(server.url);
    for (let round = 0; round < 5; round++) {
      proxy.cutAfter(`"${round} 1"`);
      const published = [0, 1, 2].map((i) =>
        hub.engine.publish({
          topic: "a",
          data: `"${round} ${i}"`,
          ...(i === 2 ? { key: `${round}` } : {}),
        })
      );
      const results = await Promise.all(published);
      assertEquals(
        results,
        [1, 2, 3].map((n) => ({ offset: 3 * round + n, duplicate: false })),
      );
      assertEquals(proxy.cuts, round + 1);
    }
    await other.has("a", '"4 2"');
    assertEquals(hub.data("a").length, 15);
    assertEquals(hub.log, other.log);
    assertEquals(hub.reloads, 0);
  },
);

testWith(
  "redis-server",
  "wherever connections are cut, each value is published once, in order",
  (program) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("publish", "cut", "cut after", "settle"), {
          maxLength: 30,
        }),
        (steps) => publishAndCut(program, steps),
      ),
      { numRuns: 15 },
    ),
);

async function publishAndCut(
  program: string,
  steps: readonly string[],
): Promise<void> {
  await using server = await RedisServer.start(program);
  await using proxy = new RedisProxy(server);
  await using hub = await Hub.over(proxy.url, { timeout: 20_000 });
  await using other = await Hub.over(proxy.url, { timeout: 20_000 });
  const published: Promise<unknown>[] = [];
  const sent: string[] = [];
  const publish = () => {
    const data = `${1000 + sent.length}`;
    sent.push(data);
    published.push(hub.engine.publish({ topic: "a", data }));
  };
  for (const step of steps) {
    if (step === "publish") publish();
    else if (step === "settle") await Promise.all(published);
    else if (step === "cut") proxy.cut();
    else proxy.cutAfter(`${1000 + sent.length}`);
  }
  publish();
  await Promise.all(published);
  await other.has("a", sent.at(-1)!);
  assertEquals(hub.data("a"), sent);
  assertEquals(other.log, hub.log);
  assertEquals(hub.reloads + other.reloads, 0);
}

testWith(
  "redis-server",
  "a hub whose connection Redis kills is told what it has missed",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using proxy = new RedisProxy(server);
    await using hub = await Hub.over(proxy.url);
    await using other = await Hub.over(server.url);
    await other.publish("a", "1");
    await hub.has("a", "1");
    proxy.refuses = true;
    await server.command("CLIENT", "KILL", "TYPE", "pubsub");
    await hub.outOfReach();
    await other.publish("a", "2", "3");
    await other.engine.remove("a");
    await other.publish("a", "4");
    await other.publish("b", "5");
    proxy.refuses = false;
    await hub.backInReach();
    assertEquals(hub.log, other.log);
    assertEquals(hub.topics, other.topics);
    assertEquals(hub.reloads, 0);
  },
);

testWith(
  "redis-server",
  "a hub that was away for longer than the log reaches back is told all anew",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using proxy = new RedisProxy(server);
    await using hub = await Hub.over(proxy.url, { logLength: 10 });
    await using other = await Hub.over(server.url, { logLength: 10 });
    const { epoch } = hub;
    await other.publish("a", "0");
    await hub.has("a", "0");
    proxy.refuses = true;
    proxy.cut();
    await hub.outOfReach();
    await Promise.all(
      Array.from({ length: 1000 }, (_, i) => other.publish("b", `${i}`)),
    );
    proxy.refuses = false;
    await hub.backInReach();
    assertEquals([hub.epoch, hub.reloads], [epoch, 1]);
    assertEquals(hub.topics, other.topics);
    await other.publish("a", "1");
    await hub.has("a", "1");
  },
);

testWith(
  "redis-server",
  "the log is bounded in bytes, too",
  async (program) => {
    await using server = await RedisServer.start(program);
    const clock = new TestClock();
    const options = { logBytes: 1_000_000, clock };
    await using hub = await Hub.over(server.url, options);
    const data = `"${"x".repeat(10_000)}"`;
    for (let i = 0; i < 300; i++) await hub.publish("a", data);
    assertEquals(await server.command("XLEN", "meerkat:log"), 300);
    await clock.advance(1_000);
    // It is asked over the same connection, after the log was trimmed.
    await hub.publish("a", data);
    const length = Number(await server.command("XLEN", "meerkat:log"));
    assert(length >= 90 && length <= 130, `${length} entries`);
  },
);

testWith(
  "redis-server",
  "a version that the channel has lost is found, though it is the last",
  async (program) => {
    await using server = await RedisServer.start(program);
    const clock = new TestClock();
    await using hub = await Hub.over(server.url, { clock });
    await hub.publish("a", "1");
    // As another hub would, but untold.
    const line = (topic: string) => `2 1 1700000000000 ${topic}\t2`;
    await server.command("XADD", "meerkat:log", "2-0", "v", line("a"));
    await server.command("HSET", "meerkat:newest", "a", line(""));
    await server.command("HSET", "meerkat:meta", "seq", "2", "offset", "2");
    assertEquals(hub.data("a"), ["1"]);
    await clock.advance(1_000);
    await hub.has("a", "2");
    assertEquals(hub.reached, []);
  },
);

testWith(
  "redis-server",
  "what comes over the channel from elsewhere changes nothing",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using hub = await Hub.over(server.url);
    await hub.publish("a", "1");
    const rubbish = ["", "v", "v x", "v x 7\nno", "s", "s x", "e", "e x", "?"];
    for (const text of rubbish) {
      await server.command("PUBLISH", "meerkat:live@0", text);
    }
    await hub.publish("a", "2");
    assertEquals(hub.data("a"), ["1", "2"]);
    assertEquals(hub.signals, []);
  },
);

testWith(
  "redis-server",
  "a Redis that hangs is out of reach after the time-out, and back later",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using hub = await Hub.over(server.url, { timeout: 300 });
    await hub.publish("a", "1");
    server.freeze();
    const message = "Cannot publish: Redis was out of reach for 300 ms";
    await assertUnavailable(
      hub.engine.publish({ topic: "a", data: "2" }),
      message,
    );
    await hub.outOfReach();
    await assertUnavailable(hub.engine.remove("a"), message);
    server.thaw();
    await hub.backInReach();
    await hub.publish("a", "3");
    // Redis may yet have read what was given up, but not after what came later.
    assertEquals(hub.data("a").filter((data) => data !== "2"), ["1", "3"]);
    assertEquals(hub.newest("a"), "3");
  },
);

testWith(
  "redis-server",
  "closing ends at once while Redis is out of reach",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using hub = await Hub.over(server.url, { timeout: 3_600_000 });
    await server.kill();
    await hub.outOfReach();
    const published = assertUnavailable(
      hub.engine.publish({ topic: "a", data: "1" }),
      "the engine was closed",
    );
    await hub.engine.close();
    await published;
  },
);

testWith(
  "redis-server",
  "closing waits for a Redis that hangs no longer than the time-out",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using hub = await Hub.over(server.url, { timeout: 300 });
    server.freeze();
    const published = assertUnavailable(
      hub.engine.publish({ topic: "a", data: "1" }),
      "out of reach",
    );
    await hub.engine.close();
    await published;
  },
);

testWith(
  "redis-server",
  "no more than a bounded number of values waits",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using hub = await Hub.over(server.url, { timeout: 3_600_000 });
    await server.kill();
    await hub.outOfReach();
    const waiting = Array.from(
      { length: 100_000 },
      () => hub.engine.publish({ topic: "a", data: "1" }),
    );
    await assertUnavailable(
      hub.engine.publish({ topic: "a", data: "1" }),
      "too many values wait",
    );
    const settled = Promise.allSettled(waiting);
    await hub.engine.close();
    assert((await settled).every(({ status }) => status === "rejected"));
  },
);

testWith(
  "redis-server",
  "a store that is emptied under the hubs begins an epoch",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using one = await Hub.over(server.url);
    await using two = await Hub.over(server.url);
    const { epoch } = one;
    await one.publish("a", "1");
    await server.command("FLUSHALL");
    await server.command("SCRIPT", "FLUSH");
    await one.publish("b", "2");
    await two.has("b", "2");
    assert(one.epoch !== epoch);
    for (const hub of [one, two]) {
      assertEquals([hub.epoch, hub.reached], [one.epoch, []]);
      assertEquals([...hub.topics.keys()], ["b"]);
    }
  },
);

testWith(
  "redis-server",
  "values wait while Redis is a replica, which cannot write",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using hub = await Hub.over(server.url);
    await server.command("REPLICAOF", "127.0.0.1", "1");
    const published = hub.engine.publish({ topic: "a", data: "1" });
    await hub.outOfReach();
    await server.command("REPLICAOF", "NO", "ONE");
    await published;
    assertEquals(hub.data("a"), ["1"]);
  },
);

testWith(
  "redis-server",
  "a value that Redis has no memory for is refused, with its reason",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using hub = await Hub.over(server.url);
    await server.command("CONFIG", "SET", "maxmemory", "1");
    await assertUnavailable(
      hub.engine.publish({ topic: "a", data: "1" }),
      "Cannot publish: OOM",
    );
    await server.command("CONFIG", "SET", "maxmemory", "0");
    await hub.publish("a", "2");
    assertEquals(hub.data("a"), ["2"]);
    assertEquals(hub.reached, []);
  },
);

testWith(
  "redis-server",
  "only the topic is refused whose history's key holds something else",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using hub = await Hub.over(server.url);
    await server.command("SET", "meerkat:history:a", "mine");
    await hub.publish("a", "1");
    const [a, b] = ["a", "b"].map((topic) =>
      hub.engine.publish({ topic, data: "2" })
    );
    await assertUnavailable(a!, 'Cannot publish to "a"');
    await b;
    assertEquals([hub.data("a"), hub.data("b")], [["1"], ["2"]]);
  },
);

testWith(
  "redis-server",
  "a hub reads more at once than Redis sends to one that is subscribed",
  async (program) => {
    await using server = await RedisServer.start(program);
    await using proxy = new RedisProxy(server);
    await server.command(
      ...["CONFIG", "SET", "client-output-buffer-limit"],
      "pubsub 4mb 4mb 1",
    );
    await using away = await Hub.over(proxy.url);
    proxy.refuses = true;
    proxy.cut();
    await away.outOfReach();
    await using other = await Hub.over(server.url);
    const data = `"${"x".repeat(1 << 20)}"`;
    for (let i = 0; i < 12; i++) await other.publish(`t/${i % 2}`, data);
    proxy.refuses = false;
    await away.backInReach();
    assertEquals(away.topics, other.topics);
    assertEquals(away.reloads, 0);
    await using late = await Hub.over(server.url);
    assertEquals(late.topics, other.topics);
  },
);
