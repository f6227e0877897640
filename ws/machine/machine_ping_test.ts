// Pings and pongs, latency, and peers that are gone.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { frame, ping, pong, text } from "../conformance/_frames_test_util.ts";
import { type FramePeer, machineBench, settle } from "../_ws_test_util.ts";

/** Answers the pings that came; gives their payloads. */
async function answer(peer: FramePeer): Promise<Uint8Array[]> {
  const pings = (await peer.frames()).filter(({ opcode }) => opcode === 9);
  for (const { payload } of pings) await peer.send(pong(payload));
  return pings.map(({ payload }) => payload);
}

Deno.test("A ping is answered with its payload, and told", async () => {
  for (const role of ["server", "client"] as const) {
    const { conn, peer, log } = machineBench({ role });
    const long = "x".repeat(125);
    await peer.send(ping("abc"));
    await peer.send(ping());
    await peer.send(ping(long));
    assertEquals(await peer.replies(), ["pong:abc", "pong:", "pong:125"]);
    assertEquals(log, ["open", "ping:abc", "ping:", `ping:${long}`]);
    conn.abort();
  }
});

Deno.test("A ping between fragments is answered before the message is whole", async () => {
  const { conn, peer, log } = machineBench();
  await peer.send(frame(1, "a", { fin: false }), ping("p"));
  assertEquals(await peer.replies(), ["pong:p"]);
  await peer.send(frame(0, "b"));
  assertEquals(log, ["open", "ping:p", "message:ab"]);
  conn.abort();
});

Deno.test("The newest pong wins when the peer does not read", async () => {
  const { conn, peer } = machineBench({ pair: { bufferSize: 256 } });
  peer.transport.stall();
  conn.send(new Uint8Array(30_000));
  await settle();
  for (const name of ["a", "b", "c"]) await peer.send(ping(name));
  for (const name of ["1", "2"]) {
    conn.send({ type: "ping", payload: new TextEncoder().encode(name) });
  }
  assertEquals(conn.stats.bytesOut <= 1024, true);
  peer.transport.resume();
  const replies = await peer.replies();
  assertEquals(replies.toSorted(), ["binary:30000", "ping:2", "pong:c"]);
  conn.abort();
});

Deno.test("The newest pong wins when messages are queued in between", async () => {
  const { conn, peer } = machineBench({ pair: { bufferSize: 256 } });
  peer.transport.stall();
  conn.send(new Uint8Array(100_000));
  await settle();
  for (const name of ["a", "b", "c"]) {
    await peer.send(ping(name));
    conn.send(name);
  }
  peer.transport.resume();
  assertEquals(await peer.replies(), [
    "binary:100000",
    "pong:c",
    "text:a",
    "text:b",
    "text:c",
  ]);
  conn.abort();
});

Deno.test("A pong goes ahead of queued messages, and inside none of them", async () => {
  const { conn, peer } = machineBench({ pair: { bufferSize: 1024 } });
  peer.transport.stall();
  for (let i = 0; i < 5; i++) conn.send(new Uint8Array(50_000));
  await settle();
  await peer.send(ping("now"));
  peer.transport.resume();
  assertEquals(await peer.replies(), [
    "binary:50000",
    "pong:now",
    ...Array(4).fill("binary:50000"),
  ]);
  conn.abort();
});

Deno.test("Control frames find their place at any moment of a long queue", async () => {
  for (const role of ["server", "client"] as const) {
    const { conn, peer } = machineBench({ role, pair: { bufferSize: 700 } });
    const sizes = [3, 20_000, 5_000, 9_000, 100, 8_193, 70_000, 1];
    for (const size of sizes) conn.send(new Uint8Array(size));
    let turn = 0;
    // Some of it is read, then a ping is sent, and so on.
    peer.transport.chunk = () => {
      if (turn++ % 7 === 0) {
        conn.send({ type: "ping", payload: new Uint8Array([turn]) });
      }
      return 700;
    };
    const frames = await peer.frames();
    assertEquals(
      frames.filter(({ opcode }) => opcode === 2)
        .map(({ payload }) => payload.length),
      sizes,
    );
    const pings = frames.filter(({ opcode }) => opcode === 9);
    assert(pings.length >= 5, `${pings.length} pings`);
    assertEquals(frames.length, sizes.length + pings.length);
    conn.abort();
  }
});

Deno.test("A pong that nobody asked for has no latency", async () => {
  const { conn, peer, log, machine } = machineBench();
  await peer.send(pong("what"));
  assertEquals(log, ["open", "pong:"]);
  assertEquals(machine.latency, undefined);
  conn.send({ type: "pong", payload: new Uint8Array([104, 105]) });
  assertEquals(await peer.replies(), ["pong:hi"]);
  conn.abort();
});

Deno.test("A control frame of more than 125 bytes is refused", async () => {
  const { conn, peer } = machineBench();
  for (const type of ["ping", "pong"] as const) {
    const error = assertThrows(
      () => conn.send({ type, payload: new Uint8Array(126) }),
      ConnError,
      `Cannot send the ${type}: its payload is 126 bytes`,
    );
    assertEquals([error.code, error.side], ["control_too_long", "local"]);
    conn.send({ type, payload: new Uint8Array(125) });
  }
  assertEquals((await peer.replies()).length, 2);
  conn.abort();
});

Deno.test("A ping goes out every pingInterval", async () => {
  const { conn, peer, clock } = machineBench({ pingInterval: 10_000 });
  await clock.advance(9_900);
  assertEquals(await peer.replies(), []);
  const payloads: string[] = [];
  for (let i = 0; i < 3; i++) {
    await clock.advance(i === 0 ? 300 : 10_000);
    const [payload, ...others] = await answer(peer);
    assertEquals(others, []);
    payloads.push(`${payload}`);
  }
  assertEquals(new Set(payloads).size, 3);
  conn.abort();
});

