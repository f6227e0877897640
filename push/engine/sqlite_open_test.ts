import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { Recorder } from "./_recorder_test_util.ts";
import { change, openAndClose, test } from "./_sqlite_test_util.ts";
import { sqliteEngine } from "./sqlite.ts";

/** Opens a file that cannot be, and gives the error. */
async function openError(path: string): Promise<ConnError> {
  const engine = sqliteEngine(path);
  const error = await assertRejects(
    () => engine.open(new Recorder()),
    ConnError,
  );
  assertEquals([error.code, error.reply], ["engine_unavailable", 503]);
  assert(error.message.startsWith(`Cannot open the engine's file "${path}": `));
  await engine.close();
  return error;
}

test("one hub for each file: the second is refused", async (folder) => {
  const path = `${folder}/hub.db`;
  const engine = sqliteEngine(path);
  await engine.open(new Recorder());
  const error = await openError(path);
  assert(error.message.endsWith("expected one hub for each file"));
  await engine.publish({ topic: "a", data: "1" });
  await engine.close();
  await openAndClose(path);
});

test("an engine that could not be opened may be opened later", async (folder) => {
  const path = `${folder}/hub.db`;
  const [first, second] = [sqliteEngine(path), sqliteEngine(path)];
  await first.open(new Recorder());
  await assertRejects(() => second.open(new Recorder()), ConnError);
  await first.close();
  const hub = await Recorder.open(second);
  await second.publish({ topic: "a", data: "1" });
  assertEquals(hub.newest("a"), "1");
  await second.close();
});

test("a file that is something else is refused, and left as it is", async (folder) => {
  const text = `${folder}/text.db`;
  await Deno.writeTextFile(text, "No database at all.\n".repeat(100));
  const foreign = `${folder}/foreign.db`;
  change(foreign, "CREATE TABLE sequence (epoch TEXT, ceiling INTEGER)");
  const newer = `${folder}/newer.db`;
  await openAndClose(newer);
  change(newer, "PRAGMA user_version = 2");
  for (
    const [path, reason] of [
      [text, "file is not a database"],
      [foreign, "it is a database of another program"],
      [newer, "its schema is 2, expected 1"],
    ] as const
  ) {
    const before = await Deno.readFile(path);
    const error = await openError(path);
    assert(error.message.endsWith(reason), error.message);
    assertEquals(await Deno.readFile(path), before);
  }
});

test("a file that is damaged is refused", async (folder) => {
  const path = `${folder}/hub.db`;
  const engine = sqliteEngine(path);
  await engine.open(new Recorder());
  for (let i = 0; i < 1000; i++) engine.publish({ topic: "a", data: `${i}` });
  await engine.close();
  const whole = await Deno.readFile(path);

  const damaged = whole.slice();
  damaged.fill(0xa5, 4096);
  await Deno.writeFile(path, damaged);
  await openError(path);

  await Deno.writeFile(path, whole.subarray(0, 4096));
  await openError(path);

  await Deno.writeFile(path, whole);
  change(path, "DELETE FROM sequence");
  const error = await openError(path);
  assert(error.message.endsWith("its sequence is missing"));

  change(path, "DROP TABLE sequence");
  await openError(path);
});

test("a path that cannot be a file is refused", async (folder) => {
  await openError(folder);
  await openError(`${folder}/missing/hub.db`);
  assertThrows(() => sqliteEngine(""), TypeError);
  assertThrows(() => sqliteEngine(new URL("http://localhost/a")), TypeError);
});

test("keyTtl out of range is refused", (folder) => {
  for (const keyTtl of [-1, NaN]) {
    assertThrows(() => sqliteEngine(`${folder}/a`, { keyTtl }), RangeError);
  }
  return Promise.resolve();
});

Deno.test({
  name: "sqlite engine: a file that it may not write is refused",
  permissions: { read: true, write: false },
  fn: async () => {
    const path = new URL("hub.db", import.meta.url).pathname;
    const error = await openError(path);
    assert(error.cause instanceof Deno.errors.NotCapable);
  },
});
