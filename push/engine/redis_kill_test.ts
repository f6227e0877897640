// What Redis has acknowledged to a hub is there, whoever is killed.

import { assert, assertEquals } from "@std/assert";
import { testWith } from "../../tools/need.ts";
import { redisEngine } from "./redis.ts";
import { RedisServer } from "./redis_server_test_util.ts";
import { Recorder } from "./_recorder_test_util.ts";
import { valueOf } from "./_sqlite_publisher_test_util.ts";

const PROGRAM = new URL("_redis_publisher_test_util.ts", import.meta.url).href;

/**
 * How many values each program would publish: far more than fit between it and
 * the test, so that it cannot end before it is killed.
 */
const COUNT = 20_000;

/** What is done after so many lines of a program. */
interface Trouble {
  after: number;
  strike(program: Deno.ChildProcess): void;
}

/**
 * Runs a program.
 *
 * @returns By number of the value, the offset that was acknowledged; and whether
 * the program came to its end.
 */
async function run(server: RedisServer, trouble?: Trouble) {
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", PROGRAM, server.url, `${COUNT}`],
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
    if (trouble && before < trouble.after && lines >= trouble.after) {
      trouble.strike(program);
    }
  }
  const { success } = await program.status;
  // What follows the last line end, if anything, was not said to its end.
  const said = text.split("\n").slice(0, -1).map((line) => line.split(" "));
  const acknowledged = new Map(said.map(([n, at]) => [Number(n), Number(at)]));
  return { acknowledged, success };
}

/** Asserts that each value that was acknowledged is there, and none twice. */
async function assertKept(
  server: RedisServer,
  acknowledged: ReadonlyMap<number, number>,
): Promise<number> {
  const engine = redisEngine(server.url);
  const hub = await Recorder.open(engine);
  const versions = [...hub.topics.values()].flat();
  const kept = new Map(versions.map(({ data, offset }) => [data, offset]));
  assertEquals(kept.size, versions.length, "A value is there twice");
  for (const [n, offset] of acknowledged) {
    assertEquals(kept.get(valueOf(n).data), offset, `value ${n}`);
  }
  await engine.close();
  return kept.size;
}

testWith(
  "redis-server",
  "no acknowledged value is lost or doubled, however often a hub over Redis is killed",
  async (path) => {
    await using server = await RedisServer.start(path);
    const acknowledged = new Map<number, number>();
    for (const after of [1, 30, 300, 3000]) {
      const said = await run(server, {
        after,
        strike: (program) => program.kill("SIGKILL"),
      });
      assertEquals(said.success, false, "It ended before it was killed");
      for (const [n, offset] of said.acknowledged) {
        assertEquals(offset, acknowledged.get(n) ?? offset);
        acknowledged.set(n, offset);
      }
      assert(await assertKept(server, acknowledged) >= acknowledged.size);
    }
    const last = await run(server);
    assertEquals([last.success, last.acknowledged.size], [true, COUNT]);
    assertEquals(await assertKept(server, last.acknowledged), COUNT);
    await assertKept(server, acknowledged);
  },
);

testWith(
  "redis-server",
  "no acknowledged value is lost or doubled when Redis is killed",
  async (path) => {
    await using server = await RedisServer.start(path);
    const back: Promise<void>[] = [];
    const said = await run(server, {
      after: 2_000,
      strike: () => back.push(server.kill().then(() => server.start())),
    });
    await Promise.all(back);
    assertEquals(back.length, 1);
    assertEquals([said.success, said.acknowledged.size], [true, COUNT]);
    assertEquals(await assertKept(server, said.acknowledged), COUNT);
  },
);
