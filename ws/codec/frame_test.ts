import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import { encode, frame, parse } from "../conformance/_frames_test_util.ts";
import {
  checkHeadStart,
  checkLength,
  emptyHead,
  type FrameHead,
  type FrameRules,
  headSize,
  MAX_HEAD,
  readHead,
  writeHead,
} from "./frame.ts";

const LENGTHS = [0, 1, 125, 126, 127, 65535, 65536, 2 ** 32, 2 ** 53 - 1];
const RULES: FrameRules = { masked: false, deflate: false, maxFrame: Infinity };

/** A head that was written, with its key if it has one. */
function written(first: number, length: number, masked: boolean): Uint8Array {
  const bytes = new Uint8Array(MAX_HEAD);
  const end = writeHead(bytes, first, length, masked);
  if (masked) bytes.set([1, 2, 3, 0x84], end);
  const size = headSize(length, masked);
  assertEquals(end + (masked ? 4 : 0), size);
  return bytes.subarray(0, size);
}

Deno.test("readHead reads what writeHead wrote, at any place", () => {
  for (const length of LENGTHS) {
    for (const masked of [true, false]) {
      for (const first of [0x81, 0x02, 0xc1, 0x89, 0x7f]) {
        const bytes = written(first, length, masked);
        const moved = new Uint8Array(bytes.length + 12);
        moved.set(bytes, 5);
        const head = emptyHead();
        assert(readHead(moved, 5, head));
        assertEquals(head, {
          final: first >= 0x80,
          reserved: first >> 4 & 7,
          opcode: first & 15,
          masked,
          key: masked ? 0x84030201 | 0 : 0,
          length,
          lengthSize: length < 126 ? 1 : length < 65536 ? 3 : 9,
          size: bytes.length,
        });
      }
    }
  }
});

Deno.test("readHead says that a head is incomplete at every cut", () => {
  for (const length of [5, 126, 65536]) {
    for (const masked of [true, false]) {
      const bytes = written(0x82, length, masked);
      for (let cut = 0; cut < bytes.length; cut++) {
        const head = emptyHead();
        assertEquals(readHead(bytes.subarray(0, cut), 0, head), false);
        if (cut < 2) {
          assertEquals(head.size, 0);
          continue;
        }
        assertEquals([head.opcode, head.final, head.size, head.masked], [
          2,
          true,
          bytes.length,
          masked,
        ]);
      }
    }
  }
});

Deno.test("readHead agrees with a reader of its own, for any frame", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 15 }),
      fc.boolean(),
      fc.nat(7),
      fc.uint8Array({ maxLength: 300 }),
      fc.boolean(),
      (opcode, fin, rsv, payload, masked) => {
        const bytes = encode([frame(opcode, payload, { fin, rsv })], masked);
        assertEquals(parse(bytes, masked).end, bytes.length);
        const head = emptyHead();
        assert(readHead(bytes, 0, head));
        assertEquals([head.opcode, head.final, head.reserved, head.length], [
          opcode,
          fin,
          rsv,
          payload.length,
        ]);
        assertEquals(head.size + head.length, bytes.length);
      },
    ),
  );
});

function head(changes: Partial<FrameHead>): FrameHead {
  return { ...emptyHead(), final: true, opcode: 1, size: 2, ...changes };
}

/** The code of the error, `undefined` for none. */
function codeOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    assert(error instanceof ConnError);
    assertEquals(error.side, "remote");
    assertEquals(error.reply, error.code.endsWith("_too_large") ? 1009 : 1002);
    return error.code;
  }
}

Deno.test("checkHeadStart knows the opcodes, and where they may stand", () => {
  const alone: number[] = [];
  const inside: number[] = [];
  for (let opcode = 0; opcode < 16; opcode++) {
    const start = head({ opcode });
    const code = (inMessage: boolean) =>
      codeOf(() => checkHeadStart(start, RULES, inMessage));
    if (code(false) === undefined) alone.push(opcode);
    if (code(true) === undefined) inside.push(opcode);
    const known = [0, 1, 2, 8, 9, 10].includes(opcode);
    if (!known) assertEquals(code(false), "opcode_unknown");
  }
  assertEquals(alone, [1, 2, 8, 9, 10]);
  assertEquals(inside, [0, 8, 9, 10]);
});

