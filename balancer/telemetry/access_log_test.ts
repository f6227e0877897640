import { assert, assertEquals, assertRejects } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { accessLog, type AccessLogOptions } from "./access_log.ts";
import { headOf, recordOf, TIME } from "./telemetry_test_util.ts";

/** A place for lines that a test can hold up, and break. */
class TestSink {
  /** What was taken. */
  text = "";
  /** The sizes of what was offered. */
  readonly offers: number[] = [];
  /** What each write waits for, and then does; gives how many bytes to take. */
  behave: (bytes: Uint8Array) => Promise<number | void> = () =>
    Promise.resolve();
  /** Writes that are under way. */
  under = 0;

  write = async (bytes: Uint8Array): Promise<number | void> => {
    assertEquals(++this.under, 1, "one write at a time");
    this.offers.push(bytes.length);
    try {
      const count = await this.behave(bytes);
      this.text += new TextDecoder().decode(bytes.subarray(0, count!));
      return count;
    } finally {
      this.under--;
    }
  };

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }
}

function setUp(options: Partial<AccessLogOptions> = {}) {
  const clock = new TestClock();
  const sink = new TestSink();
  const log = accessLog({
    format: "seed",
    write: sink.write,
    clock,
    ...options,
  });
  return { clock, sink, log };
}

/** A record whose line, of the seed's format, tells its number. */
const numbered = (n: number) => recordOf({ backend: String(n) });
const numbers = (sink: TestSink) =>
  sink.lines.map((line) => Number(line.split("=")[1]));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

/** A record whose line is `size` bytes long. */
function sized(size: number) {
  const bare = "1465813260 GET  backend=x\n".length;
  const target = "/".repeat(size - bare);
  return recordOf({ backend: "x", head: headOf({}, { target }) });
}

const KIB = 1024;
const MIB = 1024 * KIB;

Deno.test("lines are written together, once a second", async () => {
  const { clock, sink, log } = setUp();
  log.log(numbered(0));
  await clock.advance(500);
  log.log(numbered(1));
  await clock.advance(499);
  assertEquals(sink.offers, []);
  await clock.advance(1);
  assertEquals(sink.offers.length, 1);
  assertEquals(numbers(sink), [0, 1]);
  assertEquals(clock.pending, 0);
  log.log(numbered(2));
  await clock.advance(1000);
  assertEquals(numbers(sink), [0, 1, 2]);
  await log.close();
});

Deno.test("64 KiB of lines are written at once", async () => {
  const { clock, sink, log } = setUp();
  log.log(sized(32 * KIB));
  log.log(sized(32 * KIB - 1));
  await clock.advance(0);
  assertEquals(sink.offers, []);
  log.log(sized(100));
  await clock.advance(0);
  assertEquals(sink.offers, [64 * KIB + 99]);
  await log.close();
});

Deno.test("what waits does not keep the process alive", async () => {
  const unrefed: unknown[] = [];
  const clock = Object.assign(new TestClock(), {
    unrefTimer: (timer: unknown) => unrefed.push(timer),
  });
  const { sink, log } = setUp({ clock });
  sink.behave = () => Promise.reject(new Error("Closed"));
  log.log(numbered(0));
  assertEquals([unrefed.length, clock.pending], [1, 1]);
  await clock.advance(1000);
  assertEquals([unrefed.length, clock.pending], [2, 1]);
  await assertRejects(() => log.close());
});

Deno.test("while a write is under way, others wait for it", async () => {
  const { clock, sink, log } = setUp();
  const gate = Promise.withResolvers<void>();
  sink.behave = () => gate.promise;
  for (let i = 0; i < 3; i++) log.log(sized(64 * KIB));
  log.log(sized(100));
  await clock.advance(5000);
  assertEquals(sink.offers, [64 * KIB]);
  gate.resolve();
  await clock.advance(0);
  assertEquals(sink.offers, [64 * KIB, 64 * KIB, 64 * KIB, 100]);
  await log.close();
});

Deno.test("flush writes all that was logged before, and waits for nothing later", async () => {
  const { clock, sink, log } = setUp();
  const gates: (() => void)[] = [];
  sink.behave = () => new Promise((resolve) => gates.push(resolve));
  log.log(sized(64 * KIB));
  log.log(sized(100));
  let isFlushed = false;
  const flushed = log.flush().then(() => isFlushed = true);
  log.log(sized(64 * KIB));
  await clock.advance(0);
  gates.shift()!();
  await clock.advance(0);
  assert(!isFlushed);
  gates.shift()!();
  await clock.advance(0);
  assert(isFlushed);
  await flushed;
  assertEquals(sink.offers, [64 * KIB, 100, 64 * KIB]);
  assertEquals(sink.text.length, 64 * KIB + 100);
  const closed = log.close();
  gates.shift()!();
  await closed;
  assertEquals(sink.text.length, 128 * KIB + 100);
});

Deno.test("flush of nothing writes nothing", async () => {
  const { sink, log } = setUp();
  await log.flush();
  await log.close();
  assertEquals(sink.offers, []);
});

Deno.test("close writes what waits, drops what comes later, and leaves no timer", async () => {
  const { clock, sink, log } = setUp();
  log.log(numbered(0));
  const closed = log.close();
  log.log(numbered(1));
  await closed;
  assertEquals(log.close(), closed);
  assertEquals(numbers(sink), [0]);
  assertEquals(log.dropped, 1);
  assertEquals(clock.pending, 0);
});

Deno.test("what a write did not take is offered again", async () => {
  const { sink, log } = setUp();
  sink.behave = (bytes) => Promise.resolve(Math.min(10, bytes.length));
  for (const n of upTo(5)) log.log(numbered(n));
  await log.close();
  assertEquals(numbers(sink), upTo(5));
  assert(sink.offers.length > 10);
});

