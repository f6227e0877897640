import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import { connBench, machineBench } from "../_ws_test_util.ts";
import { concat, type Frame, parse } from "../conformance/_frames_test_util.ts";
import { DeflateContexts } from "../deflate/contexts.ts";
import { type DeflateAgreement, resolveDeflate } from "../deflate/params.ts";
import { PreparedMessage } from "./prepared.ts";
import { messagesOf, PreparedBatch } from "./prepared_batch.ts";
import { type FrameSink, Sender } from "./_sender.ts";

const decoder = new TextDecoder();

/** Notes what is shared, and what is not. */
class Collector implements FrameSink {
  readonly shared: Uint8Array[] = [];
  readonly written: Uint8Array[] = [];

  write(data: Uint8Array | string): void {
    this.written.push((data as Uint8Array).slice());
  }

  writeShared(bytes: Uint8Array): void {
    this.shared.push(bytes);
  }

  writeAhead(): never {
    throw new Error("Not for messages");
  }
}

function batchOf(...all: (string | Uint8Array)[]): PreparedBatch {
  return new PreparedBatch(all.map((data) => new PreparedMessage(data)));
}

function framesIn(bytes: Uint8Array, masked: boolean): Frame[] {
  const { frames, end } = parse(bytes, masked);
  assertEquals(end, bytes.length);
  return frames;
}

Deno.test("PreparedBatch knows its size in bytes", () => {
  assertEquals(batchOf("é€", new Uint8Array(7), "").size, 12);
  assertEquals(batchOf().size, 0);
});

Deno.test("PreparedBatch does not notice what becomes of the array", () => {
  const messages = [new PreparedMessage("one")];
  const batch = new PreparedBatch(messages);
  messages.push(new PreparedMessage("two"));
  assertEquals(framesIn(messagesOf(batch).plain, false).length, 1);
});

Deno.test("A server queues a batch by one reference, the same on every connection", () => {
  const batch = batchOf("one", new Uint8Array(70_000), "", "x".repeat(200));
  const sinks = [new Collector(), new Collector()];
  for (const sink of sinks) new Sender("server", undefined).batch(batch, sink);
  assertEquals(sinks.map(({ shared }) => shared.length), [1, 1]);
  assertEquals(sinks.map(({ written }) => written.length), [0, 0]);
  assert(sinks[0]!.shared[0] === sinks[1]!.shared[0]);
  const frames = framesIn(sinks[0]!.shared[0]!, false);
  assertEquals(
    frames.map(({ opcode, fin, rsv, payload }) => [
      opcode,
      fin,
      rsv,
      payload.length,
    ]),
    [[1, true, 0, 3], [2, true, 0, 70_000], [1, true, 0, 0], [
      1,
      true,
      0,
      200,
    ]],
  );
});

Deno.test("A batch of one message is that message's frame", () => {
  const message = new PreparedMessage("one");
  const sink = new Collector();
  const sender = new Sender("server", undefined);
  sender.batch(new PreparedBatch([message]), sink);
  sender.prepared(message, sink);
  assert(sink.shared[0] === sink.shared[1]);
});

Deno.test("A client masks each message of a batch with another key", () => {
  const sink = new Collector();
  new Sender("client", undefined).batch(
    batchOf(new Uint8Array(8), new Uint8Array(8)),
    sink,
  );
  assertEquals(sink.shared, []);
  const [one, two] = sink.written;
  assert(`${one!.subarray(2, 6)}` !== `${two!.subarray(2, 6)}`);
  assertEquals(framesIn(concat(sink.written), true).length, 2);
});

Deno.test("A batch is joined once for each set of parameters and threshold", () => {
  const batch = batchOf("short", "mongoose ".repeat(100));
  const agreements: Partial<DeflateAgreement>[] = [
    {},
    { serverMaxWindowBits: 9 },
    { level: 9 },
    { memLevel: 1 },
    { threshold: 0 },
    { threshold: 10_000 },
  ];
  const seen = new Set<Uint8Array>();
  for (let round = 0; round < 2; round++) {
    for (const one of agreements) {
      const deflate = new DeflateContexts(
        "server",
        { ...resolveDeflate({ threshold: 100 }), ...one },
      );
      const sink = new Collector();
      new Sender("server", deflate).batch(batch, sink);
      seen.add(sink.shared[0]!);
      deflate.close();
    }
  }
  assertEquals(seen.size, agreements.length);
  // Nobody compresses what is under everybody's threshold.
  assert(seen.has(messagesOf(batch).plain));
});