Deno.test("checkHeadStart takes RSV1 on the first frame of a message, if agreed", () => {
  for (let reserved = 1; reserved < 8; reserved++) {
    for (const opcode of [0, 1, 2, 8, 9, 10]) {
      const inMessage = opcode === 0;
      const check = (deflate: boolean) =>
        codeOf(() =>
          checkHeadStart(
            head({ opcode, reserved }),
            { ...RULES, deflate },
            inMessage,
          )
        );
      assertEquals(check(false), "reserved_bits");
      const fine = reserved === 4 && (opcode === 1 || opcode === 2);
      assertEquals(check(true), fine ? undefined : "reserved_bits");
    }
  }
});

Deno.test("checkHeadStart wants a mask from a client, and none from a server", () => {
  for (const demanded of [true, false]) {
    const rules = { ...RULES, masked: demanded };
    for (const masked of [true, false]) {
      assertEquals(
        codeOf(() => checkHeadStart(head({ masked }), rules, false)),
        masked === demanded ? undefined : "mask_invalid",
      );
    }
  }
});

Deno.test("checkHeadStart refuses control frames that are long or fragmented", () => {
  for (const opcode of [8, 9, 10]) {
    const check = (changes: Partial<FrameHead>) =>
      codeOf(() => checkHeadStart(head({ opcode, ...changes }), RULES, true));
    assertEquals(check({ final: false }), "control_fragmented");
    assertEquals(check({ lengthSize: 3 }), "control_too_long");
    assertEquals(check({ lengthSize: 9 }), "control_too_long");
  }
});

Deno.test("checkLength wants the shortest form, 63 bits, and maxFrame", () => {
  const cases: [length: number, lengthSize: number, code?: string][] = [
    [125, 1],
    [125, 3, "length_invalid"],
    [126, 3],
    [65535, 3],
    [0, 9, "length_invalid"],
    [65535, 9, "length_invalid"],
    [65536, 9],
    [2 ** 62, 9],
  ];
  for (const [length, lengthSize, code] of cases) {
    const start = head({ length, lengthSize });
    assertEquals(codeOf(() => checkLength(start, RULES)), code, `${length}`);
  }
  const rules = { ...RULES, maxFrame: 200 };
  assertEquals(
    codeOf(() => checkLength(head({ length: 200, lengthSize: 3 }), rules)),
    undefined,
  );
  const error = assertThrows(
    () => checkLength(head({ length: 201, lengthSize: 3 }), rules),
    ConnError,
    "Cannot take the frame: it is over 200 bytes",
  );
  assertEquals([error.code, error.reply], ["frame_too_large", 1009]);
});

Deno.test("checkLength refuses a length whose first bit is set, and no smaller one", () => {
  const cases: [bigint, boolean][] = [
    [2n ** 63n - 1n, true],
    [2n ** 62n, true],
    [2n ** 63n, false],
    [2n ** 64n - 1n, false],
  ];
  for (const [announced, fine] of cases) {
    const long = frame(2, "", { lengthBits: 64, announced });
    const start = emptyHead();
    assert(readHead(encode([long], false), 0, start));
    assertEquals(
      codeOf(() => checkLength(start, RULES)),
      fine ? undefined : "length_invalid",
      `${announced}`,
    );
  }
});

Deno.test("writeHead writes into a view that begins anywhere", () => {
  const memory = new Uint8Array(40).fill(0xee);
  writeHead(memory.subarray(7, 30), 0x82, 70_000, false);
  assertEquals(
    memory.subarray(6, 18),
    new Uint8Array([0xee, 0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70, 0xee]),
  );
});
