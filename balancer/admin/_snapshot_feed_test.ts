import { assertEquals, assertRejects } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { EventStreamParser } from "../../http/events/sse.ts";
import { FakeTarget } from "./_fake_target_test_util.ts";
import { SnapshotFeed } from "./_snapshot_feed.ts";

interface Listener {
  /** The counts of connections in the events that come next. */
  next(): Promise<number | undefined>;
  leave(): Promise<void>;
}

function listenTo(feed: SnapshotFeed): Listener {
  const reader = feed.open().getReader();
  const parser = new EventStreamParser();
  return {
    async next() {
      const { value } = await reader.read();
      if (value === undefined) return undefined;
      const [event] = parser.push(value);
      assertEquals(event?.event, "snapshot");
      return JSON.parse(event?.data ?? "").connections;
    },
    leave: () => reader.cancel(),
  };
}

function setUp() {
  const clock = new TestClock();
  const target = new FakeTarget();
  const feed = new SnapshotFeed(() => {
    target.now.connections++;
    return target.snapshot();
  }, clock);
  return { clock, target, feed };
}

Deno.test("SnapshotFeed sends one snapshot at once and one each second", async () => {
  const { clock, target, feed } = setUp();
  const listener = listenTo(feed);
  assertEquals(await listener.next(), 1);
  await clock.advance(999);
  assertEquals(target.snapshots, 1);
  await clock.advance(1);
  assertEquals(await listener.next(), 2);
  await listener.leave();
});

Deno.test("SnapshotFeed makes one snapshot for all, and the last for who comes", async () => {
  const { clock, target, feed } = setUp();
  const listeners = [listenTo(feed), listenTo(feed)];
  for (const each of listeners) assertEquals(await each.next(), 1);
  await clock.advance(500);
  const late = listenTo(feed);
  assertEquals(await late.next(), 1);
  await clock.advance(500);
  for (const each of [...listeners, late]) assertEquals(await each.next(), 2);
  assertEquals(target.snapshots, 2);
  for (const each of [...listeners, late]) await each.leave();
});

Deno.test("SnapshotFeed rests while nobody listens", async () => {
  const { clock, target, feed } = setUp();
  assertEquals(clock.pending, 0);
  const first = listenTo(feed);
  await first.next();
  await first.leave();
  assertEquals(clock.pending, 0);
  await clock.advance(5_000);
  assertEquals(target.snapshots, 1);
  const second = listenTo(feed);
  assertEquals(await second.next(), 2);
  await second.leave();
});

Deno.test("SnapshotFeed goes on by itself for who comes while one is made", async () => {
  const clock = new TestClock();
  const made = Promise.withResolvers<void>();
  const target = new FakeTarget();
  const feed = new SnapshotFeed(async () => {
    await made.promise;
    return target.snapshot();
  }, clock);
  await listenTo(feed).leave();
  const second = listenTo(feed);
  made.resolve();
  assertEquals(await second.next(), 0);
  assertEquals([target.snapshots, clock.pending], [1, 1]);
  await second.leave();
  assertEquals(clock.pending, 0);
});

Deno.test("SnapshotFeed keeps two snapshots for a slow listener, no more", async () => {
  const { clock, feed } = setUp();
  const slow = listenTo(feed);
  await clock.advance(9_000);
  assertEquals([await slow.next(), await slow.next()], [1, 2]);
  await clock.advance(1_000);
  assertEquals(await slow.next(), 11);
  await slow.leave();
});

Deno.test("SnapshotFeed breaks its streams when there is no snapshot", async () => {
  const { clock, target, feed } = setUp();
  const listener = listenTo(feed);
  await listener.next();
  target.failure = new Error("a thread has gone");
  await clock.advance(1_000);
  await assertRejects(() => listener.next(), Error, "a thread has gone");
  assertEquals(clock.pending, 0);
  target.failure = undefined;
  const again = listenTo(feed);
  assertEquals(await again.next(), 3);
  await again.leave();
});

Deno.test("SnapshotFeed ends its streams when it is closed", async () => {
  const { clock, feed } = setUp();
  const listener = listenTo(feed);
  await listener.next();
  feed.close();
  assertEquals(await listener.next(), undefined);
  assertEquals(await listenTo(feed).next(), undefined);
  assertEquals(clock.pending, 0);
});
