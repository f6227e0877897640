/**
 * Autobahn's category 6: UTF-8.
 *
 * @module
 */

import { type Case, echoes, fails } from "../_cases_test_util.ts";
import {
  bytesOf,
  concat,
  cut,
  first,
  fragments,
  hex,
  last,
  more,
  text,
} from "../_frames_test_util.ts";
import { utf8Sequences } from "./utf8_sequences.ts";

const WORDS = "Hello-µ@ßöäüàá-UTF-8!!";
const GREEK = hex("cebae1bdb9cf83cebcceb5");
const EDITED = hex("656469746564");
/** Greek, a surrogate, and text: wrong from the 13th byte on. */
const SURROGATE = concat([GREEK, hex("eda080"), EDITED]);
/** Greek, a code point above U+10FFFF, and text: wrong from the 13th byte on. */
const TOO_HIGH = concat([GREEK, hex("f4908080"), EDITED]);

const [GREEK_FRAME, REST] = [first(GREEK), last(EDITED)];

/** In three stages: good bytes, bytes with the first bad one, the rest. */
function failsFast(id: string, fact: string, parts: Case["stages"]): Case {
  return { id, fact, stages: parts };
}

const wellKnown: readonly Case[] = [
  echoes("6.1.1", "an empty text comes back", [text("")], [text("")]),
  echoes("6.1.2", "text in three empty fragments comes back as one frame", [
    first(""),
    more(""),
    last(""),
  ], [text("")]),
  echoes("6.1.3", "text between two empty fragments comes back", [
    first(""),
    more("middle frame payload"),
    last(""),
  ], [text("middle frame payload")]),
  echoes("6.2.1", "text beyond ASCII comes back", [text(WORDS)], [text(WORDS)]),
  echoes("6.2.2", "text that is cut between characters comes back", [
    first("Hello-µ@ßöä"),
    last("üàá-UTF-8!!"),
  ], [text(WORDS)]),
  echoes(
    "6.2.3",
    "text that is cut at every byte comes back",
    fragments(1, bytesOf(WORDS), 1),
    [text(WORDS)],
  ),
  echoes(
    "6.2.4",
    "Greek text that is cut at every byte comes back",
    fragments(1, GREEK, 1),
    [text(GREEK)],
  ),
  fails("6.3.1", "text with a surrogate fails the connection with 1007", 1007, [
    text(SURROGATE),
  ]),
  fails(
    "6.3.2",
    "text with a surrogate in fragments of a byte fails the connection with 1007",
    1007,
    fragments(1, SURROGATE, 1),
  ),
  failsFast(
    "6.4.1",
    "the fragment that makes text invalid fails it with 1007",
    [
      { sends: [GREEK_FRAME] },
      { sends: [more(hex("f4908080"))], fails: 1007 },
      { sends: [REST] },
    ],
  ),
  failsFast("6.4.2", "a fragment of the one bad byte fails text with 1007", [
    { sends: [first(TOO_HIGH.subarray(0, 12))] },
    { sends: [more(TOO_HIGH.subarray(12, 13))], fails: 1007 },
    { sends: [last(TOO_HIGH.subarray(13))] },
  ]),
  failsFast("6.4.3", "the bytes of a frame that make text invalid fail it", [
    { sends: [cut(text(TOO_HIGH), 0, 11)] },
    { sends: [cut(text(TOO_HIGH), 11, 15)], fails: 1007 },
    { sends: [cut(text(TOO_HIGH), 15, TOO_HIGH.length)] },
  ]),
  failsFast("6.4.4", "the first bad byte within a frame fails text with 1007", [
    { sends: [cut(text(TOO_HIGH), 0, 12)] },
    { sends: [cut(text(TOO_HIGH), 12, 13)], fails: 1007 },
    { sends: [cut(text(TOO_HIGH), 13, TOO_HIGH.length)] },
  ]),
];

/** One sequence, as Autobahn sends it: a message in one frame. */
function sequenceCase(id: string, what: string, row: string): Case {
  const [digits, bad] = row.split("@") as [string, string?];
  const message = text(hex(digits));
  const shown = `${what}, ${digits.slice(0, 24)}`;
  return bad === undefined
    ? echoes(id, `${shown}, comes back`, [message], [message])
    : fails(id, `${shown}, fails the connection with 1007`, 1007, [message]);
}

/** The cases of Autobahn. */
export const utf8: readonly Case[] = [
  ...wellKnown,
  ...utf8Sequences.flatMap(([category, what, sequences]) =>
    sequences.map((row, i) => sequenceCase(`${category}.${i + 1}`, what, row))
  ),
];

/** Good up to the bad byte, which fails at once; sent by `send`. */
function atOnce(
  id: string,
  row: string,
  how: string,
  send: (bytes: Uint8Array, at: number) => Case["stages"],
): Case[] {
  const [digits, bad] = row.split("@") as [string, string?];
  if (bad === undefined || bad === "end") return [];
  const at = Number(bad);
  const fact = `the bad byte ${at} of ${digits.slice(0, 24)} fails ${how}`;
  return [{ id, fact, stages: send(hex(digits), at) }];
}

function inOneFrame(bytes: Uint8Array, at: number): Case["stages"] {
  const frame = text(bytes);
  const bad = { sends: [cut(frame, at, at + 1)], fails: 1007 };
  if (at > 0) return [{ sends: [cut(frame, 0, at)] }, bad];
  return [{ sends: [cut(frame, 0, 1)], fails: 1007 }];
}

function inFragments(bytes: Uint8Array, at: number): Case["stages"] {
  return [
    { sends: [first(bytes.subarray(0, at))] },
    { sends: [more(bytes.subarray(at, at + 1))], fails: 1007 },
  ];
}

/**
 * Every invalid sequence again, as 6.4 does it with one: the connection fails at
 * the first bad byte, whatever is still to come of the frame or the message.
 */
export const utf8AtOnce: readonly Case[] = utf8Sequences.flatMap((
  [category, , sequences],
) =>
  sequences.flatMap((row, i) => {
    // A frame whose last byte is the bad one is what the cases above are.
    const id = `${category}.${i + 1}`;
    const padded = row.replace("@", "2020@");
    return [
      ...atOnce(id, padded, "within a frame", inOneFrame),
      ...atOnce(id, row, "within a fragmented message", inFragments),
    ];
  })
);
