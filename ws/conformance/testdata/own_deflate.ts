/**
 * Cases of RFC 7692 that Autobahn's suite leaves out: the RFC's own examples, what
 * is forbidden, and what is too much.
 *
 * @module
 */

import { type Case, echoes, fails } from "../_cases_test_util.ts";
import { agreement, deflated } from "../_deflate_test_util.ts";
import {
  binary,
  bytesOf,
  concat,
  type Frame,
  frame,
  hex,
  last,
  more,
  ping,
  pong,
  text,
} from "../_frames_test_util.ts";

const HELLO = text("Hello");
const deflate = agreement();

/** A compressed message in one frame, or the first frame of one. */
function packed(payload: Uint8Array, fin = true): Frame {
  return frame(1, payload, { rsv: 4, fin });
}

/** An example of RFC 7692 §7.2.3, which says "Hello". */
function example(section: string, what: string, ...digits: string[]): Case {
  const sends = digits.map((each) => packed(hex(each)));
  const fact = `${what} is read (RFC 7692 §${section})`;
  return { ...echoes("", fact, sends, sends.map(() => HELLO)), deflate };
}

const examples: readonly Case[] = [
  example("7.2.3.1", "a block with fixed codes", "f248cdc9c90700"),
  example("7.2.3.2", "a message that refers to the one before", ...[
    "f248cdc9c90700",
    "f200110000",
  ]),
  example("7.2.3.3", "a block without compression", "000500faff48656c6c6f00"),
  example("7.2.3.4", "a block with BFINAL", "f348cdc9c9070000"),
  example("7.2.3.4", "a message after one with BFINAL", ...[
    "f348cdc9c9070000",
    "f248cdc9c90700",
  ]),
  example(
    "7.2.3.5",
    "a message of two blocks",
    "f248050000 00ffffcac9c90700"
      .replace(" ", ""),
  ),
  {
    ...echoes("", "a message in two fragments is read (RFC 7692 §7.2.3.1)", [
      packed(hex("f248cd"), false),
      last(hex("c9c90700")),
    ], [HELLO]),
    deflate,
  },
  {
    ...echoes("", "a message in fragments of a byte is read, pings between", [
      packed(hex("f2"), false),
      ...["48", "cd", "c9", "c9", "07"].flatMap((byte) => [
        more(hex(byte)),
        more(""),
      ]),
      ping("now"),
      last(hex("00")),
    ], [pong("now"), HELLO]),
    deflate,
  },
];

const others: readonly Case[] = [
  {
    ...echoes("", "a message that is not compressed is read", [
      HELLO,
      packed(hex("f248cdc9c90700")),
      binary("Hello"),
    ], [HELLO, HELLO, binary("Hello")]),
    deflate,
  },
  {
    ...echoes("", "an empty compressed message is read", [
      packed(hex("00")),
      packed(hex("00"), false),
      last(""),
    ], [text(""), text("")]),
    deflate,
  },
  {
    ...echoes("", "only what reaches the threshold is compressed", [
      text("x".repeat(1023)),
      text("x".repeat(1024)),
      text("ü".repeat(512)),
      binary(new Uint8Array(1023)),
      binary(new Uint8Array(1024)),
    ], [
      text("x".repeat(1023)),
      text("x".repeat(1024)),
      text("ü".repeat(512)),
      binary(new Uint8Array(1023)),
      binary(new Uint8Array(1024)),
    ]),
    deflate: agreement({ threshold: 1024 }),
  },
];

/** A compressed message that fails, after one that does not. */
function failsPacked(
  fact: string,
  code: number,
  ...sends: Frame[]
): Case {
  const good = packed(hex("f248cdc9c90700"));
  return { ...fails("", fact, code, [good, ...sends], [HELLO]), deflate };
}

const BOMB = deflated(new Uint8Array(100_000));

const failures: readonly Case[] = [
  failsPacked("RSV1 on a ping fails with 1002", 1002, {
    ...ping(),
    rsv: 4,
  }),
  failsPacked("RSV1 on a close frame fails with 1002", 1002, {
    ...frame(8),
    rsv: 4,
  }),
  failsPacked("RSV1 on a continuation fails with 1002", 1002, ...[
    packed(hex("f248cd"), false),
    { ...last(hex("c9c90700")), rsv: 4 },
  ]),
  failsPacked("RSV2 fails with 1002 where RSV1 is allowed", 1002, {
    ...HELLO,
    rsv: 6,
  }),
  failsPacked("RSV3 fails with 1002 where RSV1 is allowed", 1002, {
    ...HELLO,
    rsv: 1,
  }),
  failsPacked(
    "a block of a reserved type fails with 1007",
    1007,
    packed(hex("ffffff")),
  ),
  failsPacked(
    "a stored block with a wrong length fails with 1007",
    1007,
    packed(hex("000500000048656c6c6f00")),
  ),
  failsPacked(
    "a reference to what never was fails with 1007",
    1007,
    // As in RFC 7692 §7.2.3.2, but twice as far back as there is anything.
    packed(hex("f2c0110000")),
  ),
  failsPacked(
    "compressed text that is no UTF-8 fails with 1007",
    1007,
    packed(deflated(hex("48656c6cff"))),
  ),
  failsPacked(
    "compressed text that ends within a character fails with 1007",
    1007,
    packed(deflated(hex("48656c6cc3"))),
  ),
  {
    ...failsPacked("a bomb fails with 1009", 1009, packed(BOMB)),
    options: { maxMessage: 10_000 },
  },
  {
    ...failsPacked(
      "a bomb in fragments fails with 1009 before its end",
      1009,
      ...[
        packed(BOMB.subarray(0, 60), false),
        more(BOMB.subarray(60, -1)),
      ],
    ),
    options: { maxMessage: 10_000 },
  },
  {
    ...failsPacked(
      "messages as long as allowed come back, longer ones fail",
      ...[
        1009,
        packed(deflated(bytesOf("x".repeat(1001)))),
      ] as const,
    ),
    options: { maxMessage: 1000 },
  },
];

const full = bytesOf("x".repeat(1000));

/** The cases. */
export const ownDeflate: readonly Case[] = [
  ...examples,
  ...others,
  ...failures,
  {
    ...echoes("", "compressed messages as long as allowed come back", [
      packed(deflated(full)),
      packed(concat([deflated(full)]), false),
      last(""),
    ], [text(full), text(full)]),
    options: { maxMessage: 1000 },
    deflate,
  },
];
