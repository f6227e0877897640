// What becomes of the clients of a hub over a file that is killed.

import { assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { Crowd } from "./crowd_test_util.ts";
import { HubProgram, SHORT } from "./hub_program_test_util.ts";
import { assertKept, assertSeen } from "./witness_test_util.ts";

/** A folder for a hub's file. */
class Folder implements Disposable {
  readonly #path = Deno.makeTempDirSync({ prefix: "hub-" });

  get file(): string {
    return `${this.#path}/hub.db`;
  }

  /** Drops what is in it. */
  clear(): void {
    for (const { name } of Deno.readDirSync(this.#path)) {
      Deno.removeSync(`${this.#path}/${name}`);
    }
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#path, { recursive: true });
  }
}

Deno.test("the clients of a hub over a file miss nothing, however often it is killed", async () => {
  using folder = new Folder();
  await using hub = await HubProgram.start({ engine: { sqlite: folder.file } });
  await using crowd = new Crowd();
  const { url } = hub;
  const every = { mode: "every", since: "oldest" } as const;
  for (const name of ["a", "b"]) crowd.publish(crowd.client(url), name, 600);
  crowd.post(url, "c", 200);
  const first = crowd.watch(crowd.client(url), "t/#", every);
  crowd.watch(crowd.client(url), "t/+/+", { mode: "every", delta: true });
  crowd.watch(crowd.client(url), "t/#");
  crowd.watch(crowd.client(url), "t/#", { delta: true });
  crowd.watchStream(url, "t/#");
  crowd.watchStream(url, "t/#", { mode: "latest" });
  crowd.watchPolls(url, "t/#");
  crowd.watchPolls(url, "t/#", { mode: "latest" });
  for (const count of [100, 400, 900]) {
    await crowd.untilAcknowledged(count);
    await hub.kill();
    await hub.start();
  }
  await crowd.untilAllSeen();
  for (const witness of crowd.witnesses) assertSeen(witness, crowd.counts);
  assertKept(first, crowd.acknowledged);
});

Deno.test("a client gets what it missed of a killed hub as far as history reaches back, and a reset beyond", async () => {
  using folder = new Folder();
  await using hub = await HubProgram.start({ engine: { sqlite: folder.file } });
  await using crowd = new Crowd();
  const { url } = hub;
  const post = async (topic: string, first: number, last: number) => {
    for (let n = first; n <= last; n++) await crowd.postOne(url, topic, n);
  };
  await post("short/a", 1, 2);
  await post("short/b", 1, 2);
  const since = crowd.acknowledged.at(-1)!.cursor;
  await post("short/a", 3, 2 + SHORT + 1);
  await post("short/b", 3, 2 + SHORT);
  await hub.kill();
  await hub.start();
  const options = { mode: "every", since } as const;
  crowd.watch(crowd.client(url), "short/#", options);
  crowd.watchStream(url, "short/#", options);
  crowd.watchPolls(url, "short/#", options);
  for (const witness of crowd.witnesses) {
    await crowd.until(
      () => witness.newest("short/b") === 2 + SHORT,
      `${witness.name} has the newest value`,
    );
    assertEquals(witness.notices, ["reset (history) of short/a after 0"]);
    assertEquals(witness.numbers("short/a"), [2 + SHORT + 1]);
    assertEquals(witness.numbers("short/b"), [3, 4, 5, 6]);
  }
});

Deno.test("the clients of a hub that has lost its file are told, and go on", async () => {
  using folder = new Folder();
  await using hub = await HubProgram.start({ engine: { sqlite: folder.file } });
  await using crowd = new Crowd();
  const { url } = hub;
  for (const mode of ["every", "latest"] as const) {
    const options = { mode, since: "oldest" };
    crowd.watch(crowd.client(url), "t/#", options);
    crowd.watchStream(url, "t/#", options);
    crowd.watchPolls(url, "t/#", options);
  }
  const untilSeen = (n: number) =>
    crowd.until(
      () => crowd.witnesses.every((each) => each.newest("t/a") === n),
      `all have seen value ${n}`,
    );
  await crowd.postOne(url, "t/a", 7);
  await untilSeen(7);
  await hub.kill();
  folder.clear();
  await hub.start();
  await crowd.postOne(url, "t/a", 1);
  await untilSeen(1);
  for (const { name, notices, seen } of crowd.witnesses) {
    assertEquals(notices, ["reset (epoch) of all after 1"], name);
    assertEquals(seen.map(({ n }) => n), [7, 1], name);
  }
});

Deno.test("who subscribed before the first value misses none of them", async () => {
  using folder = new Folder();
  await using hub = await HubProgram.start({ engine: { sqlite: folder.file } });
  await using crowd = new Crowd();
  const { url } = hub;
  const client = crowd.client(url);
  crowd.watch(client, "t/#", { mode: "every" });
  const stream = crowd.watchStream(url, "t/#", { since: "newest" });
  await crowd.until(() => stream.isConnected, "there is an event stream");
  // The hub answers in order: all have subscribed by then.
  await assertRejects(() => client.presence("t/a"), ConnError);
  const release = crowd.hold();
  await hub.kill();
  await hub.start();
  for (const n of [1, 2, 3]) await crowd.postOne(url, "t/a", n);
  release();
  await crowd.until(
    () => crowd.witnesses.every((each) => each.newest("t/a") === 3),
    "all have the newest value",
  );
  for (const { name, notices, seen } of crowd.witnesses) {
    assertEquals([notices, seen.map(({ n }) => n)], [[], [1, 2, 3]], name);
  }
});
