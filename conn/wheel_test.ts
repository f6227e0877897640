import { assert, assertEquals } from "@std/assert";
import { TestClock } from "./clock.ts";
import { TimerWheel, WheelEntry, wheelFor } from "./wheel.ts";

class Entry extends WheelEntry {
  readonly fired: number[] = [];

  constructor(readonly then?: (now: number, entry: Entry) => void) {
    super();
  }

  override due(now: number): void {
    this.fired.push(now);
    this.then?.(now, this);
  }
}

Deno.test("TimerWheel never fires early and at most a tick late", async () => {
  for (const start of [0, 7, 99, 100, 12345.5]) {
    const clock = new TestClock(start);
    const wheel = new TimerWheel(clock);
    const delays = [0, 1, 50, 99, 100, 101, 250, 5000, 51_199, 51_200, 51_201];
    const entries = delays.map((delay) => {
      const entry = new Entry();
      wheel.schedule(entry, start + delay);
      return entry;
    });
    await clock.advance(52_000);
    for (const [i, delay] of delays.entries()) {
      const [at, ...more] = entries[i]!.fired;
      assertEquals(more, []);
      assert(at! >= start + delay, `${at} is before ${start + delay}`);
      assert(at! <= start + delay + 101, `${at} is after ${start + delay}`);
    }
    assertEquals(wheel.size, 0);
    assertEquals(clock.pending, 0);
  }
});

Deno.test("TimerWheel waits for deadlines many turns away", async () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock);
  const entry = new Entry();
  wheel.schedule(entry, 3_600_000);
  await clock.advance(3_599_999);
  assertEquals(entry.fired, []);
  await clock.advance(101);
  assertEquals(entry.fired.length, 1);
});

Deno.test("TimerWheel has one timer while it holds anything, and none else", async () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock);
  const a = new Entry();
  const b = new Entry();
  assertEquals(clock.pending, 0);
  wheel.schedule(a, 1000);
  wheel.schedule(b, 500);
  assertEquals([wheel.size, clock.pending], [2, 1]);
  wheel.cancel(b);
  wheel.cancel(b);
  assertEquals([wheel.size, clock.pending], [1, 1]);
  wheel.schedule(a, Infinity);
  assertEquals([wheel.size, clock.pending], [0, 0]);
  await clock.advance(2000);
  assertEquals([a.fired, b.fired], [[], []]);
});

Deno.test("TimerWheel sleeps until the next slot that holds something", async () => {
  class CountingClock extends TestClock {
    count = 0;
    override setTimeout(callback: () => void, delay: number): number {
      this.count++;
      return super.setTimeout(callback, delay);
    }
  }
  const clock = new CountingClock();
  const wheel = new TimerWheel(clock);
  wheel.schedule(new Entry(), 40_000);
  wheel.schedule(new Entry(), 45_000);
  await clock.advance(50_000);
  assertEquals(clock.count, 2);
});

Deno.test("TimerWheel moves an entry to a later time", async () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock);
  const entry = new Entry();
  wheel.schedule(entry, 1000);
  for (let at = 0; at < 10_000; at += 500) {
    wheel.schedule(entry, at + 1000);
    await clock.advance(500);
  }
  assertEquals(entry.fired, []);
  await clock.advance(500);
  assertEquals(entry.fired, [10_500]);
});

Deno.test("TimerWheel moves an entry to an earlier time", async () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock);
  const entry = new Entry();
  wheel.schedule(entry, 75_000);
  wheel.schedule(entry, 10_000);
  assertEquals(wheel.size, 1);
  await clock.advance(10_000);
  assertEquals(entry.fired, [10_000]);
  await clock.advance(100_000);
  assertEquals(entry.fired, [10_000]);
});

Deno.test("TimerWheel moves an entry back and forth within a slot", async () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock);
  const entry = new Entry();
  wheel.schedule(entry, 1000);
  wheel.schedule(entry, 5000);
  wheel.schedule(entry, 950);
  await clock.advance(1000);
  assertEquals(entry.fired, [1000]);
});

