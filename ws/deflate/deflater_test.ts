import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Buffer } from "node:buffer";
import { constants, inflateRawSync } from "node:zlib";
import { ConnError } from "../../conn/error.ts";
import { hex, join, noise, testWays, utf8 } from "./_deflate_test_util.ts";
import { Engines } from "./_engines.ts";
import { deflateHandle, inflateHandle } from "./_handle.ts";
import { handleMakers } from "./_handle_engines.ts";
import { DeflateContexts } from "./contexts.ts";
import { Deflater } from "./deflater.ts";
import { Inflater } from "./inflater.ts";
import { compressOnce } from "./once.ts";
import { resolveDeflate } from "./params.ts";

const TAIL = hex("00 00 ff ff");
const SETTINGS = { windowBits: 15, level: 1, memLevel: 8 };
const NOTHING = new Uint8Array(0);

testWays("Deflater makes the sample of the RFC", (engines) => {
  const deflater = new Deflater(SETTINGS, true, engines);
  assertEquals(deflater.compress(utf8("Hello")), hex("f2 48 cd c9 c9 07 00"));
  deflater.close();
});

testWays(
  "Deflater makes one byte of an empty message, each time",
  (engines) => {
    for (const takeover of [true, false]) {
      const deflater = new Deflater(SETTINGS, takeover, engines);
      for (const message of ["", "", "Hello", "", "Hello", ""]) {
        const payload = deflater.compress(utf8(message));
        if (message === "") assertEquals(payload, hex("00"));
        else assert(payload.length > 1);
      }
      deflater.close();
    }
  },
);

testWays("Deflater makes what any zlib reads", (engines) => {
  const deflater = new Deflater(SETTINGS, false, engines);
  for (const length of [1, 1000, 65_536, 100_000, 1_000_000]) {
    for (const message of [noise(length), new Uint8Array(length)]) {
      const payload = deflater.compress(message);
      const read = inflateRawSync(join(payload, TAIL), {
        finishFlush: constants.Z_SYNC_FLUSH,
      });
      assert(read.equals(message), `${length}`);
    }
  }
});

testWays(
  "Deflater ends no payload with what the peer puts there again",
  (engines) => {
    // Whatever the length, the tail may come in two steps, and must go.
    const deflater = new Deflater(SETTINGS, false, engines);
    for (let length = 65_400; length < 65_560; length++) {
      const payload = deflater.compress(noise(length));
      const tail = payload.subarray(-4);
      assert(tail.some((byte, i) => byte !== TAIL[i]), `${length}`);
      const inflater = new Inflater(15, false, engines);
      assertEquals(inflater.inflate(payload, true, length).length, length);
    }
  },
);

testWays("Deflater makes parts that can be read at once", (engines) => {
  const handles = new Engines(handleMakers);
  for (const takeover of [true, false]) {
    const deflater = new Deflater(SETTINGS, takeover, engines);
    const inflater = new Inflater(15, takeover, handles);
    for (let i = 0; i < 3; i++) {
      for (const part of ["", "one", "two", "", "three"]) {
        const payload = deflater.compressPart(utf8(part), false);
        assertEquals(inflater.inflate(payload, false, 100), utf8(part));
      }
      const last = deflater.compressPart(utf8(i === 1 ? "" : "end"), true);
      const read = inflater.inflate(last, true, 100);
      assertEquals(read, utf8(i === 1 ? "" : "end"));
    }
    deflater.close();
    inflater.close();
  }
});

testWays("Deflater keeps the parts of two connections apart", (engines) => {
  const first = new Deflater(SETTINGS, false, engines);
  const second = new Deflater(SETTINGS, false, engines);
  const text = utf8("Hello, Hello");
  const begun = first.compressPart(text, false);
  const other = second.compress(text);
  const payload = join(begun, first.compressPart(text, true));
  const inflater = new Inflater(15, false, engines);
  assertEquals(inflater.inflate(other, true, 100), text);
  assertEquals(inflater.inflate(payload, true, 100), join(text, text));
});

Deno.test("Deflater refers to the messages before only with context takeover", () => {
  const message = noise(500);
  for (const takeover of [true, false]) {
    const deflater = new Deflater(SETTINGS, takeover);
    const first = deflater.compress(message);
    const second = deflater.compress(message);
    deflater.forget();
    const third = deflater.compress(message);
    assert(takeover ? second.length < 20 : second.length > 500);
    assertEquals(third, first);
    deflater.close();
  }
});

Deno.test("compressOnce makes what a connection with context reads in between", () => {
  const agreement = resolveDeflate();
  const server = new DeflateContexts("server", agreement);
  const client = new DeflateContexts("client", agreement);
  const message = noise(300);
  const read = (payload: Uint8Array) =>
    assertEquals(client.inflate(payload, true, 1000), message);
  for (let i = 0; i < 3; i++) {
    read(server.compress(message));
    const shared = compressOnce(message, server.settings);
    assertEquals(shared, compressOnce(message, server.settings));
    read(shared);
    server.forget();
    const next = server.compress(message);
    assertEquals(next, shared);
    read(next);
  }
  server.close();
  client.close();
});

