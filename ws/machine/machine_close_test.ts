// The closing handshake, RFC 6455 §7, in all orders.

import { assert, assertEquals } from "@std/assert";
import { close, ping } from "../conformance/_frames_test_util.ts";
import { machineBench, settle } from "../_ws_test_util.ts";

Deno.test("A server that closes waits for the answer, and then ends the connection", async () => {
  const { conn, peer, log } = machineBench();
  conn.send({ type: "close", code: 4000, reason: "bye" });
  assertEquals(await peer.replies(), ["close:4000:bye"]);
  assert(!peer.ended);
  assertEquals(conn.state, "open");
  await peer.send(close(4000, "bye"));
  assert(peer.ended);
  assertEquals(log, ["open", "closing:4000:bye"]);
  await peer.end();
  assertEquals(await conn.closed, undefined);
  assertEquals(log, ["open", "closing:4000:bye", "close:4000:bye:clean"]);
});

Deno.test("A client that closes waits for the answer and the server's end", async () => {
  const { conn, peer, log } = machineBench({ role: "client" });
  conn.close();
  assertEquals(await peer.replies(), ["close:1000"]);
  await peer.send(close(1000));
  assert(!peer.ended);
  await peer.end();
  assert(peer.ended);
  assertEquals(await conn.closed, undefined);
  assertEquals(log, ["open", "closing:1000", "close:1000:clean"]);
});

Deno.test("A close frame is answered as it came, with its code and its reason", async () => {
  for (const role of ["server", "client"] as const) {
    for (const code of [1000, 1001, 1003, 1007, 1011, 1014, 3000, 4999]) {
      const { conn, peer, log } = machineBench({ role });
      await peer.send(close(code, "why"));
      assertEquals(await peer.replies(), [`close:${code}:why`]);
      assertEquals(peer.ended, role === "server");
      await peer.end();
      assertEquals(await conn.closed, undefined);
      assertEquals(log.slice(1), [
        `closing:${code}:why`,
        `close:${code}:why:clean`,
      ]);
    }
  }
});

Deno.test("An empty close frame is 1005, and is answered with an empty one", async () => {
  const { conn, peer, log } = machineBench();
  await peer.send(close());
  assertEquals(await peer.replies(), ["close"]);
  await peer.end();
  await conn.closed;
  assertEquals(log, ["open", "closing:1005", "close:1005:clean"]);
});

Deno.test("A close command without a code sends an empty close frame", async () => {
  const { conn, peer } = machineBench();
  conn.send({ type: "close" });
  assertEquals(await peer.replies(), ["close"]);
  conn.abort();
});

Deno.test("Both may begin to close at once", async () => {
  for (const role of ["server", "client"] as const) {
    const { conn, peer, log } = machineBench({ role });
    conn.send({ type: "close", code: 4001 });
    await peer.send(close(4002));
    assertEquals(await peer.replies(), ["close:4001"]);
    await peer.end();
    assertEquals(await conn.closed, undefined);
    assertEquals(log, ["open", "closing:4002", "close:4002:clean"]);
  }
});

Deno.test("What was sent before a close goes out before it", async () => {
  const { conn, peer } = machineBench({ pair: { bufferSize: 512 } });
  peer.transport.stall();
  conn.send("first");
  conn.send(new Uint8Array(100_000));
  conn.send("last");
  conn.close();
  conn.send("too late");
  await settle();
  peer.transport.resume();
  assertEquals(await peer.replies(), [
    "text:first",
    "binary:100000",
    "text:last",
    "close:1000",
  ]);
  conn.abort();
});

Deno.test("What the closing handler sends goes out before the answer", async () => {
  const { conn, peer } = machineBench({
    handler: (event, conn) => {
      if (event.type !== "closing") return;
      conn.send("one more");
      conn.send(new Uint8Array(20_000));
    },
  });
  await peer.send(close(1000));
  assertEquals(await peer.replies(), [
    "text:one more",
    "binary:20000",
    "close:1000",
  ]);
  await peer.end();
  await conn.closed;
});

Deno.test("The closing handler may answer with a code of its own", async () => {
  const { conn, peer, log } = machineBench({
    handler: (event, conn) => {
      if (event.type !== "closing") return;
      conn.send({ type: "close", code: 4100, reason: "mine" });
    },
  });
  await peer.send(close(1000));
  assertEquals(await peer.replies(), ["close:4100:mine"]);
  await peer.end();
  await conn.closed;
  assertEquals(log.at(-1), "close:1000:clean");
});

Deno.test("A pong that is owed goes out before the answer to a close", async () => {
  const { conn, peer } = machineBench();
  await peer.send(ping("a"), close(1000));
  assertEquals(await peer.replies(), ["pong:a", "close:1000"]);
  conn.abort();
});

Deno.test("A ping that was sent before a close goes out before it", async () => {
  const { conn, peer } = machineBench();
  conn.send("x");
  conn.send({ type: "ping", payload: new Uint8Array([112]) });
  conn.close();
  const replies = await peer.replies();
  assertEquals(replies.at(-1), "close:1000");
  assertEquals(replies.toSorted(), ["close:1000", "ping:p", "text:x"]);
  conn.abort();
});

Deno.test("A peer that never answers is cut after closeTimeout", async () => {
  const { conn, clock, log, here } = machineBench({ closeTimeout: 3_000 });
  conn.close();
  await clock.advance(2_900);
  assert(!here.closed);
  await clock.advance(300);
  assert(here.closed);
  const error = await conn.closed;
  assertEquals([error?.code, error?.side], ["close_timeout", "remote"]);
  assertEquals(log, ["open", "close:1006:close_timeout"]);
});

Deno.test("A server that never ends the connection is cut after closeTimeout", async () => {
  for (const begins of ["client", "server"]) {
    const { conn, peer, clock, log } = machineBench({
      role: "client",
      closeTimeout: 3_000,
    });
    if (begins === "client") conn.close();
    await clock.advance(2_000);
    await peer.send(close(1000));
    await clock.advance(2_900);
    assertEquals(log.length, 2);
    await clock.advance(300);
    assertEquals(await conn.closed, undefined);
    assertEquals(log, ["open", "closing:1000", "close:1000:clean"]);
  }
});

Deno.test("A client that never ends the connection is cut after closeTimeout", async () => {
  const { conn, peer, clock, here } = machineBench({ closeTimeout: 1_000 });
  conn.close();
  await peer.send(close(1000));
  await clock.advance(900);
  assert(!here.closed);
  await clock.advance(300);
  assert(here.closed, "closeTimeout is over");
  assertEquals(await conn.closed, undefined);
});

Deno.test("A close is not cut while a slow peer still takes what was sent before", async () => {
  const { conn, peer, clock, log } = machineBench({
    closeTimeout: 1_000,
    pair: { bufferSize: 1024 },
  });
  peer.transport.stall();
  conn.send(new Uint8Array(20_000));
  conn.close();
  for (let i = 0; i < 21; i++) {
    await clock.advance(500);
    // Once more of it.
    peer.transport.chunk = () => {
      peer.transport.stall();
      return 1024;
    };
    peer.transport.resume();
  }
  assertEquals(await peer.replies(), ["binary:20000", "close:1000"]);
  assertEquals(log, ["open"]);
  conn.abort();
});
