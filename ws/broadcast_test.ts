import { assert, assertEquals } from "@std/assert";
import { RawMachine } from "../conn/raw.ts";
import { broadcast } from "./broadcast.ts";
import { resolveDeflate } from "./deflate/params.ts";
import { formsOf, PreparedMessage } from "./machine/prepared.ts";
import { connBench, iteratedBench, settle, stateOf } from "./_ws_test_util.ts";
import type { WsConn } from "./ws_conn.ts";

/** A connection over its high mark: its peer does not read. */
async function slowBench() {
  const bench = connBench({ highMark: 100, pair: { bufferSize: 50 } });
  bench.peer.transport.stall();
  bench.conn.send("x".repeat(300));
  await settle();
  return bench;
}

Deno.test("broadcast sends to all, in both roles, text and binary", async () => {
  const benches = (["server", "client", "server"] as const)
    .map((role) => connBench({ role }));
  const conns = benches.map(({ conn }) => conn);
  assertEquals(broadcast(new Set(conns), "news"), {
    sent: 3,
    skipped: 0,
    closed: 0,
  });
  broadcast(conns, new Uint8Array(20_000));
  broadcast(conns, new PreparedMessage("again"));
  for (const { peer, conn } of benches) {
    assertEquals(await peer.replies(), [
      "text:news",
      "binary:20000",
      "text:again",
    ]);
    conn.abort();
  }
});

Deno.test("broadcast leaves out the connection that a message came from", async () => {
  const benches = [connBench(), connBench()];
  const [one, two] = benches.map(({ conn }) => conn) as [WsConn, WsConn];
  const result = broadcast([one, two], "x", { except: one });
  assertEquals(result, { sent: 1, skipped: 0, closed: 0 });
  assertEquals(await benches[0]!.peer.replies(), []);
  assertEquals(await benches[1]!.peer.replies(), ["text:x"]);
  one.abort();
  two.abort();
});

Deno.test("broadcast passes over connections that are closing or closed", async () => {
  const [closing, closed, open] = [connBench(), connBench(), connBench()];
  closing.conn.close();
  closed.conn.abort();
  const conns = [closing, closed, open].map(({ conn }) => conn);
  for (const slow of ["queue", "skip", "close"] as const) {
    assertEquals(broadcast(conns, "x", { slow }), {
      sent: 1,
      skipped: 0,
      closed: 0,
    });
  }
  assertEquals(await closing.peer.replies(), ["close:1000"]);
  for (const conn of conns) conn.abort();
});

Deno.test("broadcast queues for a slow connection by default", async () => {
  const slow = await slowBench();
  assertEquals(broadcast([slow.conn], "one"), {
    sent: 1,
    skipped: 0,
    closed: 0,
  });
  broadcast([slow.conn], "two", { slow: "queue" });
  slow.peer.transport.resume();
  assertEquals(await slow.peer.replies(), ["text:300", "text:one", "text:two"]);
  slow.conn.abort();
});

Deno.test("broadcast cuts a connection that is slow beyond its cap", async () => {
  const { conn, peer } = connBench({
    highMark: 100,
    attach: { maxBuffered: 10_000 },
    pair: { bufferSize: 50 },
  });
  const quick = connBench();
  peer.transport.stall();
  const message = new PreparedMessage(new Uint8Array(3_000));
  for (let i = 0; i < 10; i++) broadcast([conn, quick.conn], message);
  assertEquals((await conn.closed)?.code, "send_queue_full");
  assertEquals((await quick.peer.frames()).length, 10);
  quick.conn.abort();
});

Deno.test("broadcast skips slow connections until they have drained", async () => {
  const [slow, quick] = [await slowBench(), connBench()];
  const conns = [slow.conn, quick.conn];
  assertEquals(broadcast(conns, "one", { slow: "skip" }), {
    sent: 1,
    skipped: 1,
    closed: 0,
  });
  slow.peer.transport.resume();
  await slow.conn.drain();
  assertEquals(broadcast(conns, "two", { slow: "skip" }).sent, 2);
  assertEquals(await slow.peer.replies(), ["text:300", "text:two"]);
  assertEquals(await quick.peer.replies(), ["text:one", "text:two"]);
  for (const conn of conns) conn.abort();
});

