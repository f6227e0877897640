/**
 * Cases that Autobahn's suite leaves out: masks, lengths, limits, odd text.
 *
 * @module
 */

import { type Case, echoes, fails } from "../_cases_test_util.ts";
import {
  binary,
  bytesOf,
  close,
  concat,
  cut,
  first,
  type Frame,
  frame,
  hex,
  last,
  more,
  ping,
  pong,
  text,
} from "../_frames_test_util.ts";

/** Bytes that differ from their neighbours. */
function counted(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 + length);
}

/** Only the head of a binary frame, which tells a length. */
function head(announced: bigint) {
  return cut({ ...binary(""), lengthBits: 64, announced }, 0, 0);
}

function echoed(fact: string, ...messages: Frame[]): Case {
  return echoes("", fact, messages, messages);
}

const masks: readonly Case[] = [
  {
    ...fails(
      "",
      "a frame without a mask fails the connection with 1002",
      1002,
      [
        { ...text("Hello"), masked: false },
      ],
    ),
    only: "server",
  },
  {
    ...fails("", "a ping without a mask fails the connection with 1002", 1002, [
      { ...ping(), masked: false },
    ]),
    only: "server",
  },
  {
    ...fails("", "a frame with a mask fails the connection with 1002", 1002, [
      { ...text("Hello"), masked: true },
    ]),
    only: "client",
  },
  echoed(
    "messages of 0 to 40 bytes come back",
    ...Array.from({ length: 41 }, (_, i) => binary(counted(i))),
  ),
  echoes(
    "",
    "a message in fragments of 0 to 20 bytes comes back",
    [
      ...Array.from({ length: 21 }, (_, i) => ({
        ...(i === 0 ? binary(counted(i)) : more(counted(i))),
        fin: false,
      })),
      last(""),
    ],
    [binary(concat(Array.from({ length: 21 }, (_, i) => counted(i))))],
  ),
];

const lengths: readonly Case[] = [
  ...([[0, 16], [5, 16], [125, 16], [5, 64], [126, 64], [65535, 64]] as const)
    .map(([length, lengthBits]) =>
      fails(
        "",
        `${length} bytes with a length of ${lengthBits} bits fail with 1002`,
        1002,
        [{ ...binary(counted(length)), lengthBits }],
      )
    ),
  fails("", "a ping with a length of 16 bits fails with 1002", 1002, [
    { ...ping("Hello"), lengthBits: 16 },
  ]),
  fails("", "a length with the top bit set fails with 1002", 1002, [
    head(2n ** 63n),
  ]),
  fails("", "the largest length fails with 1002", 1002, [head(2n ** 64n - 1n)]),
];

const limited: readonly Case[] = [
  fails(
    "",
    "a head that tells 16 MiB and a byte fails with 1009 at once",
    1009,
    [
      head(2n ** 24n + 1n),
    ],
  ),
  fails("", "a head that tells 2^53 bytes and one fails with 1009", 1009, [
    head(2n ** 53n + 1n),
  ]),
  fails("", "a head that tells 2^63 bytes less one fails with 1009", 1009, [
    head(2n ** 63n - 1n),
  ]),
  {
    ...echoed("messages as long as allowed come back", ...[
      binary(counted(1000)),
      text("x".repeat(1000)),
    ]),
    options: { maxMessage: 1000 },
  },
  {
    ...fails("", "a message a byte too long fails with 1009", 1009, [
      text("x".repeat(1000)),
      cut(text("x".repeat(1001)), 0, 0),
    ], [text("x".repeat(1000))]),
    options: { maxMessage: 1000 },
  },
  {
    ...fails("", "fragments that are too long together fail with 1009", 1009, [
      first("x".repeat(600)),
      more("x".repeat(400)),
      cut(more("x"), 0, 0),
    ]),
    options: { maxMessage: 1000 },
  },
  {
    ...echoes("", "a message of two frames as long as allowed comes back", [
      first("x".repeat(125)),
      last("x".repeat(125)),
    ], [text("x".repeat(250))]),
    options: { maxFrame: 125 },
  },
  {
    ...fails("", "a frame a byte too long fails with 1009", 1009, [
      cut(text("x".repeat(126)), 0, 0),
    ]),
    options: { maxFrame: 125 },
  },
  {
    ...fails(
      "",
      "a message in more fragments than allowed fails with 1008",
      1008,
      [
        first("a"),
        more(""),
        last("b"),
        first("a"),
        more(""),
        more(""),
        last("b"),
      ],
      [text("ab")],
    ),
    options: { maxFragments: 3 },
  },
];

const texts: readonly Case[] = [
  echoed("a byte order mark stays", text("\ufeffhello"), text("\ufeff")),
  echoes("", "a byte order mark in fragments stays", [
    first(hex("ef")),
    more(hex("bb")),
    last(hex("bf")),
  ], [text("\ufeff")]),
  echoed("NUL, line separators and a lone combining mark stay", ...[
    text("\0a\0"),
    text("\u2028\u2029"),
    text("\u0301"),
  ]),
  echoes("", "a ping in the middle of a character is answered", [
    first(hex("f09f")),
    ping("now"),
    last(hex("a6a6")),
  ], [pong("now"), text(hex("f09fa6a6"))]),
  echoes(
    "",
    "text between a hundred empty fragments comes back",
    [
      first(""),
      ...Array.from({ length: 50 }, () => more("")),
      ...[...bytesOf("\u{1f9a6}")].map((byte) => more(Uint8Array.of(byte))),
      ...Array.from({ length: 50 }, () => more("")),
      last(""),
    ],
    [text("\u{1f9a6}")],
  ),
  fails("", "a message that ends within a character fails with 1007", 1007, [
    first("good"),
    last(hex("f09fa6")),
  ]),
  echoed("bytes that are no UTF-8 come back in a binary message", ...[
    binary(hex("c328a0a1e228a1")),
  ]),
];

const pings: readonly Case[] = [
  echoes("", "a ping right before a close frame is answered before it", [
    ping("last"),
    close(1000),
  ], [pong("last"), close(1000)]),
  fails("", "a ping right before a broken frame is answered", 1002, [
    ping("last"),
    frame(3),
  ], [pong("last")]),
  echoes("", "a ping right before a message is answered before it", [
    ping("first"),
    text("second"),
  ], [pong("first"), text("second")]),
];

/** The cases. */
export const own: readonly Case[] = [
  ...masks,
  ...lengths,
  ...limited,
  ...pings,
  ...texts,
];
