// messageTimeout: messages that never come to their end.

import { assert, assertEquals } from "@std/assert";
import {
  encode,
  first,
  last,
  more,
  ping,
} from "../conformance/_frames_test_util.ts";
import { machineBench, settle } from "../_ws_test_util.ts";

Deno.test("messageTimeout closes with 1008 if a message is left half", async () => {
  const { peer, clock, log } = machineBench({
    messageTimeout: 5_000,
    pongTimeout: Infinity,
  });
  await peer.send(first("a"));
  await clock.advance(4_000);
  await peer.send(more("b"));
  await clock.advance(4_000);
  // A ping is no part of it.
  await peer.send(ping());
  await clock.advance(900);
  assertEquals(log, ["open", "ping:"]);
  await clock.advance(300);
  assert((await peer.replies()).at(-1)!.startsWith("close:1008"));
  await peer.end();
  await settle();
  assertEquals(log.at(-1), "close:1006:message_timeout");
});

Deno.test("messageTimeout counts from each piece of a frame", async () => {
  const { conn, peer, clock, log } = machineBench({ messageTimeout: 5_000 });
  const bytes = encode([first("abc"), last("d")], true);
  for (const byte of bytes) {
    peer.write(new Uint8Array([byte]));
    // The head of the second frame takes six of these.
    await clock.advance(700);
  }
  assertEquals(log, ["open", "message:abcd"]);
  await clock.advance(10_000);
  assertEquals(conn.state, "open");
  conn.abort();
});

Deno.test("messageTimeout does not run while the handler has paused", async () => {
  const pause = Promise.withResolvers<void>();
  const { conn, peer, clock, log } = machineBench({
    messageTimeout: 5_000,
    pongTimeout: Infinity,
    handler: (event) => event.type === "ping" ? pause.promise : undefined,
  });
  await peer.send(first("a"), ping(), last("b"));
  await clock.advance(60_000);
  assertEquals(log, ["open", "ping:"]);
  pause.resolve();
  await settle();
  assertEquals(log, ["open", "ping:", "message:ab"]);
  conn.abort();
});
