import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { TestClock } from "../../conn/clock.ts";
import { engineContract } from "./engine_contract_test_util.ts";
import { Recorder } from "./_recorder_test_util.ts";
import { SqliteEngine } from "./_sqlite_engine.ts";
import { openFile } from "./_sqlite_file.ts";
import { change, openAndClose, test } from "./_sqlite_test_util.ts";
import { sqliteEngine } from "./sqlite.ts";

engineContract("sqlite", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/hub.db`;
  return {
    engine: (options) => sqliteEngine(path, options),
    dispose: () => Deno.remove(folder, { recursive: true }),
  };
}, { shared: false, durable: true });

test("what is published in a turn is told at once, numbered from 1", async (folder) => {
  const engine = sqliteEngine(`${folder}/hub.db`);
  const hub = await Recorder.open(engine);
  const published = ["1", "2", "3"].map((data) =>
    engine.publish({ topic: "a", data, key: data })
  );
  assertEquals(hub.told, []);
  await published[0];
  assertEquals(hub.told.length, 1);
  assertEquals(hub.log.map(({ offset }) => offset), [1, 2, 3]);
  await engine.publish({ topic: "a", data: "1", key: "1" });
  await engine.publish({ topic: "a", data: "4" });
  assertEquals(hub.offset, 4);
  await engine.close();
});

test("a clean close leaves no offset out", async (folder) => {
  const path = `${folder}/hub.db`;
  for (let i = 1; i <= 3; i++) {
    const engine = sqliteEngine(path, { durable: i === 2 });
    const hub = await Recorder.open(engine);
    assertEquals(hub.offset, i - 1);
    const { offset } = await engine.publish({ topic: "a", data: "1" });
    assertEquals(offset, i);
    await engine.close();
  }
});

test("the path may be a URL, and its file is the only one left", async (folder) => {
  const url = new URL(`file://${folder}/a%20hub.db`);
  const engine = sqliteEngine(url);
  await engine.open(new Recorder());
  await engine.publish({ topic: "a", data: "1" });
  await engine.close();
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  assertEquals(names, ["a hub.db"]);
});

test("offsets of a machine that went down are not used again", async (folder) => {
  const path = `${folder}/hub.db`;
  const engine = sqliteEngine(path);
  const hub = await Recorder.open(engine);
  // What the disk has, if nothing is written to it from here on.
  const copy = `${folder}/copy.db`;
  await Deno.copyFile(path, copy);
  await Deno.copyFile(`${path}-wal`, `${copy}-wal`);
  for (let i = 0; i < 5; i++) await engine.publish({ topic: "a", data: "1" });
  await engine.close();

  const next = sqliteEngine(copy);
  const after = await Recorder.open(next);
  assertEquals(after.epoch, hub.epoch);
  assertEquals(after.topics.size, 0);
  assert(after.offset >= hub.offset);
  const { offset } = await next.publish({ topic: "a", data: "2" });
  assert(offset > hub.offset);
  await next.close();
});

test("offsets need more than 32 bits, and keep them", async (folder) => {
  const path = `${folder}/hub.db`;
  await openAndClose(path);
  const far = 2 ** 52;
  change(path, `UPDATE sequence SET ceiling = ${far}`);
  for (let i = 0; i < 2; i++) {
    const engine = sqliteEngine(path);
    const hub = await Recorder.open(engine);
    assertEquals(hub.offset, far + i);
    const { offset } = await engine.publish({ topic: "a", data: "1" });
    assertEquals(offset, far + i + 1);
    assertEquals(hub.topics.get("a")!.at(-1)!.previous, i && far + i);
    await engine.close();
  }
});

test("more than are set aside at a time are numbered without a hole", async (folder) => {
  const engine = sqliteEngine(`${folder}/hub.db`);
  const hub = await Recorder.open(engine);
  const publish = (n: number) =>
    Promise.all(
      Array.from(
        { length: n },
        () => engine.publish({ topic: "a", data: "1" }),
      ),
    );
  await publish(65_000);
  await publish(2_000);
  await publish(70_000);
  assertEquals(hub.offset, 137_000);
  assertEquals(hub.log.length, 137_000);
  // And the file is ahead of them all, should the program end here.
  const copy = `${folder}/copy.db`;
  await Deno.copyFile(`${folder}/hub.db`, copy);
  await Deno.copyFile(`${folder}/hub.db-wal`, `${copy}-wal`);
  await engine.close();
  const next = sqliteEngine(copy);
  const after = await Recorder.open(next);
  assertEquals(after.topics, hub.topics);
  assert(after.offset >= 137_000);
  await next.close();
});

/** An engine whose file is full at so many pages of 4 KiB. */
async function openFull(path: string, pages: number) {
  const open = () => {
    const file = openFile(path, "e");
    file.exec(`PRAGMA max_page_count = ${pages}`);
    return file;
  };
  const options = { durable: false, keyTtl: 1000, time: Date.now };
  const engine = new SqliteEngine(path, open, options);
  return { engine, hub: await Recorder.open(engine) };
}