Deno.test("no more than 4 MiB wait; a line says how many are missing", async () => {
  const { clock, sink, log } = setUp({ format: "json" });
  const gate = Promise.withResolvers<void>();
  sink.behave = () => gate.promise;
  let logged = 0;
  for (; log.dropped === 0; logged++) log.log(recordOf());
  for (const n of upTo(9)) log.log(recordOf({ time: TIME + n }));
  assertEquals(log.dropped, 10);
  gate.resolve();
  await clock.advance(2000);
  assert(sink.text.length <= 4 * MIB && sink.text.length > 4 * MIB - KIB);
  assertEquals(sink.lines.length, logged - 1);
  log.log(recordOf({ requestId: "next" }));
  await log.close();
  const [note, next] = sink.lines.slice(logged - 1).map((line) =>
    JSON.parse(line)
  );
  assertEquals(note, { time: new Date(TIME + 8).toISOString(), dropped: 10 });
  assertEquals(next.request_id, "next");
  assertEquals(sink.lines.length, logged + 1);
  assertEquals(log.dropped, 10);
});

Deno.test("close says how many lines are missing at the end", async () => {
  const { sink, log } = setUp();
  log.log(sized(64 * KIB));
  log.log(sized(4 * MIB));
  await log.close();
  assertEquals(log.dropped, 1);
  assertEquals(sink.lines[1], "# lines dropped: 1");
});

Deno.test("a write that fails is tried again after a second, with nothing lost", async () => {
  const errors: ConnError[] = [];
  const { clock, sink, log } = setUp({
    onError: (error) => errors.push(error),
  });
  let isFull = true;
  // The disk takes a few bytes, and then is full.
  let room = 5;
  sink.behave = (bytes) => {
    if (!isFull) return Promise.resolve();
    if (room === 0) return Promise.reject(new Error("No space left"));
    const count = Math.min(room, bytes.length);
    room -= count;
    return Promise.resolve(count);
  };
  log.log(numbered(0));
  await clock.advance(1000);
  log.log(numbered(1));
  log.log(sized(64 * KIB));
  await clock.advance(3000);
  assertEquals(sink.offers.length, 5);
  assertEquals(errors.length, 1);
  assertEquals(errors[0]!.code, "log_failed");
  assertEquals(
    errors[0]!.message,
    "Cannot write the access log: No space left",
  );
  isFull = false;
  await clock.advance(1000);
  assertEquals(sink.lines.length, 3);
  assertEquals(numbers(sink).slice(0, 2), [0, 1]);
  isFull = true;
  log.log(numbered(2));
  await clock.advance(1000);
  assertEquals(errors.length, 2);
  isFull = false;
  await log.close();
  assertEquals(log.dropped, 0);
  assertEquals(sink.lines.length, 4);
});

Deno.test("a write that throws, or takes nothing, has failed", async () => {
  const bad = [
    () => {
      throw new Error("Broken");
    },
    () => Promise.resolve(0),
    () => Promise.resolve(NaN),
  ];
  for (const write of bad) {
    const { clock, log } = setUp({ write });
    log.log(numbered(0));
    const error = await assertRejects(() => log.flush(), ConnError);
    assertEquals(error.code, "log_failed");
    await assertRejects(() => log.close(), ConnError);
    assertEquals(clock.pending, 0);
  }
});

Deno.test("a flush that fails loses nothing", async () => {
  const { sink, log } = setUp();
  sink.behave = () => Promise.reject(new Error("No space left"));
  log.log(numbered(0));
  await assertRejects(() => log.flush(), ConnError, "No space left");
  sink.behave = () => Promise.resolve();
  await log.flush();
  assertEquals(numbers(sink), [0]);
  await log.close();
});

Deno.test("a log that is reopened writes somewhere else, each line in one place", async () => {
  const { clock, sink, log } = setUp();
  const other = new TestSink();
  const gates: (() => void)[] = [];
  sink.behave = (bytes) =>
    new Promise((resolve) =>
      gates.push(() => resolve(Math.min(bytes.length, 64 * KIB)))
    );
  log.log(sized(64 * KIB + 10));
  log.log(numbered(1));
  let isReopened = false;
  const reopened = log.reopen(other.write).then(() => isReopened = true);
  log.log(numbered(2));
  await clock.advance(0);
  gates.shift()!();
  await clock.advance(0);
  assert(!isReopened, "the rest of the write belongs to the old place");
  gates.shift()!();
  await reopened;
  assertEquals(sink.text.length, 64 * KIB + 10);
  await log.close();
  assertEquals(numbers(other), [1, 2]);
  assertEquals(sink.text.length, 64 * KIB + 10);
});

Deno.test("a log that fails goes on in the place that it is reopened with", async () => {
  const { clock, sink, log } = setUp();
  sink.behave = () => Promise.reject(new Error("Closed"));
  log.log(numbered(0));
  await clock.advance(1000);
  const other = new TestSink();
  await log.reopen(other.write);
  await clock.advance(1000);
  assertEquals(numbers(other), [0]);
  await log.close();
});

Deno.test("a log on the system's clock writes to a file", async () => {
  const path = await Deno.makeTempFile();
  try {
    using file = await Deno.open(path, { write: true });
    const log = accessLog({
      format: "combined",
      write: (bytes) => file.write(bytes),
    });
    for (const _ of upTo(2000)) log.log(recordOf());
    await log.close();
    const lines = (await Deno.readTextFile(path)).split("\n");
    assertEquals(lines.length, 2001);
    assertEquals(new Set(lines).size, 2);
    assertEquals(log.dropped, 0);
  } finally {
    await Deno.remove(path);
  }
});
