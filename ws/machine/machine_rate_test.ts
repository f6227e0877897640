// maxMessageRate: how often a peer may send.

import { assert, assertEquals } from "@std/assert";
import { frame, ping, text } from "../conformance/_frames_test_util.ts";
import { machineBench, settle } from "../_ws_test_util.ts";

Deno.test("maxMessageRate holds one second's worth, and fills up with time", async () => {
  const { conn, peer, clock, log } = machineBench({ maxMessageRate: 5 });
  const two = [frame(1, "a", { fin: false }), ping(), frame(0, "b")];
  for (let i = 0; i < 5; i++) await peer.send(...two);
  await clock.advance(200);
  await peer.send(text("c"));
  assertEquals(log.filter((event) => event.startsWith("message")).length, 6);
  await clock.advance(100);
  await peer.send(text("d"));
  assert((await peer.replies()).at(-1)!.startsWith("close:1008"));
  await peer.end();
  const error = await conn.closed;
  assertEquals([error?.code, error?.reply], ["too_many_messages", 1008]);
  assertEquals(log.at(-1), "close:1006:too_many_messages");
  assertEquals(log.filter((event) => event === "message:d"), []);
});

Deno.test("maxMessageRate lets a steady peer send for ever", async () => {
  const { conn, peer, clock, log } = machineBench({ maxMessageRate: 10 });
  for (let i = 0; i < 100; i++) {
    await peer.send(text("x"));
    await clock.advance(100);
  }
  assertEquals(log.length, 101);
  assertEquals(conn.state, "open");
  conn.abort();
});

Deno.test("A peer within maxMessageRate is not closed because the handler paused", async () => {
  const gate = Promise.withResolvers<void>();
  const { conn, peer, clock, log } = machineBench({
    maxMessageRate: 5,
    handler: (event) => event.type === "message" ? gate.promise : undefined,
  });
  for (let i = 0; i < 30; i++) {
    await peer.send(text("x"));
    await clock.advance(250);
  }
  gate.resolve();
  await settle();
  assertEquals(log.length, 31);
  conn.abort();
});

Deno.test("A pause for a ping earns no messages", async () => {
  const { conn, peer, clock } = machineBench({
    maxMessageRate: 5,
    handler: async () => {},
  });
  await peer.send(text("first"));
  for (let i = 0; i < 20; i++) {
    await clock.advance(1_000);
    await peer.send(ping());
  }
  for (let i = 0; i < 20; i++) await peer.send(text("x"));
  await peer.end();
  assertEquals((await conn.closed)?.code, "too_many_messages");
});
