import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { constants, deflateRawSync } from "node:zlib";
import { ConnError } from "../../conn/error.ts";
import { handlesWork } from "./_handle.ts";
import { hex, join, noise, testWays, utf8 } from "./_deflate_test_util.ts";
import { Deflater } from "./deflater.ts";
import { Inflater } from "./inflater.ts";

const HELLO = utf8("Hello");
const NOTHING = new Uint8Array(0);

/** The samples of RFC 7692 §7.2.3, each of which is "Hello" or empty. */
const SAMPLES: readonly [section: string, payload: Uint8Array, Uint8Array][] = [
  ["7.2.3.1", hex("f2 48 cd c9 c9 07 00"), HELLO],
  ["7.2.3.3", hex("00 05 00 fa ff 48 65 6c 6c 6f 00"), HELLO],
  ["7.2.3.4", hex("f3 48 cd c9 c9 07 00 00"), HELLO],
  ["7.2.3.5", hex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00"), HELLO],
  ["7.2.3.6", hex("00"), NOTHING],
];

/** Inflates a message in pieces that end where `cuts` say. */
function inflate(
  inflater: Inflater,
  payload: Uint8Array,
  cuts: readonly number[] = [],
  room = Infinity,
): Uint8Array {
  const output: Uint8Array[] = [];
  let from = 0;
  let left = room;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    const to = Math.min(cut, payload.length);
    const piece = inflater.inflate(payload.subarray(from, to), false, left);
    output.push(piece);
    left -= piece.length;
    from = to;
  }
  output.push(inflater.inflate(payload.subarray(from), true, left));
  return join(...output);
}

/** The code and reply of the error that inflating makes. */
function failure(run: () => void): string {
  const error = assertThrows(run, ConnError);
  return `${error.code} ${error.side} ${error.reply}`;
}

Deno.test("zlib's handles work in this version of Deno", () => {
  assert(handlesWork());
});

testWays("Inflater reads the samples of the RFC in any pieces", (engines) => {
  for (const takeover of [true, false]) {
    const inflater = new Inflater(15, takeover, engines);
    for (const [section, payload, message] of [...SAMPLES, ...SAMPLES]) {
      assertEquals(inflate(inflater, payload), message, section);
      const each = [...payload.keys()];
      assertEquals(inflate(inflater, payload, each), message, section);
      for (const cut of [...each, payload.length]) {
        assertEquals(inflate(inflater, payload, [cut, cut]), message, section);
      }
    }
    inflater.close();
  }
});

testWays(
  "Inflater with context reads what refers to the message before",
  (engines) => {
    const second = hex("f2 00 11 00 00"); // RFC 7692 §7.2.3.2
    const inflater = new Inflater(15, true, engines);
    assertEquals(inflate(inflater, SAMPLES[0]![1]), HELLO);
    assertEquals(inflate(inflater, second), HELLO);
    assertEquals(inflate(inflater, second, [1, 2, 3]), HELLO);
    inflater.close();
  },
);

testWays(
  "Inflater without context refuses what refers to the message before",
  (engines) => {
    const inflater = new Inflater(15, false, engines);
    assertEquals(inflate(inflater, SAMPLES[0]![1]), HELLO);
    assertEquals(
      failure(() => inflate(inflater, hex("f2 00 11 00 00"))),
      "deflate_invalid remote 1007",
    );
  },
);

testWays("Inflater keeps the messages of two connections apart", (engines) => {
  const [first, second] = [
    new Inflater(15, false, engines),
    new Inflater(15, false, engines),
  ];
  const payload = SAMPLES[0]![1];
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < payload.length; i++) {
    const last = i === payload.length - 1;
    const piece = payload.subarray(i, i + 1);
    pieces.push(first.inflate(piece, last, 100));
    assertEquals(inflate(second, payload), HELLO);
  }
  assertEquals(join(...pieces), HELLO);
});

testWays("Inflater gives arrays that nothing else writes to", (engines) => {
  const inflater = new Inflater(15, true, engines);
  const first = inflate(inflater, hex("00 05 00 fa ff 48 65 6c 6c 6f 00"));
  inflate(inflater, hex("00 05 00 fa ff 58 58 58 58 58 00"));
  assertEquals(first, HELLO);
  inflater.close();
});

