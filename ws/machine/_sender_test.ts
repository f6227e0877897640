import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { concat, type Frame, parse } from "../conformance/_frames_test_util.ts";
import { DeflateContexts } from "../deflate/contexts.ts";
import { resolveDeflate } from "../deflate/params.ts";
import { PreparedMessage } from "./prepared.ts";
import { type FrameSink, Sender } from "./_sender.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Collects what is written, as a sink that copies it at once. */
class Collector implements FrameSink {
  readonly parts: Uint8Array[] = [];
  readonly ahead: [string, Uint8Array][] = [];
  /** Whether what was written last is not complete. */
  open = false;

  write(data: Uint8Array | string, goesOn = false): void {
    this.open = goesOn;
    this.parts.push(
      typeof data === "string" ? encoder.encode(data) : data.slice(),
    );
  }

  writeShared(bytes: Uint8Array): void {
    this.write(bytes);
  }

  writeAhead(bytes: Uint8Array, name: string): void {
    assert(!this.open, "inside a frame");
    this.ahead.push([name, bytes]);
  }

  /** All frames so far, which must be whole. */
  frames(masked: boolean): Frame[] {
    assert(!this.open);
    const bytes = concat(this.parts);
    const { frames, end } = parse(bytes, masked);
    assertEquals(end, bytes.length);
    return frames;
  }
}

/** Lengths around all limits of heads and of buffers. */
const LENGTHS = [
  0,
  1,
  39,
  40,
  41,
  124,
  125,
  126,
  127,
  128,
  255,
  256,
  257,
  1360,
  1361,
  4081,
  4082,
  4083,
  4095,
  4096,
  4097,
  8191,
  8192,
  8193,
  65535,
  65536,
  65537,
];

Deno.test("Sender writes messages of every length in both roles", () => {
  for (const role of ["server", "client"] as const) {
    for (const length of LENGTHS) {
      const sink = new Collector();
      const sender = new Sender(role, undefined);
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
      sender.binary(bytes, sink);
      sender.text("x".repeat(length), sink);
      sender.prepared(new PreparedMessage(bytes), sink);
      const frames = sink.frames(role === "client");
      assertEquals(frames.map(({ opcode, fin, rsv }) => [opcode, fin, rsv]), [
        [2, true, 0],
        [1, true, 0],
        [2, true, 0],
      ]);
      assertEquals(frames[0]!.payload, bytes);
      assertEquals(frames[1]!.payload, encoder.encode("x".repeat(length)));
      assertEquals(frames[2]!.payload, bytes);
    }
  }
});

Deno.test("Sender writes text beyond ASCII, whatever its length comes to", () => {
  for (const role of ["server", "client"] as const) {
    for (const unit of ["é", "€", "😀", "a€", "\0"]) {
      for (const count of [1, 13, 41, 42, 62, 63, 64, 125, 1_400, 25_000]) {
        const sink = new Collector();
        const text = unit.repeat(count);
        new Sender(role, undefined).text(text, sink);
        const [frame] = sink.frames(role === "client");
        assertEquals(decoder.decode(frame!.payload), text);
      }
    }
  }
});

Deno.test("Sender replaces half a surrogate pair", () => {
  const sink = new Collector();
  new Sender("server", undefined).text("a\ud800b", sink);
  assertEquals(decoder.decode(sink.frames(false)[0]!.payload), "a\ufffdb");
});

Deno.test("Sender leaves the program's array as it is", () => {
  for (const length of [10, 5_000, 100_000]) {
    const sink = new Collector();
    const sender = new Sender("client", undefined);
    const bytes = new Uint8Array(length).fill(7);
    sender.binary(bytes, sink);
    sender.fragment(
      { type: "fragment", kind: "binary", data: bytes, final: true },
      sink,
    );
    sender.prepared(new PreparedMessage(bytes), sink);
    assertEquals(bytes, new Uint8Array(length).fill(7));
    for (const { payload } of sink.frames(true)) assertEquals(payload, bytes);
  }
});

