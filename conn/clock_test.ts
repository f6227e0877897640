import { assert, assertEquals } from "@std/assert";
import { systemClock, TestClock } from "./clock.ts";

Deno.test("TestClock stands still until it is moved", async () => {
  const clock = new TestClock(500);
  assertEquals(clock.now(), 500);
  await clock.advance(20);
  assertEquals(clock.now(), 520);
});

Deno.test("TestClock runs timers in order, each at its time", async () => {
  const clock = new TestClock();
  const seen: [string, number][] = [];
  const note = (name: string) => () => seen.push([name, clock.now()]);
  clock.setTimeout(note("late"), 30);
  clock.setTimeout(note("early"), 10);
  clock.setTimeout(note("early too"), 10);
  clock.setTimeout(note("not yet"), 31);
  await clock.advance(30);
  assertEquals(seen, [["early", 10], ["early too", 10], ["late", 30]]);
  assertEquals(clock.pending, 1);
});

Deno.test("TestClock runs what a timer on the way has set", async () => {
  const clock = new TestClock();
  const seen: number[] = [];
  const again = () => {
    seen.push(clock.now());
    clock.setTimeout(again, 10);
  };
  clock.setTimeout(again, 10);
  await clock.advance(35);
  assertEquals(seen, [10, 20, 30]);
  assertEquals(clock.now(), 35);
});

Deno.test("TestClock lets promises settle between two timers", async () => {
  const clock = new TestClock();
  const seen: string[] = [];
  clock.setTimeout(async () => {
    for (let i = 0; i < 50; i++) await null;
    seen.push("chain of the first");
  }, 10);
  clock.setTimeout(() => seen.push("second"), 11);
  await clock.advance(11);
  assertEquals(seen, ["chain of the first", "second"]);
});

Deno.test("TestClock forgets a cleared timer", async () => {
  const clock = new TestClock();
  let ran = false;
  const timer = clock.setTimeout(() => ran = true, 10);
  clock.clearTimeout(timer);
  await clock.advance(10);
  assertEquals(ran, false);
  clock.clearTimeout(timer);
});

Deno.test("systemClock does not go back, and fires and clears timers", async () => {
  const before = systemClock.now();
  const dropped = systemClock.setTimeout(() => {
    throw new Error("This timer was cleared");
  }, 0);
  systemClock.clearTimeout(dropped);
  const far = systemClock.setTimeout(() => {
    throw new Error("This timer is 100 days away");
  }, 100 * 24 * 3600 * 1000);
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 1));
  systemClock.clearTimeout(far);
  assert(systemClock.now() >= before);
});