testWays(
  "Inflater goes on after final blocks, in a message and behind it",
  (engines) => {
    const final = (text: string) => new Uint8Array(deflateRawSync(utf8(text)));
    const inflater = new Inflater(15, true, engines);
    const two = join(final("one "), final("two"), hex("00"));
    assertEquals(inflate(inflater, two), utf8("one two"));
    assertEquals(inflate(inflater, two, [3, 9]), utf8("one two"));
    // Some forget the byte that the tail belongs to.
    assertEquals(inflate(inflater, final("three")), utf8("three"));
    assertEquals(inflate(inflater, hex("03 00")), NOTHING);
    assertEquals(inflate(inflater, SAMPLES[0]![1]), HELLO);
    assertEquals(inflate(inflater, hex("f2 00 11 00 00")), HELLO);
    inflater.close();
  },
);

testWays("Inflater refuses final blocks without end", (engines) => {
  const inflater = new Inflater(15, true, engines);
  const blocks = hex("03 00".concat(" 03 00".repeat(50_000)));
  assertEquals(
    failure(() => inflater.inflate(blocks, true, 1e6)),
    "deflate_invalid remote 1007",
  );
});

testWays(
  "Inflater refuses what is not DEFLATE, and is closed then",
  (engines) => {
    for (const takeover of [true, false]) {
      for (
        const rubbish of ["ff", "07", "06", "00 05 00 00 00"]
      ) {
        const inflater = new Inflater(15, takeover, engines);
        assertEquals(
          failure(() => inflate(inflater, hex(rubbish))),
          "deflate_invalid remote 1007",
          rubbish,
        );
        assertEquals(
          failure(() => inflate(inflater, SAMPLES[0]![1])),
          "closed local undefined",
        );
        // The next connection does not suffer.
        const next = new Inflater(15, takeover, engines);
        assertEquals(inflate(next, SAMPLES[0]![1]), HELLO);
        next.close();
      }
    }
  },
);

testWays(
  "Inflater takes a message that just fits, and not a byte more",
  (engines) => {
    for (const size of [0, 1, 5000, 65_535, 65_536, 65_537, 131_072, 200_000]) {
      const deflater = new Deflater(
        { windowBits: 15, level: 1, memLevel: 8 },
        false,
        engines,
      );
      const message = noise(size);
      const payload = deflater.compress(message);
      const cuts = [10, 70_000];
      const inflater = new Inflater(15, true, engines);
      assertEquals(inflate(inflater, payload, [], size), message);
      assertEquals(inflate(inflater, payload, cuts, size), message);
      if (size === 0) continue;
      assertEquals(
        failure(() => inflate(inflater, payload, cuts, size - 1)),
        "message_too_large remote 1009",
      );
    }
  },
);

testWays("Inflater stops in the middle of a bomb", (engines) => {
  const bomb = deflateRawSync(new Uint8Array(8 * 1024 * 1024), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  assert(bomb.length < 10_000);
  // Who reads on to the end finds this instead.
  const payload = join(bomb, hex("ff ff ff"));
  for (const takeover of [true, false]) {
    const inflater = new Inflater(15, takeover, engines);
    assertEquals(
      failure(() => inflater.inflate(payload, true, 100_000)),
      "message_too_large remote 1009",
    );
  }
});

testWays("Inflater takes no endless message without contents", (engines) => {
  const inflater = new Inflater(15, true, engines);
  const empty = hex("00 00 00 ff ff");
  for (let i = 0; i < 100; i++) {
    assertEquals(inflater.inflate(empty, false, 10), NOTHING);
  }
  assertEquals(inflate(inflater, SAMPLES[0]![1]), HELLO);
  inflater.close();
});

testWays("Inflater fails in order, whatever comes", (engines) => {
  const codes = ["message_too_large", "deflate_invalid"];
  const room = 1000;
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1 }),
      fc.boolean(),
      (pieces, takeover) => {
        const inflater = new Inflater(9, takeover, engines);
        try {
          for (const piece of pieces) {
            assert(inflater.inflate(piece, true, room).length <= room);
          }
        } catch (error) {
          assert(error instanceof ConnError && codes.includes(error.code));
        } finally {
          inflater.close();
        }
      },
    ),
    { numRuns: 300 },
  );
});