Deno.test("The latency is the time from a ping to its pong", async () => {
  const { conn, peer, clock, log, machine } = machineBench();
  conn.send({ type: "ping", payload: new Uint8Array([1]) });
  await clock.advance(70);
  await peer.send(pong(new Uint8Array([1])));
  assertEquals(machine.latency, 70);
  await peer.send(pong(new Uint8Array([1])));
  assertEquals(machine.latency, 70);
  assertEquals(log, ["open", "pong:70", "pong:"]);
  conn.abort();
});

Deno.test("A pong answers the pings before it, RFC 6455 §5.5.3", async () => {
  const { conn, peer, clock, log } = machineBench();
  for (let i = 0; i < 3; i++) {
    conn.send({ type: "ping", payload: new Uint8Array([i]) });
    await clock.advance(10);
  }
  await peer.send(pong(new Uint8Array([1])), pong(new Uint8Array([0])));
  await peer.send(pong(new Uint8Array([2])));
  assertEquals(log, ["open", "pong:20", "pong:", "pong:10"]);
  conn.abort();
});

Deno.test("A ping's payload may be changed after it was sent", async () => {
  const { conn, peer, clock, log } = machineBench();
  const payload = new Uint8Array([1]);
  conn.send({ type: "ping", payload });
  payload[0] = 2;
  await clock.advance(10);
  const [sent] = await peer.frames();
  assertEquals(sent!.payload, new Uint8Array([1]));
  await peer.send(pong(sent!.payload));
  assertEquals(log, ["open", "pong:10"]);
  conn.abort();
});

Deno.test("A peer that sends nothing after a ping is cut after pongTimeout", async () => {
  const { conn, clock, peer, log, here } = machineBench({
    pingInterval: 10_000,
    pongTimeout: 5_000,
  });
  await clock.advance(14_900);
  assert(!here.closed);
  await clock.advance(400);
  assert(here.closed);
  const error = await conn.closed;
  assertEquals([error?.code, error?.side], ["pong_timeout", "remote"]);
  assertEquals(log, ["open", "close:1006:pong_timeout"]);
  assert(peer.ended);
  assertEquals((await peer.frames()).map(({ opcode }) => opcode), [9]);
});

Deno.test("A peer that dies later is cut pongTimeout after the first ping it misses", async () => {
  for (const [pingInterval, pongTimeout] of [[10_000, 3_000], [1_000, 5_000]]) {
    const { conn, clock, peer, here } = machineBench({
      pingInterval: pingInterval!,
      pongTimeout: pongTimeout!,
    });
    for (let i = 0; i < 3; i++) {
      await clock.advance(pingInterval! + (i === 0 ? 100 : 0));
      await answer(peer);
    }
    await clock.advance(pingInterval! + pongTimeout! - 300);
    assert(!here.closed, "not yet");
    await clock.advance(600);
    assert(here.closed, `cut ${pongTimeout} ms after a ping`);
    assertEquals((await conn.closed)?.code, "pong_timeout");
  }
});

Deno.test("A peer that sends anything is not dead", async () => {
  const { conn, clock, peer, here } = machineBench({
    pingInterval: 10_000,
    pongTimeout: 5_000,
  });
  for (let i = 0; i < 10; i++) {
    await clock.advance(4_000);
    // Even a part of a message.
    await peer.send(frame(i === 0 ? 1 : 0, "x", { fin: false }));
  }
  assert(!here.closed);
  conn.abort();
});

Deno.test("A paused handler is no dead peer", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, clock, peer, here } = machineBench({
    pingInterval: 10_000,
    pongTimeout: 5_000,
    handler: (event) => event.type === "message" ? gate.promise : undefined,
  });
  await peer.send(text("a"));
  for (let i = 0; i < 10; i++) {
    await clock.advance(10_000);
    await answer(peer);
  }
  assert(!here.closed);
  gate.resolve();
  await settle();
  await clock.advance(4_000);
  assert(!here.closed);
  await clock.advance(20_000);
  assertEquals((await conn.closed)?.code, "pong_timeout");
});

Deno.test("Only time in which the handler does not pause counts for pongTimeout", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, clock, peer, here } = machineBench({
    pingInterval: 30_000,
    pongTimeout: 20_000,
    handler: (event) => event.type === "message" ? gate.promise : undefined,
  });
  await peer.send(text("a"));
  // Paused until just before pongTimeout would be over.
  await clock.advance(30_200);
  assertEquals((await peer.frames()).length, 1);
  await clock.advance(19_500);
  gate.resolve();
  await clock.advance(10_000);
  assert(!here.closed, "the peer had 10 s of 20 s");
  await clock.advance(11_000);
  assertEquals((await conn.closed)?.code, "pong_timeout");
});

Deno.test("An infinite pingInterval pings never", async () => {
  const { conn, clock, peer } = machineBench({ pingInterval: Infinity });
  await clock.advance(1_000_000);
  assertEquals(await peer.replies(), []);
  assertEquals(conn.state, "open");
  conn.abort();
});

Deno.test("Pings go out while the peer keeps sending, too", async () => {
  const { conn, clock, peer } = machineBench({ pingInterval: 1_000 });
  for (let i = 0; i < 30; i++) {
    await clock.advance(100);
    await peer.send(text("x"));
  }
  const count = (await peer.frames()).filter(({ opcode }) => opcode === 9);
  assert(count.length >= 2);
  conn.abort();
});

Deno.test("A connection that has closed leaves no timer", async () => {
  const { conn, clock, peer } = machineBench();
  await clock.advance(100);
  conn.close();
  await peer.end();
  await conn.closed;
  assertEquals(clock.pending, 0);
});
