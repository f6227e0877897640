import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { ContractTest } from "./engine_contract_test_util.ts";
import { Recorder } from "./_recorder_test_util.ts";

/** What is so for any engine that is open, alone. */
export function basicContract(test: ContractTest): void {
  openingContract(test);
  publishContract(test);
  removeContract(test);
  closingContract(test);
}

function openingContract(test: ContractTest): void {
  test("a fresh store is empty, and has an epoch", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    assertEquals(hub.offset, 0);
    assertEquals(hub.topics.size, 0);
    assertEquals(hub.told, []);
    await engine.close();
  });

  test("an engine is for one hub: it is not opened twice", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    await assertUnavailable(engine.open(new Recorder()));
    await engine.publish({ topic: "a", data: "1" });
    assertEquals(hub.newest("a"), "1");
    await engine.close();
    await assertUnavailable(engine.open(new Recorder()));
  });
}

function publishContract(test: ContractTest): void {
  test("a version is told before its publish resolves", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const before = Date.now();
    const { offset, duplicate } = await engine.publish({
      topic: "a",
      data: '{"b":[1,null]}',
    });
    assertEquals(hub.log.length, 1);
    const [version] = hub.log;
    assertEquals(version, {
      topic: "a",
      offset,
      previous: 0,
      at: version!.at,
      data: '{"b":[1,null]}',
    });
    assert(version!.at >= before - 5_000 && version!.at <= Date.now() + 5_000);
    assertEquals(duplicate, false);
    await engine.close();
  });

  test("versions have the order that they were published in", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const sent: string[] = [];
    const published = [];
    for (let i = 0; i < 300; i++) {
      const topic = `t/${i % 7}`;
      sent.push(`${topic} ${i}`);
      published.push(engine.publish({ topic, data: `${i}` }));
      // Some share a turn, others do not.
      if (i % 50 === 0) await published.at(-1);
    }
    const offsets = (await Promise.all(published)).map(({ offset }) => offset);
    assertEquals(hub.log.map(({ topic, data }) => `${topic} ${data}`), sent);
    assertEquals(hub.log.map(({ offset }) => offset), offsets);
    await engine.close();
  });

  test("each topic's versions are linked, the first to none", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const [a1, , a2] = await Promise.all(
      ["a", "b", "a"].map((topic) => engine.publish({ topic, data: "0" })),
    );
    const { offset: a3 } = await engine.publish({ topic: "a", data: "0" });
    assertEquals(
      hub.topics.get("a")!.map(({ previous }) => previous),
      [0, a1!.offset, a2!.offset],
    );
    assertEquals(hub.topics.get("b")!.map(({ previous }) => previous), [0]);
    assertEquals(hub.offset, a3);
    await engine.close();
  });

  test("topics that look alike are not the same", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const topics = [
      "caf\u00e9",
      "cafe\u0301",
      "Cafe",
      "cafe",
      "CAFE",
      "cafe ",
      " cafe",
      "caf\u{1f600}",
      "\uff43afe",
      "constructor",
      "__proto__",
      "1",
      "01",
      "1.0",
      "x'; DROP TABLE versions; --",
      "*",
      "[a]",
      "\u{10ffff}/\u00a0",
    ];
    await Promise.all(
      topics.map((topic, i) => engine.publish({ topic, data: `${i}` })),
    );
    assertEquals([...hub.topics.keys()], topics);
    assertEquals(
      topics.map((topic) => hub.data(topic)),
      topics.map((_, i) => [`${i}`]),
    );
    await engine.close();
  });

  test("values are kept to the letter, large ones too", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const values = [
      '""',
      "null",
      "0",
      "-1e300",
      "12345678901234567890",
      '"\\u0000\\ud800 \u2028 \u{1f600} \u00e9"',
      '"%00 $1 \\r\\n \\" \'"',
      `"${"a\u00e9".repeat(350_000)}"`,
      `[${"1,".repeat(500_000)}1]`,
    ];
    await Promise.all(
      values.map((data) => engine.publish({ topic: "a", data })),
    );
    // Not assertEquals: a difference would be a long read.
    assert(hub.data("a").every((data, i) => data === values[i]));
    assertEquals(hub.data("a").length, values.length);
    await engine.close();
  });
}

