/**
 * Autobahn's category 7: the closing handshake.
 *
 * @module
 */

import { type Case, echoes, fails } from "../_cases_test_util.ts";
import {
  bytesOf,
  close,
  first,
  type Frame,
  frame,
  hex,
  last,
  ping,
  text,
} from "../_frames_test_util.ts";

const HELLO = text("Hello World!");
const LONG = text("BAsd7&jh23".repeat(26215).slice(0, 256 * 1024));
/** A reason that is no UTF-8: Greek, a surrogate, and text. */
const BAD_REASON = hex("cebae1bdb9cf83cebcceb5eda080656469746564");

/** A close frame that is answered with the same code, after what came before. */
function closes(
  id: string,
  fact: string,
  sends: readonly Frame[],
  replies: readonly Frame[],
): Case {
  return echoes(id, fact, sends, replies);
}

function validCode(id: string, code: number): Case {
  const fact = `close code ${code} is answered with itself`;
  return closes(id, fact, [close(code)], [close(code)]);
}

function invalidCode(id: string, code: number): Case {
  const fact = `close code ${code} fails the connection with 1002`;
  return fails(id, fact, 1002, [close(code)]);
}

const VALID = [
  ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011],
  ...[3000, 3999, 4000, 4999],
];
const INVALID = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];

/** The cases. */
export const closing: readonly Case[] = [
  echoes("7.1.1", "a message comes back before the connection closes", [
    HELLO,
  ], [HELLO]),
  closes("7.1.2", "a second close frame is ignored", [close(1000), close()], [
    close(1000),
  ]),
  closes("7.1.3", "a ping after a close frame gets no pong", [
    close(1000),
    ping(),
  ], [close(1000)]),
  closes("7.1.4", "text after a close frame is ignored", [
    close(1000),
    HELLO,
  ], [close(1000)]),
  closes("7.1.5", "a fragment after a close frame is ignored", [
    first("fragment1"),
    close(1000),
    last("fragment2"),
  ], [close(1000)]),
  closes("7.1.6", "256 KiB of text come back before the close is answered", [
    LONG,
    HELLO,
    close(1000),
    ping(),
  ], [LONG, HELLO, close(1000)]),

  closes("7.3.1", "an empty close frame is answered with an empty one", [
    close(),
  ], [close()]),
  fails(
    "7.3.2",
    "a close frame of one byte fails the connection with 1002",
    1002,
    [
      frame(8, "a"),
    ],
  ),
  closes("7.3.3", "a close frame with a code is answered with the code", [
    close(1000),
  ], [close(1000)]),
  closes("7.3.4", "a close frame with a reason is answered with the same", [
    close(1000, "Hello World!"),
  ], [close(1000, "Hello World!")]),
  closes("7.3.5", "a close frame with a reason of 123 bytes is answered", [
    close(1000, "*".repeat(123)),
  ], [close(1000, "*".repeat(123))]),
  fails(
    "7.3.6",
    "a close frame with a reason of 124 bytes fails the connection with 1002",
    1002,
    [close(1000, "*".repeat(124))],
  ),

  fails(
    "7.5.1",
    "a close reason with a surrogate fails the connection with 1007",
    1007,
    [close(1000, BAD_REASON)],
  ),

  ...VALID.map((code, i) => validCode(`7.7.${i + 1}`, code)),
  ...INVALID.map((code, i) => invalidCode(`7.9.${i + 1}`, code)),
  invalidCode("7.13.1", 5000),
  invalidCode("7.13.2", 65535),
];

/** What the suite leaves out: newer codes, borders, and where reasons end. */
export const moreClosing: readonly Case[] = [
  ...[1012, 1013, 1014].map((code) => validCode("", code)),
  ...[1, 1015, 1017, 65534].map((code) => invalidCode("", code)),
  fails(
    "",
    "a close reason that is cut within a character fails with 1007",
    1007,
    [
      close(1000, bytesOf("é").subarray(0, 1)),
    ],
  ),
  fails("", "a close frame that is not final fails with 1002", 1002, [
    { ...close(1000), fin: false },
  ]),
  closes("", "a close reason beyond ASCII is taken", [
    close(4000, "Ende gut, alles gut 🦦"),
  ], [close(4000, "Ende gut, alles gut 🦦")]),
  closes("", "a broken frame after a close frame is ignored", [
    close(1000),
    frame(3, "reserved", { rsv: 7 }),
  ], [close(1000)]),
];
