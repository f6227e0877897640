import { assert, assertEquals } from "@std/assert";
import type {
  ContractStore,
  ContractTest,
} from "./engine_contract_test_util.ts";
import type { Engine } from "./engine.ts";
import { Recorder } from "./_recorder_test_util.ts";

/** What is so for several hubs over one store. */
export function sharedContract(test: ContractTest): void {
  test("all hubs see the same versions in the same order", async (store) => {
    const hubs = await openHubs(store, 3);
    const published = [];
    for (let i = 0; i < 100; i++) {
      for (const [n, { engine }] of hubs.entries()) {
        const topic = `t/${(i + n) % 5}`;
        published.push(engine.publish({ topic, data: `"${n} ${i}"` }));
      }
      if (i % 20 === 0) await published.at(-1);
    }
    await Promise.all(published);
    for (const { hub } of hubs) {
      await hub.until(() => hub.log.length >= 300, "all versions were told");
      assertEquals(hub.log, hubs[0]!.hub.log);
      assertEquals(hub.log.length, 300);
    }
    // And each hub's own are in the order that it published them in.
    for (const n of hubs.keys()) {
      const own = hubs[0]!.hub.log.map(({ data }) => data).filter((data) =>
        data.startsWith(`"${n} `)
      );
      assertEquals(own, Array.from(own, (_, i) => `"${n} ${i}"`));
    }
    await closeAll(hubs);
  });

  test("a hub that joins has what the others have", async (store) => {
    const [one] = await openHubs(store, 1);
    await one!.engine.publish({ topic: "a", data: "1" });
    await one!.engine.publish({ topic: "b", data: "2" });
    const [two] = await openHubs(store, 1);
    assertEquals(two!.hub.epoch, one!.hub.epoch);
    assertEquals(two!.hub.topics, one!.hub.topics);
    await one!.engine.publish({ topic: "a", data: "3" });
    await two!.hub.until(() => two!.hub.newest("a") === "3", "3 was told");
    assertEquals(two!.hub.topics, one!.hub.topics);
    await closeAll([one!, two!]);
  });

  test("a key is known to all hubs", async (store) => {
    const hubs = await openHubs(store, 3);
    const published = await Promise.all(
      hubs.map(({ engine }, n) =>
        engine.publish({ topic: "a", data: `${n}`, key: "k" })
      ),
    );
    assertEquals(new Set(published.map(({ offset }) => offset)).size, 1);
    assertEquals(
      published.filter(({ duplicate }) => !duplicate).length,
      1,
    );
    for (const { hub } of hubs) {
      await hub.until(() => hub.log.length > 0, "the version was told");
      assertEquals(hub.log.length, 1);
    }
    await closeAll(hubs);
  });

  test("a topic that one hub removes is gone for all", async (store) => {
    const hubs = await openHubs(store, 2);
    const [one, two] = hubs;
    await one!.engine.publish({ topic: "a", data: "1" });
    await one!.engine.publish({ topic: "b", data: "2" });
    await two!.hub.until(() => two!.hub.topics.has("b"), "b was told");
    await two!.engine.remove("a");
    await one!.hub.until(() => !one!.hub.topics.has("a"), "a was removed");
    await one!.engine.publish({ topic: "a", data: "3" });
    await two!.hub.until(() => two!.hub.topics.has("a"), "a was told");
    assertEquals(two!.hub.topics, one!.hub.topics);
    assertEquals(one!.hub.data("a"), ["3"]);
    await closeAll(hubs);
  });

  test("a signal reaches the others, once and in order", async (store) => {
    const hubs = await openHubs(store, 3);
    const messages = ["one", "\u{1f600} \u0000 'two'", "x".repeat(50_000)];
    for (const message of messages) hubs[0]!.engine.signal(message);
    for (const { hub } of hubs.slice(1)) {
      await hub.until(() => hub.signals.length >= 3, "the signals were told");
      assertEquals(hub.signals, messages);
    }
    assertEquals(hubs[0]!.hub.signals, []);
    await closeAll(hubs);
  });

  test("a hub that leaves does not disturb the others", async (store) => {
    const hubs = await openHubs(store, 3);
    const [one, two, three] = hubs;
    const published = two!.engine.publish({ topic: "a", data: "1" });
    await Promise.allSettled([one!.engine.close(), published]);
    await three!.engine.publish({ topic: "a", data: "2" });
    await two!.hub.until(() => two!.hub.newest("a") === "2", "2 was told");
    assert(one!.hub.newest("a") !== "2");
    await closeAll(hubs);
  });
}

/** A hub, and its engine. */
interface Opened {
  engine: Engine;
  hub: Recorder;
}

async function openHubs(store: ContractStore, n: number): Promise<Opened[]> {
  const opened: Opened[] = [];
  for (let i = 0; i < n; i++) {
    const engine = store.engine();
    opened.push({ engine, hub: await Recorder.open(engine) });
  }
  return opened;
}

async function closeAll(hubs: readonly Opened[]): Promise<void> {
  await Promise.all(hubs.map(({ engine }) => engine.close()));
}
