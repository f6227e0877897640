import { assert, assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import type {
  ContractTest,
  ContractTraits,
} from "./engine_contract_test_util.ts";
import { Recorder } from "./_recorder_test_util.ts";

/** What keys do. */
export function keyContract(test: ContractTest, traits: ContractTraits): void {
  duplicateContract(test);
  if (traits.keysByClock ?? true) expiryContract(test);
}

function duplicateContract(test: ContractTest): void {
  test("publishing again with the same key does nothing", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const first = await engine.publish({ topic: "a", data: "1", key: "k" });
    await engine.publish({ topic: "a", data: "2" });
    const again = await engine.publish({ topic: "a", data: "3", key: "k" });
    assertEquals(first.duplicate, false);
    assertEquals(again, { offset: first.offset, duplicate: true });
    assertEquals(hub.data("a"), ["1", "2"]);
    await engine.close();
  });

  test("the same key twice in a turn is one version", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const published = await Promise.all(
      ["1", "2", "3"].map((data) =>
        engine.publish({ topic: "a", data, key: "k" })
      ),
    );
    assertEquals(hub.data("a"), ["1"]);
    assertEquals(
      published.map(({ duplicate }) => duplicate),
      [false, true, true],
    );
    assertEquals(new Set(published.map(({ offset }) => offset)).size, 1);
    await engine.close();
  });

  test("a key counts for its topic, to the letter", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const uses: [topic: string, key: string][] = [
      ["a", "k"],
      ["b", "k"],
      ["a", "K"],
      ["a", "k "],
      ["a", ""],
      ["a/k", ""],
      ["a", "/k"],
      ["a", "\n"],
      ["a", "k\u0000x"],
      ["a", "k\u0000y"],
      ["a", "caf\u00e9"],
      ["a", "cafe\u0301"],
      ["a:k", "x"],
      ["a", "k:x"],
      ["a", "k".repeat(4096)],
    ];
    for (let round = 0; round < 2; round++) {
      for (const [topic, key] of uses) {
        const { duplicate } = await engine.publish({ topic, data: "1", key });
        assertEquals(duplicate, round === 1, JSON.stringify([topic, key]));
      }
    }
    assertEquals(hub.log.length, uses.length);
    await engine.close();
  });

  test("a key is remembered when its version is not needed", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const first = await engine.publish({ topic: "a", data: "1", key: "k" });
    const { offset } = await engine.publish({ topic: "a", data: "2" });
    engine.trim("a", offset - 1);
    const again = await engine.publish({ topic: "a", data: "1", key: "k" });
    assertEquals(again, { offset: first.offset, duplicate: true });
    assertEquals(hub.newest("a"), "2");
    await engine.close();
  });

  test("a key is remembered when its topic was removed", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const first = await engine.publish({ topic: "a", data: "1", key: "k" });
    await engine.remove("a");
    const again = await engine.publish({ topic: "a", data: "1", key: "k" });
    assertEquals(again, { offset: first.offset, duplicate: true });
    assertEquals(hub.topics.has("a"), false);
    await engine.close();
  });
}

function expiryContract(test: ContractTest): void {
  test("a key is forgotten after its time, not before", async (store) => {
    const clock = new TestClock();
    const engine = store.engine({ keyTtl: 1000, clock });
    const hub = await Recorder.open(engine);
    const publish = async (data: string) =>
      (await engine.publish({ topic: "a", data, key: "k" })).duplicate;
    assertEquals(await publish("1"), false);
    await clock.advance(999);
    assertEquals(await publish("2"), true);
    await clock.advance(1);
    assertEquals(await publish("3"), false);
    // Its second use has its own time.
    await clock.advance(999);
    assertEquals(await publish("4"), true);
    assertEquals(hub.data("a"), ["1", "3"]);
    await engine.close();
  });

  test("versions carry the clock's time", async (store) => {
    const clock = new TestClock();
    const engine = store.engine({ clock });
    const hub = await Recorder.open(engine);
    await engine.publish({ topic: "a", data: "1" });
    await clock.advance(5000);
    await engine.publish({ topic: "a", data: "2" });
    const [first, second] = hub.log;
    assert(Math.abs(second!.at - first!.at - 5000) <= 1);
    await engine.close();
  });
}
