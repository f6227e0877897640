import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { close, frame, ping, text } from "./conformance/_frames_test_util.ts";
import { connBench, iteratedBench, settle, stateOf } from "./_ws_test_util.ts";

/** Messages of a connection until it ends, and how it does. */
async function collect(
  messages: AsyncIterable<string | Uint8Array>,
): Promise<unknown[]> {
  const all: unknown[] = [];
  try {
    for await (const message of messages) all.push(message);
    all.push("end");
  } catch (error) {
    all.push((error as ConnError).code);
  }
  return all;
}

Deno.test("WsConn.messages gives messages in order, and ends with the connection", async () => {
  const { conn, peer } = iteratedBench();
  const all = collect(conn.messages());
  await peer.send(text("a"), ping(), text("b"), frame(2, new Uint8Array(2)));
  await peer.send(close(4000, "any code is in order"));
  await peer.end();
  assertEquals(await all, ["a", "b", new Uint8Array(2), "end"]);
  assertEquals(conn.closeCode, 4000);
  assertEquals(await collect(conn.messages()), ["end"]);
});

Deno.test("WsConn.messages throws at the end of a connection that broke", async () => {
  const { conn, peer } = iteratedBench();
  const all = collect(conn.messages());
  await peer.send(text("a"));
  await peer.end();
  assertEquals(await all, ["a", "no_close_frame"]);
  const wrong = iteratedBench();
  const some = collect(wrong.conn.messages());
  await wrong.peer.send(text("a"), frame(3, ""));
  await wrong.peer.end();
  assertEquals(await some, ["a", "opcode_unknown"]);
  await conn.closed;
});

Deno.test("WsConn.messages does not read while the loop's body runs", async () => {
  const { conn, peer } = iteratedBench({ pair: { bufferSize: 512 } });
  let gate = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  const loop = (async () => {
    for await (const message of conn.messages()) {
      seen.push(message);
      await gate.promise;
    }
  })();
  await peer.send(text("first"), ping("p"));
  for (let i = 0; i < 300; i++) peer.send(frame(2, new Uint8Array(1_000)));
  await settle();
  const { bytesWritten } = peer.transport;
  assert(bytesWritten < 100_000, `${bytesWritten} bytes were taken`);
  assertEquals(seen, ["first"]);
  // Not even the ping was read.
  assertEquals(await peer.replies(), []);
  gate.resolve();
  await settle();
  assertEquals(seen.length, 301);
  assertEquals(await peer.replies(), ["pong:p"]);
  gate = Promise.withResolvers();
  conn.abort();
  await loop;
});

Deno.test("A loop that is left can be taken up again, and misses nothing", async () => {
  const { conn, peer } = iteratedBench();
  await peer.send(text("a"), text("b"), text("c"));
  for (const expected of ["a", "b", "c"]) {
    for await (const message of conn.messages()) {
      assertEquals(message, expected);
      break;
    }
  }
  conn.abort();
  await conn.closed;
});

Deno.test("A close completes after the loop over messages was left", async () => {
  const { conn, peer } = iteratedBench();
  await peer.send(text("a"), text("b"));
  for await (const _ of conn.messages()) break;
  conn.close();
  await peer.send(text("c"), close(1000));
  assertEquals(await peer.replies(), ["close:1000"]);
  await peer.end();
  assertEquals(await conn.closed, undefined);
  assertEquals(conn.closeCode, 1000);
});

Deno.test("A close completes on a connection that nobody iterates", async () => {
  const { conn, peer } = iteratedBench();
  await peer.send(text("a"), text("b"));
  const disposed = conn[Symbol.asyncDispose]();
  assertEquals(await peer.replies(), ["close:1000"]);
  await peer.send(close(1000));
  await peer.end();
  assertEquals(await stateOf(disposed), "fulfilled");
});

Deno.test("A connection that nobody iterates answers the first ping", async () => {
  const { conn, peer } = iteratedBench();
  await peer.send(ping("p"));
  assertEquals(await peer.replies(), ["pong:p"]);
  conn.abort();
});

Deno.test("A connection that only sends reads on after drain", async () => {
  const { conn, peer } = iteratedBench({
    highMark: 100,
    pair: { bufferSize: 100 },
  });
  for (let i = 0; i < 3; i++) {
    conn.send(new Uint8Array(1_000));
    await conn.drain();
  }
  await peer.frames();
  await peer.send(ping("p"));
  assertEquals(await peer.replies(), ["pong:p"]);
  conn.abort();
});

Deno.test("WsConn is iterated event by event", async () => {
  const { conn, peer } = iteratedBench();
  const types: string[] = [];
  const loop = (async () => {
    for await (const { type } of conn) types.push(type);
  })();
  await peer.send(text("a"), ping(), close(1000));
  await peer.end();
  await loop;
  assertEquals(types, ["open", "message", "ping", "closing", "close"]);
});

Deno.test("WsConn with a handler is not iterated", async () => {
  const { conn } = connBench();
  assertThrows(() => conn[Symbol.asyncIterator](), ConnError, "handler");
  const error = await assertRejects(() => conn.messages().next(), ConnError);
  assertEquals(error.code, "has_handler");
  conn.abort();
});

Deno.test("WsConn.messages reads a message that a handshake brought along", async () => {
  const { conn, peer } = iteratedBench({
    attach: {
      unread: new Uint8Array([0x81, 0x82, 0, 0, 0, 0, 104, 105]),
    },
  });
  assertEquals((await conn.messages().next()).value, "hi");
  conn.abort();
  await peer.frames();
});