test("what finds no room is refused, and the rest of its turn is kept", async (folder) => {
  const path = `${folder}/hub.db`;
  const { engine, hub } = await openFull(path, 100);
  const large = JSON.stringify("x".repeat(1_000_000));
  const results = await Promise.allSettled([
    engine.publish({ topic: "a", data: "1", key: "k" }),
    engine.publish({ topic: "b", data: large, key: "l" }),
    engine.remove("c"),
    engine.publish({ topic: "a", data: "2", key: "k" }),
    engine.publish({ topic: "b", data: "3", key: "l" }),
  ]);
  assertEquals(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"],
  );
  const { reason } = results[1] as PromiseRejectedResult;
  assertEquals(reason.code, "engine_unavailable");
  assertEquals(
    reason.message,
    'Cannot publish to "b": database or disk is full',
  );
  assertEquals(hub.log.map(({ offset, data }) => [offset, data]), [
    [1, "1"],
    [2, "3"],
  ]);
  await engine.close();
  const next = sqliteEngine(path);
  const after = await Recorder.open(next);
  assertEquals(after.topics, hub.topics);
  await next.close();
});

test("a full file takes values again as soon as there is room", async (folder) => {
  const { engine, hub } = await openFull(`${folder}/hub.db`, 100);
  const data = JSON.stringify("x".repeat(50_000));
  let failures = 0;
  for (let i = 0; i < 20; i++) {
    await engine.publish({ topic: "a", data }).catch(() => failures++);
  }
  assert(failures > 0 && failures < 20);
  const kept = hub.log.length;
  engine.trim("a", hub.offset - 1);
  await engine.publish({ topic: "a", data: "1" });
  await engine.publish({ topic: "a", data });
  assertEquals(hub.log.length, kept + 2);
  assertEquals(hub.offset, kept + 2);
  await engine.close();
});

test("the file stays small when old versions are not needed", async (folder) => {
  const path = `${folder}/hub.db`;
  const engine = sqliteEngine(path);
  await engine.open(new Recorder());
  const data = JSON.stringify("x".repeat(10_000));
  for (let i = 0; i < 3000; i++) {
    const { offset } = await engine.publish({ topic: "a", data });
    engine.trim("a", offset - 1);
  }
  await engine.close();
  const { size } = await Deno.stat(path);
  assert(size < 3_000_000, `${size} bytes for one value of 10 KB`);
});

test("closing drops what is not needed, up to the highest offset named", async (folder) => {
  const path = `${folder}/hub.db`;
  const engine = sqliteEngine(path);
  await engine.open(new Recorder());
  for (let i = 1; i <= 5; i++) {
    await engine.publish({ topic: "a", data: `${i}` });
  }
  engine.trim("a", 3);
  engine.trim("a", 1);
  await engine.close();
  const next = sqliteEngine(path);
  assertEquals((await Recorder.open(next)).data("a"), ["4", "5"]);
  await next.close();
});

test("keys that are forgotten leave the file", async (folder) => {
  const path = `${folder}/hub.db`;
  const clock = new TestClock();
  const engine = sqliteEngine(path, { keyTtl: 1000, clock });
  await engine.open(new Recorder());
  let count = 0;
  const publish = () =>
    engine.publish({ topic: "a", data: "1", key: `${count++}` });
  await Promise.all(Array.from({ length: 100 }, publish));
  await clock.advance(1000);
  // Two go for each that comes.
  await Promise.all(Array.from({ length: 50 }, publish));
  await engine.close();
  assertEquals(keysIn(path), 50);

  const next = sqliteEngine(path, { clock });
  await clock.advance(10_000);
  await next.open(new Recorder());
  await next.close();
  assertEquals(keysIn(path), 0);
});

test("keys are kept for ever if they are to be", async (folder) => {
  const clock = new TestClock();
  const engine = sqliteEngine(`${folder}/hub.db`, { keyTtl: Infinity, clock });
  await engine.open(new Recorder());
  const value = { topic: "a", data: "1", key: "k" };
  assertEquals((await engine.publish(value)).duplicate, false);
  await clock.advance(1e12);
  assertEquals((await engine.publish(value)).duplicate, true);
  await engine.close();
});

test("a key's time goes on while no hub has the file", async (folder) => {
  const path = `${folder}/hub.db`;
  const value = { topic: "a", data: "1", key: "k" };
  const publishAt = async (now: number) => {
    const clock = new TestClock();
    const engine = sqliteEngine(path, { keyTtl: 60_000, clock });
    await clock.advance(now);
    await engine.open(new Recorder());
    const { duplicate } = await engine.publish(value);
    await engine.close();
    return duplicate;
  };
  assertEquals(await publishAt(0), false);
  assertEquals(await publishAt(30_000), true);
  assertEquals(await publishAt(90_000), false);
});

/** How many keys are remembered in a file that no engine has open. */
function keysIn(path: string): unknown {
  const file = new DatabaseSync(path);
  const row = file.prepare("SELECT count(*) AS n FROM keys").get();
  file.close();
  return row?.n;
}
