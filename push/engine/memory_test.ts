import { assert, assertEquals, assertThrows } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { engineContract } from "./engine_contract_test_util.ts";
import { memoryEngine } from "./memory.ts";
import { Recorder } from "./_recorder_test_util.ts";

engineContract(
  "memory",
  () => ({ engine: memoryEngine, dispose: () => Promise.resolve() }),
  { shared: false, durable: false },
);

Deno.test("memory engine tells a version at once", async () => {
  const engine = memoryEngine();
  const hub = await Recorder.open(engine);
  const published = engine.publish({ topic: "a", data: "1" });
  assertEquals(hub.newest("a"), "1");
  await published;
  await engine.close();
});

Deno.test("memory engine numbers versions from 1, without a hole", async () => {
  const engine = memoryEngine();
  const hub = await Recorder.open(engine);
  await engine.publish({ topic: "a", data: "1", key: "k" });
  await engine.publish({ topic: "a", data: "1", key: "k" });
  await engine.remove("a");
  await engine.publish({ topic: "b", data: "2" });
  assertEquals(hub.log.map(({ offset }) => offset), [1, 2]);
  await engine.close();
});

Deno.test("memory engine forgets the oldest keys when there are too many", async () => {
  const engine = memoryEngine({ maxKeys: 2 });
  await Recorder.open(engine);
  const publish = async (key: string) =>
    (await engine.publish({ topic: "a", data: "1", key })).duplicate;
  assertEquals(await publish("k"), false);
  assertEquals(await publish("l"), false);
  assertEquals(await publish("k"), true);
  assertEquals(await publish("m"), false);
  assertEquals(await publish("l"), true);
  assertEquals(await publish("m"), true);
  assertEquals(await publish("k"), false);
  await engine.close();
});

Deno.test("memory engine counts a key that was used again as young", async () => {
  const clock = new TestClock();
  const engine = memoryEngine({ keyTtl: 1000, maxKeys: 2, clock });
  await Recorder.open(engine);
  const publish = async (key: string) =>
    (await engine.publish({ topic: "a", data: "1", key })).duplicate;
  assertEquals(await publish("k"), false);
  await clock.advance(500);
  assertEquals(await publish("l"), false);
  await clock.advance(500);
  assertEquals(await publish("k"), false);
  assertEquals(await publish("m"), false);
  assertEquals(await publish("k"), true);
  assertEquals(await publish("l"), false);
  await engine.close();
});

Deno.test("each memory engine has an epoch of its own", async () => {
  const epochs = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const engine = memoryEngine();
    epochs.add((await Recorder.open(engine)).epoch);
    await engine.close();
  }
  assertEquals(epochs.size, 100);
  for (const epoch of epochs) assert(/^[a-z0-9]{12}$/.test(epoch), epoch);
});

Deno.test("memory engine refuses options out of range", () => {
  for (const value of [-1, NaN, "1" as unknown as number]) {
    assertThrows(() => memoryEngine({ keyTtl: value }), RangeError, "keyTtl");
    assertThrows(() => memoryEngine({ maxKeys: value }), RangeError, "maxKeys");
  }
});
