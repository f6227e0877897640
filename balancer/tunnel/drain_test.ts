import { assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { Drainer } from "./drain.ts";
import type { TunnelResult, WebSocketTunnel } from "./tunnel.ts";

const RESULT: TunnelResult = {
  bytesIn: 0,
  bytesOut: 0,
  messagesIn: 0,
  messagesOut: 0,
  endedBy: "balancer",
};

/** Tunnels that note when they are told to go, and close so much later. */
function makeTunnels(clock: TestClock, count: number, delay = 0) {
  const told: number[] = [];
  const tunnels = Array.from({ length: count }, () => {
    const { promise, resolve } = Promise.withResolvers<TunnelResult>();
    const close = () => resolve(RESULT);
    const tunnel: WebSocketTunnel = {
      closed: promise,
      goAway: () => {
        told.push(clock.now());
        clock.setTimeout(close, delay);
      },
      abort: close,
    };
    return tunnel;
  });
  return { tunnels, told };
}

Deno.test("Drainer tells so many a second, evenly, and waits for their end", async () => {
  const clock = new TestClock(50);
  const drainer = new Drainer({ rate: 4, clock });
  const { tunnels, told } = makeTunnels(clock, 9, 3000);
  let over = false;
  const drained = drainer.drain(tunnels).then(() => over = true);
  await clock.advance(2000);
  assertEquals(told, [50, 300, 550, 800, 1050, 1300, 1550, 1800, 2050]);
  await clock.advance(2999);
  assertEquals(over, false);
  await clock.advance(1);
  await drained;
  assertEquals(clock.pending, 0);
});

Deno.test("drains of a Drainer share its rate", async () => {
  const clock = new TestClock();
  const drainer = new Drainer({ rate: 10, clock });
  const first = makeTunnels(clock, 3);
  const second = makeTunnels(clock, 2);
  const drains = [drainer.drain(first.tunnels)];
  await clock.advance(120);
  drains.push(drainer.drain(second.tunnels));
  await clock.advance(400);
  await Promise.all(drains);
  assertEquals([first.told, second.told], [[0, 100, 200], [300, 400]]);
  const third = makeTunnels(clock, 1);
  drains.push(drainer.drain(third.tunnels));
  assertEquals(third.told, [520]);
  const fourth = makeTunnels(clock, 1);
  drains.push(drainer.drain(fourth.tunnels));
  await clock.advance(100);
  assertEquals(fourth.told, [620]);
  await clock.advance(0);
  await Promise.all(drains);
});

Deno.test("a tunnel that closes before its turn costs none", async () => {
  const clock = new TestClock();
  const drainer = new Drainer({ rate: 1, clock });
  const { tunnels, told } = makeTunnels(clock, 4);
  const drained = drainer.drain(tunnels);
  tunnels[1]!.abort();
  tunnels[2]!.abort();
  await clock.advance(1000);
  assertEquals(told, [0, 1000]);
  await drained;
});

Deno.test("Drainer with a rate of Infinity tells all at once", async () => {
  const clock = new TestClock();
  const drainer = new Drainer({ rate: Infinity, clock });
  const { tunnels, told } = makeTunnels(clock, 100);
  const drained = drainer.drain(tunnels);
  assertEquals(told.length, 100);
  await clock.advance(0);
  await drained;
  await drainer.drain([]);
});

Deno.test("Drainer keeps a pace that is finer than the clock", async () => {
  // Timers that come ten milliseconds late.
  const clock = new TestClock();
  const late = {
    now: () => clock.now(),
    setTimeout: (callback: () => void, delay: number) =>
      clock.setTimeout(callback, delay + 10),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
  };
  const drainer = new Drainer({ rate: 2000, clock: late });
  const { tunnels, told } = makeTunnels(clock, 200);
  const drained = drainer.drain(tunnels);
  await clock.advance(55);
  const expected = 55 * 2;
  const off = Math.abs(told.length - expected);
  assertEquals(off <= 22, true, `${told.length} were told in 55 ms`);
  await clock.advance(100);
  await drained;
});

Deno.test("a tunnel that is kept is not told, and costs no turn", async () => {
  const clock = new TestClock();
  const drainer = new Drainer({ rate: 1, clock });
  const { tunnels, told } = makeTunnels(clock, 5);
  drainer.drain(tunnels);
  drainer.keep(tunnels.slice(1, 3));
  await clock.advance(10_000);
  assertEquals(told, [0, 1000, 2000]);
  drainer.drain(tunnels.slice(1, 3));
  await clock.advance(10_000);
  assertEquals(told.length, 5);
});

Deno.test("a rate that changes counts at once, for those who wait, too", async () => {
  const clock = new TestClock();
  const drainer = new Drainer({ rate: 0.1, clock });
  const { tunnels, told } = makeTunnels(clock, 5);
  drainer.drain(tunnels);
  await clock.advance(500);
  assertEquals(told, [0]);
  drainer.setRate(10);
  await clock.advance(400);
  assertEquals(told.length, 5);
  assertEquals(clock.pending, 0);
});
