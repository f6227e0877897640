// How a hub comes to its Redis, or does not.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { testWith } from "../../tools/need.ts";
import { redisEngine, type RedisEngineOptions } from "./redis.ts";
import { RedisServer } from "./redis_server_test_util.ts";
import { Recorder } from "./_recorder_test_util.ts";

async function assertCannotOpen(
  url: string,
  message: string,
  options?: RedisEngineOptions,
): Promise<void> {
  const engine = redisEngine(url, options);
  const error = await assertRejects(
    () => engine.open(new Recorder()),
    ConnError,
    message,
  );
  assertEquals([error.code, error.reply], ["engine_unavailable", 503]);
  await engine.close();
}

Deno.test("redisEngine refuses what is no URL of Redis, and keeps it to itself", () => {
  for (
    const url of [
      "",
      "localhost",
      "http://:secret@localhost",
      "redis://:secret@localhost/name",
      "redis://:secret@localhost/0/1",
    ]
  ) {
    const error = assertThrows(() => redisEngine(url), TypeError);
    assert(!error.message.includes("secret"));
  }
});

Deno.test("redisEngine refuses options that are out of range", () => {
  const names = ["timeout", "logLength", "logBytes", "keyTtl"] as const;
  for (const name of names) {
    for (const value of [-1, NaN]) {
      const options = { [name]: value };
      assertThrows(() => redisEngine("redis://a", options), RangeError, name);
    }
  }
});

Deno.test("opening fails where nothing listens", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assertCannotOpen(
    `redis://:secret@127.0.0.1:${port}`,
    `Cannot open the engine with Redis at "127.0.0.1:${port}": connect ECONNREFUSED`,
  );
});

Deno.test("opening fails after the time-out where nobody answers", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  await assertCannotOpen(
    `redis://127.0.0.1:${listener.addr.port}`,
    "Redis has not answered in 100 ms",
    { timeout: 100 },
  );
  (await accepted).close();
});

Deno.test("opening fails where somebody else answers", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answered = (async () => {
    using conn = await listener.accept();
    await conn.read(new Uint8Array(1024));
    await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad\r\n\r\n"));
  })();
  await assertCannotOpen(
    `redis://127.0.0.1:${listener.addr.port}`,
    "Cannot open the engine",
    { timeout: 1_000 },
  );
  await answered;
});

Deno.test("closing ends an opening that nobody answers", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const engine = redisEngine(`redis://127.0.0.1:${listener.addr.port}`, {
    timeout: 3_600_000,
  });
  const opened = assertRejects(() => engine.open(new Recorder()), ConnError);
  using conn = await listener.accept();
  await conn.read(new Uint8Array(1024));
  await engine.close();
  await opened;
});

Deno.test("a rediss: URL is for TLS", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const bytes = new Uint8Array(1024);
  const heard = (async () => {
    using conn = await listener.accept();
    await conn.read(bytes);
  })();
  await assertCannotOpen(
    `rediss://127.0.0.1:${listener.addr.port}`,
    "Cannot open the engine",
  );
  await heard;
  // The record of a handshake, RFC 8446 §5.1.
  assertEquals([bytes[0], bytes[1]], [22, 3]);
});

testWith(
  "redis-server",
  "a password is needed where Redis wants one",
  async (program) => {
    await using server = await RedisServer.start(
      program,
      ...["--requirepass", "se cret"],
    );
    const { port } = server;
    const place = `Cannot open the engine with Redis at "127.0.0.1:${port}"`;
    await assertCannotOpen(
      `redis://:wrong@127.0.0.1:${port}`,
      `${place}: WRONGPASS`,
    );
    await assertCannotOpen(server.url, `${place}: NOAUTH`);
    const engine = redisEngine(`redis://:se%20cret@127.0.0.1:${port}`);
    const hub = await Recorder.open(engine);
    await engine.publish({ topic: "a", data: "1" });
    assertEquals(hub.data("a"), ["1"]);
    await engine.close();
  },
);

testWith(
  "redis-server",
  "opening fails where the names of its keys are taken",
  async (program) => {
    await using server = await RedisServer.start(program);
    for (const name of ["meta", "log", "newest"]) {
      await server.command("FLUSHALL");
      await server.command("SET", `mine:${name}`, "1");
      await assertCannotOpen(
        server.url,
        'something else has keys that begin with "mine:"',
        { prefix: "mine:" },
      );
    }
  },
);

testWith(
  "redis-server",
  "hubs of other prefixes and databases have nothing in common",
  async (program) => {
    await using server = await RedisServer.start(program);
    const engines = [
      redisEngine(server.url),
      redisEngine(`${server.url}/0`, { prefix: "other:" }),
      redisEngine(`${server.url}/1`),
    ];
    const hubs = [];
    for (const engine of engines) hubs.push(await Recorder.open(engine));
    for (const [i, engine] of engines.entries()) {
      engine.signal(`${i}`);
      await engine.publish({ topic: "a", data: `${i}` });
      await engine.publish({ topic: "a", data: `${i}` });
    }
    for (const [i, hub] of hubs.entries()) {
      assertEquals(hub.data("a"), [`${i}`, `${i}`]);
      assertEquals(hub.signals, []);
    }
    assertEquals(new Set(hubs.map(({ epoch }) => epoch)).size, 3);
    await Promise.all(engines.map((engine) => engine.close()));
  },
);

testWith(
  "redis-server",
  "a key is forgotten when its time is over",
  async (program) => {
    await using server = await RedisServer.start(program);
    const engine = redisEngine(server.url, { keyTtl: 60_000 });
    await engine.open(new Recorder());
    const value = { topic: "a", data: "1", key: "" };
    assertEquals(await engine.publish(value), { offset: 1, duplicate: false });
    assertEquals(await engine.publish(value), { offset: 1, duplicate: true });
    const left = Number(await server.command("PTTL", "meerkat:key:a\n="));
    assert(left > 0 && left <= 60_000, `${left} ms`);
    // Time passes for Redis, too.
    await server.command("PEXPIRE", "meerkat:key:a\n=", "0");
    assertEquals(await engine.publish(value), { offset: 2, duplicate: false });
    await engine.close();
  },
);

testWith(
  "redis-server",
  "a state of many topics and long histories is read in full",
  async (program) => {
    await using server = await RedisServer.start(program);
    const engine = redisEngine(server.url);
    const hub = await Recorder.open(engine);
    const published = [];
    for (let i = 0; i < 6_000; i++) {
      const topic = i % 3 === 0 ? "long" : `t/${i % 2_500}`;
      published.push(engine.publish({ topic, data: `${i}` }));
    }
    await Promise.all(published);
    const other = redisEngine(server.url);
    const late = await Recorder.open(other);
    assertEquals(late.offset, 6_000);
    assertEquals(late.topics, hub.topics);
    await Promise.all([engine.close(), other.close()]);
  },
);
