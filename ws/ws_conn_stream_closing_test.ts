// Streams under way when something else happens to their connection.

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { RawMachine } from "../conn/raw.ts";
import { broadcast } from "./broadcast.ts";
import { close } from "./conformance/_frames_test_util.ts";
import { connBench, iteratedBench, settle, stateOf } from "./_ws_test_util.ts";

for (const role of ["server", "client"] as const) {
  Deno.test(`A close during a stream is an orderly one (as a ${role})`, async () => {
    const { conn, log, peer } = connBench({ role });
    const writer = conn.stream("text").getWriter();
    writer.closed.catch(() => {});
    await writer.write("a");
    conn.close(1000);
    await assertRejects(() => writer.write("b"));
    await peer.send(close(1000));
    await peer.end();
    assertEquals(await conn.closed, undefined);
    assertEquals(log.at(-1), "close:1000:clean");
  });

  Deno.test(`A peer that closes during a stream leaves in order (as a ${role})`, async () => {
    const { conn, log, peer } = connBench({ role });
    const writer = conn.stream("text").getWriter();
    writer.closed.catch(() => {});
    await writer.write("a");
    await peer.send(close(1000));
    writer.write("b").catch(() => {});
    await settle();
    await peer.end();
    assertEquals(await conn.closed, undefined);
    assertEquals(log.at(-1), "close:1000:clean");
  });
}

Deno.test("A fragment is refused during a stream, of whatever kind", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("a");
  for (
    const [kind, data] of [["text", "X"], [
      "binary",
      new Uint8Array(1),
    ]] as const
  ) {
    assertThrows(() =>
      conn.send({ type: "fragment", kind, data, final: true })
    );
  }
  await writer.write("b");
  await writer.close();
  assertEquals((await peer.replies()).join(" "), "text+:a more+:b more:");
  conn.abort();
});

Deno.test("A connection that sends a stream is no slow receiver", async () => {
  const { conn } = connBench();
  const writer = conn.stream("text").getWriter();
  writer.closed.catch(() => {});
  await writer.write("a");
  assertEquals(conn.needsDrain, false);
  const { sent, closed } = broadcast([conn], "x", { slow: "close" });
  assertEquals([sent, closed], [1, 0]);
  // The next one would have to wait, too.
  assertEquals(conn.needsDrain, true);
  conn.abort();
  await conn.closed;
});

Deno.test("A handler that fails at the drain after a stream closes the connection", async () => {
  const { conn, reported } = connBench({
    handler: (event) => {
      if (event.type === "drain") throw new Error("in drain");
    },
  });
  const writer = conn.stream("text").getWriter();
  await writer.write("a");
  assertEquals(conn.send("held"), false);
  const drained = conn.drain();
  await writer.close();
  assertEquals(await stateOf(drained), "fulfilled");
  assertEquals(reported.length, 1);
  conn.abort();
  assertEquals((await conn.closed)?.code, "handler_failed");
});

Deno.test("A small array that waits for a stream is sent as it was", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("a");
  const bytes = new Uint8Array([1, 2]);
  conn.send(bytes);
  bytes.fill(9);
  await writer.close();
  const frames = await peer.frames();
  assertEquals(frames.at(-1)!.payload, new Uint8Array([1, 2]));
  conn.abort();
});

Deno.test("A source that cannot be iterated blocks nothing", async () => {
  const { conn, peer } = connBench();
  const source = {
    [Symbol.asyncIterator]: () => {
      throw new Error("No pieces");
    },
  };
  await assertRejects(() => conn.stream("text", source), Error, "No pieces");
  conn.send("x");
  assertEquals(await peer.replies(), ["text:x"]);
  conn.abort();
});

Deno.test("Who waits for a WebSocket that becomes something else is told", async () => {
  const { conn } = iteratedBench();
  const next = conn.messages().next();
  const ping = conn.ping();
  await settle();
  const raw = conn.become(new RawMachine(), () => {});
  assertEquals(await stateOf(next), "rejected");
  assertEquals(await stateOf(ping), "rejected");
  raw.abort();
  await raw.closed;
});
