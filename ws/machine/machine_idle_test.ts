// idleTimeout: connections that carry no messages.

import { assert, assertEquals } from "@std/assert";
import { encode, frame, ping, text } from "../conformance/_frames_test_util.ts";
import { machineBench, settle } from "../_ws_test_util.ts";

Deno.test("idleTimeout closes with 1001 if no message goes either way", async () => {
  const { conn, peer, clock, log } = machineBench({
    idleTimeout: 10_000,
    pingInterval: 3_000,
    pongTimeout: Infinity,
  });
  await clock.advance(9_000);
  await peer.send(text("in"));
  await clock.advance(9_000);
  conn.send("out");
  await clock.advance(9_000);
  conn.send({ type: "fragment", kind: "text", data: "a", final: false });
  await clock.advance(9_000);
  assertEquals(conn.state, "open");
  // Pings and pongs are no messages.
  await peer.send(ping());
  await clock.advance(1_300);
  const last = (await peer.replies()).at(-1);
  assert(last!.startsWith("close:1001"));
  await peer.end();
  const error = await conn.closed;
  assertEquals([error?.code, error?.reply], ["idle_timeout", 1001]);
  assertEquals(log.at(-1), "close:1006:idle_timeout");
});

Deno.test("A message that is still arriving is not idle", async () => {
  const { conn, peer, clock } = machineBench({ idleTimeout: 10_000 });
  const bytes = encode([frame(2, new Uint8Array(100))], true);
  for (let i = 0; i < 10; i++) {
    peer.write(bytes.subarray(i * 10, i * 10 + 10));
    await clock.advance(3_000);
  }
  assertEquals(conn.state, "open");
  conn.abort();
});

Deno.test("A handler that is at work is not idle", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock } = machineBench({
    idleTimeout: 10_000,
    handler: (event) => event.type === "message" ? gate.promise : undefined,
  });
  await peer.send(text("a"), text("b"));
  await clock.advance(30_000);
  assertEquals(conn.state, "open");
  gate.resolve();
  await settle();
  await clock.advance(9_000);
  assertEquals(conn.state, "open");
  await clock.advance(1_300);
  assertEquals(conn.state, "closing");
  conn.abort();
});

Deno.test("A connection that closes does not wake up for its idleTimeout", async () => {
  const { conn, clock } = machineBench({
    idleTimeout: 1_000,
    closeTimeout: 60_000,
  });
  await clock.advance(500);
  conn.close();
  await clock.advance(2_000);
  let timers = 0;
  const { setTimeout } = clock;
  clock.setTimeout = function (callback: () => void, delay: number) {
    timers++;
    return setTimeout.call(clock, callback, delay);
  };
  await clock.advance(10_000);
  assert(timers <= 2, `it woke up ${timers} times`);
  conn.abort();
});
