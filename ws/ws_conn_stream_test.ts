// Messages that are sent as streams, and what waits for them.

import { assert, assertEquals } from "@std/assert";
import { resolveDeflate } from "./deflate/params.ts";
import { broadcast } from "./broadcast.ts";
import { connBench, settle, stateOf } from "./_ws_test_util.ts";

Deno.test("WsConn.stream sends a fragment for each piece, and ends with the message", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("one");
  assertEquals(await peer.replies(), ["text+:one"]);
  await writer.write("two");
  await writer.close();
  assertEquals(await peer.replies(), ["more+:two", "more:"]);
  conn.abort();
});

Deno.test("WsConn.stream sends bytes, and an empty message if there are none", async () => {
  const { conn, peer } = connBench({ role: "client" });
  const one = conn.stream("binary").getWriter();
  await one.write(new Uint8Array(3));
  await one.write(new Uint8Array(0));
  await one.close();
  await conn.stream("binary").close();
  await conn.stream("text").close();
  assertEquals(await peer.replies(), [
    "binary+:3",
    "more:",
    "binary:0",
    "text:",
  ]);
  conn.abort();
});

Deno.test("WsConn.stream sends what an iterable gives", async () => {
  const { conn, peer } = connBench();
  async function* source() {
    yield "a";
    await settle();
    yield "b";
  }
  await conn.stream("text", source());
  assertEquals(await peer.replies(), ["text+:a", "more+:b", "more:"]);
  assertEquals(conn.needsDrain, false);
  conn.abort();
});

Deno.test("WsConn.stream compresses a message that the peer can read", async () => {
  const deflate = resolveDeflate();
  const { conn, peer } = connBench({ deflate });
  const there = connBench({ role: "client", deflate });
  await conn.stream(
    "text",
    (async function* () {
      yield "mongoose ".repeat(100);
      yield "mongoose ".repeat(100);
    })(),
  );
  const frames = await peer.frames();
  assertEquals(frames.map(({ rsv, fin }) => [rsv, fin]), [
    [4, false],
    [0, false],
    [0, true],
  ]);
  assert(frames[1]!.payload.length < 100);
  await there.peer.send(...frames);
  assertEquals(there.log, ["open", "message:1800"]);
  conn.abort();
  there.conn.abort();
});

Deno.test("WsConn.stream keeps a surrogate pair together that two pieces split", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  for (
    const piece of ["a\ud83d", "\ude00b", "\ud83d", "", "\ude00", "\ud83d"]
  ) {
    await writer.write(piece);
  }
  await writer.close();
  const frames = await peer.frames();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const pieces = frames.map(({ payload }) => decoder.decode(payload));
  // The half at the end has no other half: it is replaced, as always in UTF-8.
  assertEquals(pieces, ["a", "😀b", "😀", "\ufffd"]);
  conn.abort();
});

Deno.test("WsConn.stream waits for a peer that does not read", async () => {
  const { conn, peer } = connBench({
    highMark: 1_000,
    pair: { bufferSize: 100 },
  });
  peer.transport.stall();
  const writer = conn.stream("binary").getWriter();
  let written = 0;
  const writing = (async () => {
    for (let i = 0; i < 20; i++) {
      await writer.ready;
      await writer.write(new Uint8Array(600));
      written++;
    }
    await writer.close();
  })();
  await settle();
  assertEquals(written, 1);
  assert(conn.buffered < 2_000);
  peer.transport.resume();
  await writing;
  assertEquals((await peer.frames()).length, 21);
  conn.abort();
});

Deno.test("WsConn.stream takes a source no faster than the peer reads", async () => {
  const { conn, peer } = connBench({
    highMark: 1_000,
    pair: { bufferSize: 100 },
  });
  peer.transport.stall();
  let given = 0;
  const sending = conn.stream(
    "binary",
    (async function* () {
      while (given < 50) {
        given++;
        yield new Uint8Array(600);
      }
    })(),
  );
  await settle();
  assert(given <= 3, `${given} pieces were taken`);
  peer.transport.resume();
  await sending;
  conn.abort();
});

Deno.test("Messages wait for a stream to end, in their order", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("begun");
  assertEquals(conn.send("after"), false);
  assertEquals(conn.needsDrain, true);
  assertEquals(conn.send(new Uint8Array(7)), false);
  broadcast([conn], "to all");
  assertEquals(conn.buffered >= 18, true);
  assertEquals(await peer.replies(), ["text+:begun"]);
  await writer.write("more");
  await writer.close();
  assertEquals(await peer.replies(), [
    "more+:more",
    "more:",
    "text:after",
    "binary:7",
    "text:to all",
  ]);
  assertEquals(conn.needsDrain, false);
  assertEquals(conn.send("direct"), true);
  assertEquals(await peer.replies(), ["text:direct"]);
  assertEquals(conn.buffered, 0);
  conn.abort();
});

Deno.test("Control frames go between the fragments of a stream", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("a");
  conn.ping(new Uint8Array([112]));
  conn.send({ type: "pong" });
  assertEquals(await peer.replies(), ["text+:a", "ping:p", "pong:"]);
  await writer.close();
  conn.abort();
});

Deno.test("WsConn.drain waits for the end of a stream, too", async () => {
  const { conn } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("a");
  conn.send("b");
  const drained = conn.drain();
  assertEquals(await stateOf(drained), "pending");
  await writer.close();
  assertEquals(await stateOf(drained), "fulfilled");
  conn.abort();
});

Deno.test("A drain event follows when a stream made send return false", async () => {
  const { conn, log } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("a");
  assertEquals(conn.send("b"), false);
  assertEquals(log, ["open"]);
  await writer.close();
  await settle();
  assertEquals(log, ["open", "drain"]);
  conn.abort();
});

Deno.test("Two streams at once take turns", async () => {
  const { conn, peer } = connBench();
  const one = conn.stream("text").getWriter();
  const two = conn.stream("binary").getWriter();
  conn.send("last");
  const written = two.write(new Uint8Array(2));
  await one.write("1");
  assertEquals(await stateOf(written), "pending");
  assertEquals(await peer.replies(), ["text+:1"]);
  await one.close();
  await written;
  await two.close();
  assertEquals(await peer.replies(), [
    "more:",
    "binary+:2",
    "more:",
    "text:last",
  ]);
  conn.abort();
});

Deno.test("Messages between two streams keep their place", async () => {
  const { conn, peer } = connBench();
  const one = conn.stream("text").getWriter();
  conn.send("between");
  const two = conn.stream("text").getWriter();
  conn.send("after");
  two.write("2");
  const ended = two.close();
  await one.close();
  await ended;
  assertEquals(await peer.replies(), [
    "text:",
    "text:between",
    "text+:2",
    "more:",
    "text:after",
  ]);
  conn.abort();
});