Deno.test("Sender masks each frame with another key", () => {
  const sink = new Collector();
  const sender = new Sender("client", undefined);
  const keys = new Set<string>();
  for (let i = 0; i < 3000; i++) {
    sender.binary(new Uint8Array(8), sink);
    const frame = sink.parts.at(-1)!;
    keys.add(`${frame.subarray(2, 6)}`);
    // Eight zeros are the key, twice.
    assertEquals(frame.subarray(6, 10), frame.subarray(2, 6));
  }
  assert(keys.size > 2990);
});

Deno.test("Sender gives control frames away, each its own array", () => {
  const sink = new Collector();
  const sender = new Sender("server", undefined);
  sender.control(9, encoder.encode("one"), sink);
  sender.control(10, encoder.encode("two"), sink);
  sender.text("overwrites what is shared", sink);
  assertEquals(sink.ahead.map(([name]) => name), ["ping", "pong"]);
  const [one, two] = sink.ahead.map(([, bytes]) =>
    parse(bytes, false).frames[0]!
  );
  assertEquals([one!.opcode, decoder.decode(one!.payload)], [9, "one"]);
  assertEquals([two!.opcode, decoder.decode(two!.payload)], [10, "two"]);
});

Deno.test("Sender compresses from the threshold on, by bytes", () => {
  const deflate = new DeflateContexts(
    "server",
    resolveDeflate({ threshold: 30 }),
  );
  const sink = new Collector();
  const sender = new Sender("server", deflate);
  sender.text("x".repeat(29), sink);
  sender.text("x".repeat(30), sink);
  sender.text("€".repeat(9), sink);
  sender.text("€".repeat(10), sink);
  sender.binary(new Uint8Array(29), sink);
  sender.binary(new Uint8Array(30), sink);
  sender.prepared(new PreparedMessage("x".repeat(29)), sink);
  sender.prepared(new PreparedMessage("x".repeat(30)), sink);
  assertEquals(
    sink.frames(false).map(({ rsv }) => rsv),
    [0, 4, 0, 4, 0, 4, 0, 4],
  );
  deflate.close();
});

Deno.test("Sender stays in step with the peer after a shared frame", () => {
  const agreement = resolveDeflate({ threshold: 0 });
  for (const role of ["server", "client"] as const) {
    const here = new DeflateContexts(role, agreement);
    const there = new DeflateContexts(
      role === "server" ? "client" : "server",
      agreement,
    );
    const sink = new Collector();
    const sender = new Sender(role, here);
    const own = "mongoose ".repeat(50);
    const shared = new PreparedMessage("meerkat ".repeat(50));
    const sizes: number[] = [];
    sender.text(own, sink);
    sender.text(own, sink);
    sender.prepared(shared, sink);
    sender.text(own, sink);
    sender.prepared(shared, sink);
    sender.prepared(shared, sink);
    sender.text(own, sink);
    sender.text(own, sink);
    const texts = sink.frames(role === "client").map(({ payload }) => {
      sizes.push(payload.length);
      return decoder.decode(there.inflate(payload, true, 10_000));
    });
    const all = [own, own, "S", own, "S", "S", own, own];
    assertEquals(
      texts,
      all.map((text) => text === "S" ? "meerkat ".repeat(50) : text),
    );
    // Its own messages refer to each other, and not over a shared one.
    assert(sizes[1]! < sizes[0]!);
    assertEquals(sizes[3], sizes[0]);
    assert(sizes[7]! < sizes[6]!);
    here.close();
    there.close();
  }
});

Deno.test("Sender queues the very same frame on every connection", () => {
  const written: (Uint8Array | string)[] = [];
  const sink: FrameSink = {
    write: () => {},
    writeShared: (bytes) => void written.push(bytes),
    writeAhead: () => {},
  };
  const message = new PreparedMessage(new Uint8Array(100_000));
  for (let i = 0; i < 2; i++) {
    new Sender("server", undefined).prepared(message, sink);
  }
  assert(written[0] === written[1]);
  assertNotEquals(written[0], undefined);
});

Deno.test("Sender puts a close frame behind what was written", () => {
  for (const role of ["server", "client"] as const) {
    const sink = new Collector();
    const sender = new Sender(role, undefined);
    sender.binary(new Uint8Array(9_000), sink);
    sender.close(new Uint8Array([3, 232]), sink);
    assertEquals(
      sink.frames(role === "client").map(({ opcode }) => opcode),
      [2, 8],
    );
  }
});
