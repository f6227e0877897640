import { assert, assertEquals } from "@std/assert";
import type { ContractTest } from "./engine_contract_test_util.ts";
import { Recorder } from "./_recorder_test_util.ts";

/** What outlives an engine, if its store does. */
export function durableContract(test: ContractTest): void {
  reopeningContract(test);
  trimContract(test);
}

function reopeningContract(test: ContractTest): void {
  test("the next engine has all that was kept, and goes on", async (store) => {
    const first = store.engine();
    const before = await Recorder.open(first);
    for (let i = 0; i < 30; i++) {
      await first.publish({ topic: `t/${i % 4}`, data: `{"\u00e9":${i}}` });
    }
    await first.remove("t/3");
    await first.close();

    const second = store.engine();
    const after = await Recorder.open(second);
    assertEquals(after.epoch, before.epoch);
    assertEquals(after.topics, before.topics);
    assert(after.offset >= before.offset);
    const { offset } = await second.publish({ topic: "t/0", data: "30" });
    assert(offset > before.offset);
    assertEquals(after.data("t/0").length, before.data("t/0").length + 1);
    await second.close();
  });

  test("offsets go on when all topics are gone", async (store) => {
    const first = store.engine();
    const before = await Recorder.open(first);
    await first.publish({ topic: "a", data: "1" });
    await first.publish({ topic: "a", data: "2" });
    await first.remove("a");
    await first.close();

    const second = store.engine();
    const after = await Recorder.open(second);
    assertEquals(after.epoch, before.epoch);
    assertEquals(after.topics.size, 0);
    const { offset } = await second.publish({ topic: "a", data: "3" });
    assert(offset > before.offset);
    assertEquals(after.topics.get("a")![0]!.previous, 0);
    await second.close();
  });

  test("keys are remembered by the next engine", async (store) => {
    const first = store.engine();
    await Recorder.open(first);
    const { offset } = await first.publish({ topic: "a", data: "1", key: "k" });
    await first.close();

    const second = store.engine();
    const after = await Recorder.open(second);
    assertEquals(
      await second.publish({ topic: "a", data: "1", key: "k" }),
      { offset, duplicate: true },
    );
    assertEquals(after.data("a"), ["1"]);
    await second.close();
  });

  test("what closing has let through is there afterwards", async (store) => {
    const first = store.engine();
    const before = await Recorder.open(first);
    const published = Promise.allSettled(
      Array.from(
        { length: 50 },
        (_, i) => first.publish({ topic: "a", data: `${i}` }),
      ),
    );
    await first.close();
    await published;

    const second = store.engine();
    const after = await Recorder.open(second);
    const kept = new Set(after.data("a"));
    assert(before.data("a").every((data) => kept.has(data)));
    await second.close();
  });
}

function trimContract(test: ContractTest): void {
  test("trimming drops no more than it may, and never the newest", async (store) => {
    const first = store.engine();
    const before = await Recorder.open(first);
    for (let i = 0; i < 20; i++) {
      await first.publish({ topic: "a", data: `${i}` });
      await first.publish({ topic: "b", data: `${i}` });
    }
    const kept = before.topics.get("a")!.slice(15);
    first.trim("a", kept[0]!.offset - 1);
    first.trim("b", before.offset + 1000);
    first.trim("c", 7);
    await first.close();

    const second = store.engine();
    const after = await Recorder.open(second);
    assertEquals(after.topics.get("a")!.slice(-5), kept);
    assertEquals(after.newest("b"), "19");
    assertEquals(after.topics.size, 2);
    // The link to what was dropped stays: it tells that there was something.
    assert(after.topics.get("a")![0]!.previous < kept[0]!.offset);
    await second.close();
  });

  test("what was trimmed goes at last", async (store) => {
    const first = store.engine();
    const before = await Recorder.open(first);
    for (let i = 0; i < 3000; i++) {
      const published = first.publish({ topic: "a", data: `${i}` });
      if (i % 100 === 0) await published;
      if (i > 0 && i % 10 === 0) first.trim("a", before.offset - 1);
    }
    await first.publish({ topic: "a", data: "3000" });
    first.trim("a", before.offset - 1);
    await first.close();

    const second = store.engine();
    const after = await Recorder.open(second);
    assert(after.data("a").length < 1500, `${after.data("a").length} are left`);
    assertEquals(after.newest("a"), "3000");
    await second.close();
  });
}