function removeContract(test: ContractTest): void {
  test("a topic that was removed begins anew", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    await engine.publish({ topic: "a", data: "1" });
    const { offset } = await engine.publish({ topic: "b", data: "2" });
    await engine.remove("a");
    assertEquals(hub.told.at(-1), { type: "removed", topic: "a" });
    await engine.publish({ topic: "a", data: "3" });
    await engine.publish({ topic: "b", data: "4" });
    const [first] = hub.topics.get("a")!;
    assertEquals(first!.previous, 0);
    assertEquals(first!.data, "3");
    assert(first!.offset > offset);
    assertEquals(hub.data("b"), ["2", "4"]);
    await engine.close();
  });

  test("removing and publishing keep their order within a turn", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    const published = [
      engine.publish({ topic: "a", data: "1" }),
      engine.remove("a"),
      engine.publish({ topic: "a", data: "2" }),
      engine.publish({ topic: "b", data: "3" }),
      engine.remove("b"),
    ];
    await Promise.all(published);
    assertEquals(hub.data("a"), ["2"]);
    assertEquals(hub.topics.has("b"), false);
    await engine.close();
  });

  test("removing a topic that is not there does nothing", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    await engine.publish({ topic: "a", data: "1" });
    await engine.remove("b");
    assertEquals(hub.data("a"), ["1"]);
    await engine.close();
  });

  test("trimming tells nobody, and breaks no link", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    for (let i = 0; i < 10; i++) {
      const { offset } = await engine.publish({ topic: "a", data: `${i}` });
      engine.trim("a", offset - 1);
    }
    engine.trim("b", 5);
    // Beyond the newest: that one stays, as the links show.
    engine.trim("a", hub.offset + 1000);
    await engine.publish({ topic: "a", data: "10" });
    assertEquals(hub.data("a").length, 11);
    assert(hub.told.every(({ type }) => type === "versions"));
    await engine.close();
  });
}

function closingContract(test: ContractTest): void {
  test("closing settles what was published, and ends all", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    await engine.publish({ topic: "a", data: "0" });
    const published = Array.from(
      { length: 20 },
      (_, i) => engine.publish({ topic: "a", data: `${i + 1}` }),
    );
    const settled = Promise.allSettled(published);
    await engine.close();
    for (const result of await settled) {
      // Kept, and then it was told; or refused, clearly.
      if (result.status === "rejected") assertIsUnavailable(result.reason);
      else {
        const { offset } = result.value;
        assert(hub.log.some((version) => version.offset === offset));
      }
    }
    const { length } = hub.told;
    await assertUnavailable(engine.publish({ topic: "a", data: "99" }));
    await assertUnavailable(engine.remove("a"));
    engine.trim("a", 1);
    engine.signal("nobody hears it");
    await engine.close();
    assertEquals(hub.told.length, length);
  });

  test("one that was never opened refuses, and closes", async (store) => {
    const engine = store.engine();
    await assertUnavailable(engine.publish({ topic: "a", data: "1" }));
    await assertUnavailable(engine.remove("a"));
    engine.trim("a", 1);
    engine.signal("nobody hears it");
    await engine.close();
  });

  test("a hub does not hear its own signals", async (store) => {
    const engine = store.engine();
    const hub = await Recorder.open(engine);
    engine.signal("hello");
    await engine.publish({ topic: "a", data: "1" });
    await engine.publish({ topic: "a", data: "2" });
    assertEquals(hub.signals, []);
    await engine.close();
  });
}

/** Asserts that an engine refuses as it should. */
export async function assertUnavailable(
  promise: Promise<unknown>,
): Promise<void> {
  assertIsUnavailable(await assertRejects(() => promise));
}

function assertIsUnavailable(error: unknown): void {
  assert(error instanceof ConnError, `${error}`);
  assertEquals([error.code, error.reply], ["engine_unavailable", 503]);
}
