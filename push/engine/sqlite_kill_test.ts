// What a hub over a file has acknowledged is there when it was killed.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Line, valueOf } from "./_sqlite_publisher_test_util.ts";
import { Recorder } from "./_recorder_test_util.ts";
import { sqliteEngine } from "./sqlite.ts";

const PROGRAM = new URL("_sqlite_publisher_test_util.ts", import.meta.url).href;

/**
 * How many values each program would publish: far more than fit between it and
 * the test that reads what it says, so that it cannot end before it is killed.
 */
const COUNT = 20_000;

/** After how many lines each is killed. */
const KILLED_AFTER = [1, 2, 30, 300, 1000, 3000, 5000];

/** What a program has said before its end. */
interface Said {
  epoch: string;
  /** The offset that it began with. */
  offset: number;
  /** By number of the value, the offset that was acknowledged. */
  acknowledged: Map<number, number>;
  /** The numbers of those that had been published before. */
  duplicates: Set<number>;
  success: boolean;
}

/** Runs a program, and kills it after so many lines. */
async function run(path: string, killAfter: number): Promise<Said> {
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM, path, `${COUNT}`],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  let lines = 0;
  for await (
    const piece of program.stdout.pipeThrough(new TextDecoderStream())
  ) {
    text += piece;
    const before = lines;
    lines += piece.split("\n").length - 1;
    if (before < killAfter && lines >= killAfter) program.kill("SIGKILL");
  }
  const { success } = await program.status;
  return { ...parse(text), success };
}

function parse(text: string): Omit<Said, "success"> {
  const acknowledged = new Map<number, number>();
  const duplicates = new Set<number>();
  let epoch = "";
  let offset = 0;
  // What follows the last line end, if anything, was not said to its end.
  for (const said of text.split("\n").slice(0, -1)) {
    const line = said.split(" ") as Line;
    if (line[0] === "open") {
      epoch = line[1];
      offset = Number(line[2]);
    } else {
      acknowledged.set(Number(line[1]), Number(line[2]));
      if (line[3] === "true") duplicates.add(Number(line[1]));
    }
  }
  return { epoch, offset, acknowledged, duplicates };
}

/** By value, the offset that it has; fails if one is there twice. */
function offsets(hub: Recorder): Map<string, number> {
  const found = new Map<string, number>();
  for (const versions of hub.topics.values()) {
    for (const { data, offset } of versions) {
      assert(!found.has(data), `${data} is there twice`);
      found.set(data, offset);
    }
  }
  return found;
}

/** What all programs so far have said. */
interface History {
  epoch: string | undefined;
  acknowledged: Map<number, number>;
  /** The highest offset that was acknowledged. */
  highest: number;
}

Deno.test("no acknowledged value is lost or doubled, however often a hub over a file is killed", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/hub.db`;
  const history: History = {
    epoch: undefined,
    acknowledged: new Map(),
    highest: 0,
  };
  try {
    for (const killAfter of KILLED_AFTER) {
      const said = await run(path, killAfter);
      assertEquals(said.success, false, "It ended before it was killed");
      assertGoesOn(said, history);
      await assertKept(path, history);
    }
    await assertCompletes(path, history.acknowledged);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** What a program was told fits to what those before it were told. */
function assertGoesOn(said: Said, history: History): void {
  history.epoch ??= said.epoch;
  assertEquals(said.epoch, history.epoch);
  assert(said.offset >= history.highest);
  const { acknowledged } = history;
  for (const [n, offset] of said.acknowledged) {
    // One that was not acknowledged before may have been kept all the same.
    if (acknowledged.has(n)) {
      assertEquals(offset, acknowledged.get(n));
      assert(said.duplicates.has(n));
    }
    acknowledged.set(n, offset);
    history.highest = Math.max(history.highest, offset);
  }
}

/** The next hub has all that was acknowledged, and goes on behind it. */
async function assertKept(path: string, history: History): Promise<void> {
  const engine = sqliteEngine(path);
  const hub = await Recorder.open(engine);
  assertEquals(hub.epoch, history.epoch);
  assert(hub.offset >= history.highest);
  const kept = offsets(hub);
  for (const [n, offset] of history.acknowledged) {
    assertEquals(kept.get(valueOf(n).data), offset, `value ${n}`);
  }
  const { offset } = await engine.publish({ topic: "x", data: "1" });
  assert(offset > history.highest);
  history.highest = offset;
  await engine.remove("x");
  await engine.close();
}

/** The last one is let live: then all are there, once. */
async function assertCompletes(
  path: string,
  acknowledged: ReadonlyMap<number, number>,
): Promise<void> {
  const said = await run(path, Infinity);
  assertEquals(said.success, true);
  assertEquals(said.acknowledged.size, COUNT);
  for (const [n, offset] of acknowledged) {
    assertEquals(said.acknowledged.get(n), offset);
    assert(said.duplicates.has(n));
  }
  const engine = sqliteEngine(path);
  const kept = offsets(await Recorder.open(engine));
  assertEquals(kept.size, COUNT);
  for (const [n, offset] of said.acknowledged) {
    assertEquals(kept.get(valueOf(n).data), offset);
  }
  await engine.close();
}

Deno.test("a hub over a file keeps other processes from it, until it is killed", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/hub.db`;
  try {
    const engine = sqliteEngine(path);
    await engine.open(new Recorder());
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", PROGRAM, path, "1"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(success, false);
    const said = new TextDecoder().decode(stderr);
    assert(said.includes("another hub has it open"), said);
    await assertRejects(() => sqliteEngine(path).open(new Recorder()));
    await engine.close();
    await run(path, 100);
    await engineOpens(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function engineOpens(path: string): Promise<void> {
  const engine = sqliteEngine(path);
  await engine.open(new Recorder());
  await engine.close();
}