Deno.test("TimerWheel lets an entry schedule itself and cancel others", async () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock);
  const victim = new Entry();
  const beat = new Entry((now, self) => {
    wheel.cancel(victim);
    if (self.fired.length < 3) wheel.schedule(self, now + 200);
  });
  wheel.schedule(beat, 100);
  wheel.schedule(victim, 100);
  await clock.advance(1000);
  assertEquals(beat.fired, [100, 300, 500]);
  assertEquals(victim.fired, []);
  assertEquals([wheel.size, clock.pending], [0, 0]);
});

Deno.test("TimerWheel runs an entry that is due already at the next tick", async () => {
  const clock = new TestClock(1000);
  const wheel = new TimerWheel(clock);
  const entry = new Entry((_now, self) => {
    if (self.fired.length === 1) wheel.schedule(self, 0);
  });
  wheel.schedule(entry, 10);
  await clock.advance(300);
  assertEquals(entry.fired.length, 2);
});

Deno.test("TimerWheel catches up after the machine slept", async () => {
  let woken: (() => void) | undefined;
  let now = 0;
  const wheel = new TimerWheel({
    now: () => now,
    setTimeout: (callback) => woken = callback,
    clearTimeout: () => woken = undefined,
  });
  const near = new Entry();
  const far = new Entry();
  const later = new Entry();
  wheel.schedule(near, 300);
  wheel.schedule(far, 70_000);
  wheel.schedule(later, 10_000_000);
  now = 9_000_000;
  woken!();
  assertEquals([near.fired, far.fired], [[now], [now]]);
  assertEquals([later.fired, wheel.size], [[], 1]);
  now = 10_000_000;
  woken!();
  await null;
  assertEquals(later.fired, [now]);
});

Deno.test("TimerWheel goes on after an entry failed", async () => {
  const clock = new TestClock();
  const wheel = new TimerWheel(clock);
  const bad = new Entry(() => {
    throw new RangeError("Bad entry");
  });
  const good = new Entry();
  wheel.schedule(bad, 100);
  wheel.schedule(good, 100);
  const reported: unknown[] = [];
  const print = console.error;
  console.error = (error) => reported.push(error);
  try {
    await clock.advance(100);
  } finally {
    console.error = print;
  }
  assertEquals(reported.map((error) => (error as Error).message), [
    "Bad entry",
  ]);
  assertEquals(good.fired, [100]);
});

Deno.test("TimerWheel agrees with a plain list under random use", async () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % below;
  };
  const clock = new TestClock();
  const wheel = new TimerWheel(clock);
  const wanted = new Map<Entry, number>();
  const entries = Array.from({ length: 20 }, () =>
    new Entry((now, self) => {
      const at = wanted.get(self);
      assert(at !== undefined && now >= at && now <= at + 100);
      wanted.delete(self);
    }));
  for (let round = 0; round < 300; round++) {
    const entry = entries[random(entries.length)]!;
    if (random(5) === 0) {
      wheel.cancel(entry);
      wanted.delete(entry);
    } else {
      const at = clock.now() + random(random(2) === 0 ? 500 : 120_000);
      wheel.schedule(entry, at);
      wanted.set(entry, at);
    }
    assertEquals(wheel.size, wanted.size);
    await clock.advance(random(700));
    for (const at of wanted.values()) assert(at + 100 > clock.now());
  }
});

Deno.test("wheelFor gives one wheel per clock", () => {
  const clock = new TestClock();
  assert(wheelFor(clock) === wheelFor(clock));
  assert(wheelFor(clock) !== wheelFor());
});

Deno.test("wheelFor's timer for the system's clock leaves nothing behind", () => {
  const entry = new Entry();
  const wheel = wheelFor();
  wheel.schedule(entry, wheel.now() + 60_000);
  wheel.cancel(entry);
});