Deno.test("broadcast closes slow connections with 1013", async () => {
  const [slow, quick] = [await slowBench(), connBench()];
  const conns = [slow.conn, quick.conn];
  const options = { slow: "close" } as const;
  assertEquals(broadcast(conns, "one", options), {
    sent: 1,
    skipped: 0,
    closed: 1,
  });
  assertEquals(broadcast(conns, "two", options).sent, 1);
  slow.peer.transport.resume();
  const replies = await slow.peer.replies();
  assertEquals(replies[0], "text:300");
  assert(replies[1]!.startsWith("close:1013:"));
  await slow.peer.end();
  assertEquals((await slow.conn.closed)?.code, "too_slow");
  quick.conn.abort();
});

Deno.test("broadcast reaches all others when one is in the middle of a message", async () => {
  const [busy, idle] = [connBench(), connBench()];
  busy.conn.send({
    type: "fragment",
    kind: "text",
    data: "begun",
    final: false,
  });
  try {
    broadcast([busy.conn, idle.conn], "x");
  } catch {
    // Whether it says so or not.
  }
  assertEquals(await idle.peer.replies(), ["text:x"]);
  busy.conn.abort();
  idle.conn.abort();
});

Deno.test("broadcast is read by peers with any compression, in step with their own messages", async () => {
  const all = [
    undefined,
    resolveDeflate({ threshold: 10 }),
    resolveDeflate({ threshold: 10, serverNoContextTakeover: true }),
    resolveDeflate({ threshold: 10, serverMaxWindowBits: 9 }),
    resolveDeflate({ threshold: 1_000_000 }),
  ];
  const own = "own message ".repeat(10);
  const shared = "shared message ".repeat(10);
  const benches = all.flatMap((deflate) =>
    (["server", "client"] as const).map((role) => ({
      role,
      here: connBench({ role, ...(deflate && { deflate }) }),
      there: connBench({
        role: role === "server" ? "client" : "server",
        ...(deflate && { deflate }),
      }),
    }))
  );
  const conns = benches.map(({ here }) => here.conn);
  for (let i = 0; i < 3; i++) {
    for (const conn of conns) conn.send(own);
    broadcast(conns, shared);
    for (const conn of conns) conn.send(own);
    for (const conn of conns) conn.send("short");
    broadcast(conns, "tiny");
  }
  for (const { here, there, role } of benches) {
    const frames = await here.peer.frames();
    assertEquals(frames.length, 15);
    await there.peer.send(...frames);
    assertEquals(
      there.log.slice(1),
      Array(3).fill([
        "message:120",
        "message:150",
        "message:120",
        "message:short",
        "message:tiny",
      ]).flat(),
      role,
    );
    here.conn.abort();
    there.conn.abort();
  }
});

Deno.test("broadcast compresses once for connections that agreed on the same", async () => {
  const deflate = resolveDeflate();
  const text = "mongoose ".repeat(500);
  const message = new PreparedMessage(text);
  const windowBits = deflate.serverMaxWindowBits;
  const settings = { ...deflate, windowBits };
  const { payload } = formsOf(message).compressed(settings);
  const benches = [1, 2, 3].map(() => connBench({ deflate }));
  broadcast(benches.map(({ conn }) => conn), message);
  for (const { peer, conn } of benches) {
    assertEquals((await peer.frames())[0]!.payload, payload);
    conn.abort();
  }
});

Deno.test("broadcast works on connections without handlers", async () => {
  const { conn, peer } = iteratedBench();
  assertEquals(broadcast([conn], "x").sent, 1);
  assertEquals(await peer.replies(), ["text:x"]);
  assertEquals(await stateOf(conn.closed), "pending");
  conn.abort();
});

Deno.test("broadcast passes over a connection that has said goodbye", async () => {
  const { conn } = connBench();
  conn.send({ type: "close", code: 1000 });
  assertEquals(broadcast([conn], "x").sent, 0);
  assertEquals(conn.send("y"), false);
  conn.abort();
  await conn.closed;
});

Deno.test("broadcast reaches those behind one that has become a slow tunnel", async () => {
  const slow = await slowBench();
  const raw = slow.conn.become(new RawMachine(), () => {});
  const next = connBench();
  const result = broadcast([slow.conn, next.conn], "x", { slow: "close" });
  assertEquals(result, { sent: 1, skipped: 1, closed: 0 });
  raw.abort();
  next.conn.abort();
  await raw.closed;
});