Deno.test("DeflateContexts give each direction what was agreed on for it", () => {
  const agreement = resolveDeflate({
    serverMaxWindowBits: 9,
    clientMaxWindowBits: 12,
    serverNoContextTakeover: true,
    level: 3,
    memLevel: 7,
    threshold: 10,
  });
  const server = new DeflateContexts("server", agreement);
  const client = new DeflateContexts("client", agreement);
  assertEquals(server.settings, { windowBits: 9, level: 3, memLevel: 7 });
  assertEquals(client.settings, { windowBits: 12, level: 3, memLevel: 7 });
  assertEquals(server.threshold, 10);
  const message = noise(200);
  assertEquals(server.compress(message), server.compress(message));
  assert(client.compress(message).length > client.compress(message).length);
  server.close();
  client.close();
});

testWays("Deflater and Inflater are closed for good", (engines) => {
  for (const takeover of [true, false]) {
    const deflater = new Deflater(SETTINGS, takeover, engines);
    const inflater = new Inflater(15, takeover, engines);
    inflater.inflate(deflater.compressPart(utf8("a"), false), false, 10);
    for (const end of [deflater, inflater, deflater, inflater]) end.close();
    for (
      const run of [
        () => deflater.compress(utf8("a")),
        () => deflater.compress(NOTHING),
        () => inflater.inflate(utf8("a"), true, 10),
      ]
    ) {
      assertEquals(assertThrows(run, ConnError).code, "closed");
    }
  }
});

/** Whether a payload refers back within a window, and is the message. */
function staysWithin(
  windowBits: number,
  payload: Uint8Array,
  message: Uint8Array,
): boolean {
  const handle = inflateHandle(windowBits);
  const input = join(payload, TAIL);
  const output = new Uint8Array(message.length + 8);
  let at = 0;
  try {
    // In small steps zlib only has its window to look at, not all the output.
    for (let from = 0; at < message.length; from = input.length - handle.left) {
      at += handle.run(input, from, output, at, 8);
    }
    return message.every((byte, i) => byte === output[i]);
  } catch {
    return false;
  } finally {
    handle.close();
  }
}

/** The same few bytes again and again, at all distances up to 2000. */
function repeats(): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < 200; i++) {
    pieces.push(noise(20), noise(i * 37 % 2000, i + 2));
  }
  return join(...pieces);
}

testWays(
  "Deflater refers no further back than the window, 2^8 included",
  (engines) => {
    const message = repeats();
    for (const level of [1, 2, 4, 6, 9]) {
      for (const windowBits of [8, 9, 10, 15]) {
        const deflater = new Deflater(
          { windowBits, level, memLevel: 8 },
          true,
          engines,
        );
        const payload = deflater.compress(message);
        assert(staysWithin(windowBits, payload, message), `${windowBits}`);
        deflater.close();
      }
    }
  },
);

Deno.test("The check of windows finds what refers too far back", () => {
  const message = repeats();
  const handle = deflateHandle(10, 6, 8);
  const output = new Uint8Array(2 * message.length);
  const size = handle.run(message, 0, output, 0, output.length);
  handle.close();
  const payload = output.subarray(0, size - TAIL.length);
  assert(staysWithin(10, payload, message));
  assert(!staysWithin(9, payload, message));
});

const message = fc.oneof(
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 200 }) },
  {
    weight: 3,
    arbitrary: fc.array(fc.constantFrom("meer", "kat", "mongoose ", "é"))
      .map((words) => utf8(words.join(""))),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.nat(150_000), fc.integer({ min: 1, max: 9 }))
      .map(([length, seed]) => noise(length, seed)),
  },
  { weight: 1, arbitrary: fc.nat(150_000).map((n) => new Uint8Array(n)) },
);
/** A message, where its parts end, and where its frames end on the way. */
const step = fc.record({
  message,
  parts: fc.array(fc.nat(1000), { maxLength: 3 }),
  cuts: fc.array(fc.nat(1000), { maxLength: 4 }),
  forget: fc.boolean(),
});

/** Cuts an array at thousandths of its length. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places, 1000].sort((a, b) => a - b)
    .map((place) => Math.floor(bytes.length * place / 1000));
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

testWays(
  "What Deflater makes, Inflater reads, in any pieces and settings",
  (engines) => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 8 }),
        fc.integer({ min: 8, max: 15 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (steps, windowBits, level, memLevel, takeover) => {
          const settings = { windowBits, level, memLevel };
          const deflater = new Deflater(settings, takeover, engines);
          const inflater = new Inflater(windowBits, takeover, engines);
          for (const { message, parts, cuts, forget } of steps) {
            if (forget) deflater.forget();
            const pieces = cut(message, parts);
            const payload = Buffer.concat(
              pieces.map((piece, i) =>
                deflater.compressPart(piece, i === pieces.length - 1)
              ),
            );
            const frames = cut(payload, cuts);
            const read = Buffer.concat(
              frames.map((frame, i) =>
                inflater.inflate(frame, i === frames.length - 1, message.length)
              ),
            );
            assert(read.equals(message));
          }
          deflater.close();
          inflater.close();
        },
      ),
      { numRuns: 150 },
    );
  },
);