Deno.test("A batch is read by its peer, whatever else is sent and agreed on", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 60 }),
    fc.nat(300).map((count) => "mongoose ".repeat(count)),
  );
  // A string is a message of the connection's own, an array is a batch.
  const script = fc.array(
    fc.oneof(text, fc.array(text, { maxLength: 5 })),
    { maxLength: 12 },
  );
  const agreement = fc.option(fc.record({
    threshold: fc.constantFrom(0, 30, 1_000),
    serverNoContextTakeover: fc.boolean(),
    clientNoContextTakeover: fc.boolean(),
    serverMaxWindowBits: fc.constantFrom(9, 15),
  }));
  fc.assert(
    fc.property(
      fc.constantFrom("server" as const, "client" as const),
      agreement,
      script,
      (role, options, script) => {
        const agreed = options && resolveDeflate(options);
        const here = agreed === null
          ? undefined
          : new DeflateContexts(role, agreed);
        const there = agreed === null ? undefined : new DeflateContexts(
          role === "server" ? "client" : "server",
          agreed,
        );
        // As a sink does it: all in the order of the calls.
        const sent: Uint8Array[] = [];
        const sink: FrameSink = {
          write: (data) => void sent.push((data as Uint8Array).slice()),
          writeShared: (bytes) => void sent.push(bytes),
          writeAhead: () => {},
        };
        const sender = new Sender(role, here);
        for (const item of script) {
          if (typeof item === "string") sender.text(item, sink);
          else sender.batch(batchOf(...item), sink);
        }
        const texts = framesIn(concat(sent), role === "client").map((
          { rsv, payload },
        ) =>
          decoder.decode(rsv ? there!.inflate(payload, true, 1e6) : payload)
        );
        assertEquals(texts, script.flat());
        here?.close();
        there?.close();
      },
    ),
  );
});

Deno.test("A connection sends a batch in order with the rest", async () => {
  for (const role of ["server", "client"] as const) {
    const { conn, peer } = machineBench({ role });
    conn.send("before");
    assertEquals(conn.send(batchOf("one", new Uint8Array(3), "two")), true);
    conn.send("after");
    assertEquals(await peer.replies(), [
      "text:before",
      "text:one",
      "binary:3",
      "text:two",
      "text:after",
    ]);
    conn.abort();
  }
});

Deno.test("A batch counts for the high mark, and an empty one sends nothing", async () => {
  const { conn, peer } = machineBench({
    highMark: 1_000,
    pair: { bufferSize: 50 },
  });
  peer.transport.stall();
  assertEquals(conn.send(batchOf()), true);
  assertEquals(conn.buffered, 0);
  assertEquals(conn.send(batchOf("x".repeat(600), "x".repeat(600))), false);
  assertEquals(conn.buffered, 1_208);
  peer.transport.resume();
  await conn.drain();
  assertEquals(await peer.replies(), ["text:600", "text:600"]);
  conn.abort();
});

Deno.test("A batch is no part of a message that is open, and nothing after a close", async () => {
  for (const role of ["server", "client"] as const) {
    const { conn, peer } = machineBench({ role });
    conn.send({ type: "fragment", kind: "text", data: "a", final: false });
    const error = assertThrows(() => conn.send(batchOf("x", "y")), ConnError);
    assertEquals(error.code, "message_open");
    conn.send({ type: "fragment", kind: "text", data: "b", final: true });
    conn.close();
    assertEquals(conn.send(batchOf("x")), false);
    assertEquals(await peer.replies(), ["text+:a", "more:b", "close:1000"]);
    conn.abort();
  }
});

Deno.test("A batch is no idle time", async () => {
  const { conn, clock } = machineBench({
    idleTimeout: 10_000,
    pongTimeout: Infinity,
  });
  for (let i = 0; i < 5; i++) {
    await clock.advance(9_000);
    conn.send(batchOf("x"));
  }
  assertEquals(conn.state, "open");
  conn.abort();
});

Deno.test("A batch waits for the stream that is being sent", async () => {
  const { conn, peer } = connBench();
  const writer = conn.stream("text").getWriter();
  await writer.write("a");
  assertEquals(conn.send(batchOf("one", "two")), false);
  assert(conn.buffered >= 6);
  await writer.close();
  const replies = await peer.replies();
  assertEquals(replies.slice(-2), ["text:one", "text:two"]);
  conn.abort();
});
