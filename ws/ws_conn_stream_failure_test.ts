// Streams that are given up, or lose their connection.

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { connBench, settle, stateOf } from "./_ws_test_util.ts";

/** Waits for a rejection, but not for ever. */
async function rejection(promise: Promise<unknown>): Promise<ConnError> {
  assertEquals(await stateOf(promise), "rejected");
  return await assertRejects(() => promise, ConnError);
}

Deno.test("Aborting a stream closes with 1011", async () => {
  const { conn, peer, log } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("a");
  await writer.abort(new Error("changed my mind"));
  const [first, last] = await peer.frames();
  assertEquals([first!.opcode, last!.opcode], [1, 8]);
  assertEquals(last!.payload.subarray(0, 2), new Uint8Array([3, 243]));
  await peer.end();
  const error = await conn.closed;
  assertEquals(error?.code, "message_aborted");
  assertEquals((error?.cause as Error).message, "changed my mind");
  assertEquals(log, ["open", "close:1006:message_aborted"]);
});

Deno.test("Aborting a stream that waits for a slow peer closes at once", async () => {
  const { conn, peer } = connBench({
    highMark: 10,
    pair: { bufferSize: 10 },
  });
  peer.transport.stall();
  const writer = conn.stream("binary").getWriter();
  writer.write(new Uint8Array(100)).catch(() => {});
  await settle();
  writer.abort().catch(() => {});
  await settle();
  assertEquals(conn.state, "closing");
  conn.abort();
});

Deno.test("Aborting a stream that has sent nothing leaves the connection as it is", async () => {
  const { conn, peer } = connBench();
  const stream = conn.stream("text");
  conn.send("held");
  await stream.abort();
  assertEquals(await peer.replies(), ["text:held"]);
  assertEquals(conn.state, "open");
  conn.abort();
});

Deno.test("Aborting a stream that waits for its turn leaves the others as they are", async () => {
  const { conn, peer } = connBench();
  const one = conn.stream("text").getWriter();
  await one.write("1");
  const two = conn.stream("text");
  const aborted = two.abort();
  await one.write("2");
  await one.close();
  await aborted;
  conn.send("after");
  assertEquals(await peer.replies(), [
    "text+:1",
    "more+:2",
    "more:",
    "text:after",
  ]);
  conn.abort();
});

Deno.test("A source that throws rejects, and closes with 1011 if a piece was sent", async () => {
  for (const begun of [true, false]) {
    const { conn, peer } = connBench();
    const sending = conn.stream(
      "text",
      (async function* () {
        if (begun) yield "a";
        throw new RangeError("As asked");
      })(),
    );
    await assertRejects(() => sending, RangeError, "As asked");
    const replies = await peer.replies();
    if (begun) {
      assertEquals(replies[0], "text+:a");
      assertEquals(conn.state, "closing");
      await peer.end();
      assertEquals((await conn.closed)?.code, "message_aborted");
    } else {
      assertEquals(replies, []);
      assertEquals(conn.send("goes on"), true);
      assertEquals(await peer.replies(), ["text:goes on"]);
      conn.abort();
    }
  }
});

Deno.test("A piece of the wrong kind is refused, and does not block the connection", async () => {
  for (const before of [false, true]) {
    const { conn, peer } = connBench();
    const writer = conn.stream("text").getWriter();
    writer.closed.catch(() => {});
    if (before) await writer.write("a");
    const error = await rejection(writer.write(new Uint8Array(1)));
    assertEquals(error.code, "fragment_invalid");
    if (before) {
      // A message that has begun cannot be taken back.
      await settle();
      assertEquals(conn.state, "closing");
    } else {
      conn.send("goes on");
      assertEquals(await peer.replies(), ["text:goes on"]);
    }
    conn.abort();
  }
});

Deno.test("A source of the wrong kind is refused, and does not block the connection", async () => {
  const { conn, peer } = connBench();
  const sending = conn.stream(
    "binary",
    (async function* () {
      yield "text";
    })(),
  );
  assertEquals((await rejection(sending)).code, "fragment_invalid");
  conn.send("goes on");
  assertEquals(await peer.replies(), ["text:goes on"]);
  conn.abort();
});

