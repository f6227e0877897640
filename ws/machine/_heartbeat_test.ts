import { assertEquals } from "@std/assert";
import { type Beat, Heartbeat } from "./_heartbeat.ts";
import { resolveLimits } from "./limits.ts";

function heartbeat(pingInterval: number, pongTimeout: number): Heartbeat {
  const beats = new Heartbeat(resolveLimits({ pingInterval, pongTimeout }));
  beats.start(0);
  return beats;
}

function kind(beat: Beat): string {
  if (beat === undefined) return "nothing";
  return beat === "ping" ? beat : beat.dead.code;
}

Deno.test("Heartbeat pings at its interval, each time with another payload", () => {
  const beats = heartbeat(100, 50);
  assertEquals(beats.deadline, 100);
  assertEquals(beats.beat(99, false), undefined);
  const payloads = new Set<string>();
  for (let now = 100; now <= 500; now += 100) {
    assertEquals(beats.beat(now, false), "ping");
    const payload = beats.payload();
    beats.pinged(payload, undefined, now);
    payloads.add(`${payload}`);
    beats.received(now + 1);
    assertEquals(beats.deadline, now + 50);
    assertEquals(beats.beat(now + 50, false), undefined);
    assertEquals(beats.deadline, now + 100);
  }
  assertEquals(payloads.size, 5);
});

Deno.test("Heartbeat says dead when nothing came after a ping", () => {
  const beats = heartbeat(100, 50);
  beats.received(99);
  assertEquals(kind(beats.beat(100, false)), "ping");
  assertEquals(kind(beats.beat(149, false)), "nothing");
  assertEquals(kind(beats.beat(150, false)), "pong_timeout");
});

Deno.test("Heartbeat waits on while nothing is read", () => {
  const beats = heartbeat(100, 50);
  assertEquals(kind(beats.beat(100, true)), "ping");
  assertEquals(kind(beats.beat(150, true)), "nothing");
  assertEquals(beats.deadline, 200);
  assertEquals(kind(beats.beat(200, false)), "pong_timeout");
});

Deno.test("Heartbeat does nothing after stop, and nothing before start", () => {
  const beats = heartbeat(100, 50);
  beats.beat(100, false);
  beats.stop();
  assertEquals(beats.deadline, Infinity);
  assertEquals(beats.beat(10_000, false), undefined);
  const idle = new Heartbeat(resolveLimits());
  assertEquals(idle.deadline, Infinity);
});

Deno.test("Heartbeat measures from the newest ping that has the pong's payload", () => {
  const beats = heartbeat(100, 50);
  const [a, b] = [new Uint8Array([1]), new Uint8Array([2])];
  assertEquals(beats.ponged(a, 1), undefined);
  beats.pinged(a, undefined, 10);
  beats.pinged(b, undefined, 20);
  beats.pinged(a, undefined, 30);
  assertEquals(beats.ponged(new Uint8Array([1, 0]), 31), undefined);
  assertEquals(beats.ponged(a, 35), 5);
  assertEquals(beats.latency, 5);
  // Those before are answered with it.
  assertEquals(beats.ponged(b, 36), undefined);
});

Deno.test("Heartbeat remembers the last pings of many that have no answer", () => {
  const beats = heartbeat(100, 50);
  const payloads: Uint8Array[] = [];
  for (let i = 0; i < 1_000; i++) {
    const payload = beats.payload();
    beats.pinged(payload, undefined, i);
    payloads.push(payload);
  }
  assertEquals(beats.ponged(payloads[0]!, 1_000), undefined);
  assertEquals(beats.ponged(payloads.at(-1)!, 1_001), 2);
});

Deno.test("Heartbeat tells each ping of its pong, with the time since it went out", () => {
  const beats = heartbeat(100, 50);
  const told: [string, number][] = [];
  const ping = (name: string, now: number) => {
    const payload = beats.payload();
    beats.pinged(payload, (latency) => told.push([name, latency]), now);
    return payload;
  };
  const payloads = [ping("a", 10), ping("b", 20), ping("c", 30)];
  beats.ponged(payloads[1]!, 40);
  assertEquals(told, [["a", 30], ["b", 20]]);
  beats.ponged(payloads[0]!, 50);
  beats.ponged(payloads[2]!, 60);
  assertEquals(told.slice(2), [["c", 30]]);
});
