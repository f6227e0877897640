import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { openHub } from "../hub.ts";
import type { PublishOptions } from "../published.ts";
import { attachProducer, type PublishFunction } from "./attach_producer.ts";
import { producer, type ProducerPort } from "./producer.ts";

/** Both ends of a channel, which is closed at the end. */
function channel() {
  const { port1, port2 } = new MessageChannel();
  return {
    hub: port1,
    source: port2,
    [Symbol.dispose]() {
      port1.close();
      port2.close();
    },
  };
}

/** Publishes into a list. */
function recorder() {
  const published: [string, unknown, PublishOptions][] = [];
  const publish: PublishFunction = (topic, value, options) => {
    published.push([topic, value, options]);
    const cursor = `e.${published.length}`;
    return Promise.resolve({ cursor, duplicate: options.key === "old" });
  };
  return { published, publish };
}

Deno.test("a producer publishes in order, and is told what became of it", async () => {
  using ports = channel();
  const { published, publish } = recorder();
  using _ = attachProducer(ports.hub, publish);
  using source = producer(ports.source);
  const results = await Promise.all([
    source.publish("a", { n: 1 }),
    source.publish("b", null, { key: "old" }),
    source.publish("a", "text", { key: "new" }),
  ]);
  assertEquals(results, [
    { cursor: "e.1", duplicate: false },
    { cursor: "e.2", duplicate: true },
    { cursor: "e.3", duplicate: false },
  ]);
  assertEquals(published, [
    ["a", { n: 1 }, {}],
    ["b", null, { key: "old" }],
    ["a", "text", { key: "new" }],
  ]);
});

Deno.test("a producer waits for its hub, with the values as they were", async () => {
  using ports = channel();
  const { published, publish } = recorder();
  using source = producer(ports.source);
  const value = { n: 1 };
  const early = source.publish("a", value);
  value.n = 2;
  // Nobody takes it yet.
  await source.publish("a", () => {}).catch(() => {});
  using _ = attachProducer(ports.hub, publish);
  assertEquals(await early, { cursor: "e.1", duplicate: false });
  await source.publish("a", value);
  assertEquals(published.map(([, value]) => value), [{ n: 1 }, { n: 2 }]);
});

Deno.test("errors come over with what can be told of them", async () => {
  using ports = channel();
  const failures: unknown[] = [
    new ConnError("No", { code: "forbidden", side: "remote", reply: 403 }),
    new ConnError("No", { code: "closed", side: "local" }),
    new TypeError("Odd"),
    "text",
  ];
  using _ = attachProducer(
    ports.hub,
    () => Promise.reject(failures.shift()),
  );
  using source = producer(ports.source);
  const told: unknown[] = [];
  for (let i = 0; i < 4; i++) {
    const error = await assertRejects(() => source.publish("a", 1), ConnError);
    told.push([error.message, error.code, error.side, error.reply]);
  }
  assertEquals(told, [
    ["No", "forbidden", "remote", 403],
    ["No", "closed", "local", undefined],
    ["Odd", "publish_failed", "local", undefined],
    ["text", "publish_failed", "local", undefined],
  ]);
});

Deno.test("a value that cannot be cloned is refused, attached or not", async () => {
  using ports = channel();
  using source = producer(ports.source);
  const error = await assertRejects(() => source.publish("a", () => {}));
  assertEquals((error as Error).name, "DataCloneError");
  using _ = attachProducer(ports.hub, recorder().publish);
  await source.publish("a", 1);
  await assertRejects(() => source.publish("a", () => {}));
});

Deno.test("a hub that lets go answers what it took, and nothing else was published", async () => {
  using ports = channel();
  const { published, publish } = recorder();
  const gate = Promise.withResolvers<void>();
  const attached = attachProducer(ports.hub, async (...args) => {
    const result = await publish(...args);
    await gate.promise;
    return result;
  });
  using source = producer(ports.source);
  const taken = source.publish("a", 1);
  while (published.length === 0) await new Promise((r) => setImmediate(r));
  attached[Symbol.dispose]();
  attached[Symbol.dispose]();
  const late = source.publish("a", 2);
  gate.resolve();
  assertEquals((await taken).cursor, "e.1");
  assertEquals((await assertRejects(() => late, ConnError)).code, "detached");
  const after = await assertRejects(() => source.publish("a", 3), ConnError);
  assertEquals(after.code, "detached");
  assertEquals(published.length, 1);
});

Deno.test("a hub may come after another one", async () => {
  using ports = channel();
  const { published, publish } = recorder();
  using source = producer(ports.source);
  {
    using _ = attachProducer(ports.hub, publish);
    await source.publish("a", 1);
  }
  using _ = attachProducer(ports.hub, publish);
  // Meant for the one that has gone: not published by the other.
  const late = await assertRejects(() => source.publish("a", 2), ConnError);
  assertEquals(late.code, "detached");
  const again = () => source.publish("a", 3).catch(() => undefined);
  while (await again() === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assertEquals(published.map(([, value]) => value), [1, 3]);
});

Deno.test("a producer that is closed settles all", async () => {
  using ports = channel();
  const source = producer(ports.source);
  const waiting = source.publish("a", 1);
  source.close();
  assertEquals((await assertRejects(() => waiting, ConnError)).code, "closed");
  const late = await assertRejects(() => source.publish("a", 2), ConnError);
  assertEquals(late.code, "closed");
  const { published, publish } = recorder();
  using _ = attachProducer(ports.hub, publish);
  assertEquals(published, []);
});

Deno.test("messages of others on the port are left alone", () => {
  const posted: unknown[] = [];
  const listeners = new Set<(event: MessageEvent) => void>();
  const port: ProducerPort = {
    postMessage: (message) => posted.push(message),
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  };
  const { published, publish } = recorder();
  const attached = attachProducer(port, publish);
  assertEquals(posted.length, 1);
  const { mark } = posted[0] as { mark: string };
  const foreign = [
    undefined,
    null,
    1,
    "publish",
    {},
    { type: "publish", id: 1, topic: "a", value: 1 },
    {
      mark,
      message: { type: "publish", hub: "b", id: 1, topic: "a", value: 1 },
    },
    { mark: "other", message: { type: "hello" } },
    { mark, message: undefined },
    { mark, message: null },
    { mark, message: { type: "published" } },
  ];
  for (const data of foreign) {
    for (const listener of listeners) {
      listener(new MessageEvent("message", { data }));
    }
  }
  assertEquals([posted.length, published.length], [1, 0]);
  attached[Symbol.dispose]();
  assertEquals(listeners.size, 0);
});

Deno.test("a worker publishes to a hub, and talks to its owner besides", async () => {
  await using hub = await openHub();
  const worker = new Worker(new URL("testdata/worker.ts", import.meta.url), {
    type: "module",
  });
  const answer = () =>
    new Promise<string[]>((resolve) => {
      const listener = ({ data }: MessageEvent) => {
        if (!Array.isArray(data)) return;
        worker.removeEventListener("message", listener);
        resolve(data);
      };
      worker.addEventListener("message", listener);
    });
  using _ = hub.produce(worker);
  const first = answer();
  worker.postMessage(["lucky", 42]);
  assertEquals(await first, ["published", hub.newest("lucky")!.cursor]);
  assertEquals(hub.newest("lucky")!.value, 42);
  const second = answer();
  worker.postMessage(["no/#", 1]);
  assertEquals(await second, ["refused", "topic_invalid"]);
  worker.terminate();
  assert(hub.stats.topics === 1);
});