Deno.test("A connection that closes rejects what its streams write", async () => {
  const { conn } = connBench();
  const one = conn.stream("text").getWriter();
  const two = conn.stream("text").getWriter();
  await one.write("a");
  const waiting = two.write("b");
  waiting.catch(() => {});
  const error = new ConnError("Test", { code: "test", side: "local" });
  conn.abort(error);
  await conn.closed;
  assertEquals((await rejection(one.write("c"))).code, "test");
  assertEquals((await rejection(waiting)).code, "test");
  assertEquals((await rejection(one.closed)).code, "test");
  assertEquals((await rejection(two.closed)).code, "test");
});

Deno.test("A write that waits for the peer ends when the connection closes", async () => {
  const { conn, peer } = connBench({ highMark: 10, pair: { bufferSize: 10 } });
  peer.transport.stall();
  const writer = conn.stream("binary").getWriter();
  writer.closed.catch(() => {});
  const writing = writer.write(new Uint8Array(100));
  writing.catch(() => {});
  assertEquals(await stateOf(writing), "pending");
  conn.abort();
  assert(await stateOf(writing) !== "pending");
  assertEquals(await stateOf(writer.write(new Uint8Array(1))), "rejected");
});

Deno.test("WsConn.close in the middle of a stream rejects its next piece", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  writer.closed.catch(() => {});
  await writer.write("a");
  conn.close(4000);
  assertEquals((await rejection(writer.write("b"))).code, "closed");
  assertEquals(await peer.replies(), ["text+:a", "close:4000"]);
  conn.abort();
});

Deno.test("A source that gives nothing more is left when the connection closes", async () => {
  const { conn } = connBench();
  let returned = false;
  const source: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => {
      let count = 0;
      return {
        next: () =>
          count++ === 0
            ? Promise.resolve({ done: false, value: "a" })
            : new Promise<IteratorResult<string>>(() => {}),
        return: () => {
          returned = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
  const sending = conn.stream("text", source);
  sending.catch(() => {});
  await settle();
  conn.abort();
  await conn.closed;
  assertEquals(await stateOf(sending), "rejected");
  assert(returned, "the source was told");
});

Deno.test("A stream on a closed connection fails, and nothing waits for it", async () => {
  const { conn } = connBench();
  conn.abort();
  await conn.closed;
  const writer = conn.stream("text").getWriter();
  writer.closed.catch(() => {});
  assertEquals((await rejection(writer.write("a"))).code, "closed");
  conn.send("x");
  assertEquals(conn.buffered, 0);
  assertEquals(await stateOf(conn.drain()), "fulfilled");
});

Deno.test("A stream does not go on with a message that fragments have begun", async () => {
  const { conn, peer } = connBench();
  conn.send({ type: "fragment", kind: "text", data: "mine", final: false });
  const writer = conn.stream("text").getWriter();
  writer.closed.catch(() => {});
  const written = writer.write("other");
  written.catch(() => {});
  assertEquals(await stateOf(written) === "fulfilled", false);
  assertEquals(await peer.replies(), ["text+:mine"]);
  conn.abort();
});

Deno.test("An invalid command that waited for a stream does not stop what comes after", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  const wrong = {
    type: "fragment",
    kind: "binary",
    data: "text",
    final: true,
  } as const;
  assertThrows(() => conn.send(wrong), ConnError);
  conn.send("after");
  await writer.close();
  assertEquals(await peer.replies(), ["text:", "text:after"]);
  assertEquals(conn.needsDrain, false);
  conn.abort();
});

Deno.test("More held bytes than the cap abort the connection", async () => {
  const { conn } = connBench();
  const stream = conn.stream("text");
  const piece = new Uint8Array(16 * 1024 * 1024);
  for (let i = 0; i < 4; i++) conn.send(piece);
  assertEquals(conn.state, "open");
  conn.send("x");
  assertEquals((await conn.closed)?.code, "send_queue_full");
  assertEquals(conn.buffered, 0);
  await assertRejects(() => stream.getWriter().closed, ConnError);
});
