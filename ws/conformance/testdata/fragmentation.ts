/**
 * Autobahn's categories 5 and 10: fragmentation.
 *
 * @module
 */

import { type Case, echoes, fails } from "../_cases_test_util.ts";
import {
  bytesOf,
  first,
  fragments,
  frame,
  last,
  more,
  ping,
  pong,
  text,
} from "../_frames_test_util.ts";

const HELLO = text("Hello, world!");
const TWICE = [0, 1];

/** The cases. Those that Autobahn sends in other bites are fed in all anyway. */
export const fragmentation: readonly Case[] = [
  fails("5.1", "a fragmented ping fails the connection with 1002", 1002, [
    frame(9, "fragment1", { fin: false }),
    last("fragment2"),
  ]),
  fails("5.2", "a fragmented pong fails the connection with 1002", 1002, [
    frame(10, "fragment1", { fin: false }),
    last("fragment2"),
  ]),
  echoes("5.3", "text in two fragments comes back", [
    first("fragment1"),
    last("fragment2"),
  ], [text("fragment1fragment2")]),
  echoes("5.6", "a ping between two fragments is answered before the message", [
    first("fragment1"),
    ping("ping payload"),
    last("fragment2"),
  ], [pong("ping payload"), text("fragment1fragment2")]),
  fails(
    "5.9",
    "a final continuation of nothing fails the connection with 1002",
    1002,
    [last("non-continuation payload"), HELLO],
  ),
  fails(
    "5.12",
    "a continuation of nothing that is not final fails the connection with 1002",
    1002,
    [more("non-continuation payload"), HELLO],
  ),
  fails(
    "5.15",
    "a continuation after a message's last frame fails the connection with 1002",
    1002,
    [
      first("fragment1"),
      last("fragment2"),
      more("fragment3"),
      text("fragment4"),
    ],
    [text("fragment1fragment2")],
  ),
  fails(
    "5.16",
    "a continuation in front of fragmented text fails the connection with 1002",
    1002,
    TWICE.flatMap(() => [
      more("fragment1"),
      first("fragment2"),
      last("fragment3"),
    ]),
  ),
  fails(
    "5.17",
    "a final continuation in front of fragmented text fails the connection with 1002",
    1002,
    TWICE.flatMap(() => [
      last("fragment1"),
      first("fragment2"),
      last("fragment3"),
    ]),
  ),
  fails(
    "5.18",
    "a second text frame within a fragmented message fails the connection with 1002",
    1002,
    [first("fragment1"), text("fragment2")],
  ),
  {
    id: "5.19",
    fact: "pings between fragments are answered while the message goes on",
    stages: [
      {
        sends: [first("fragment1"), more("fragment2"), ping("pongme 1!")],
        replies: [pong("pongme 1!")],
      },
      {
        sends: [
          more("fragment3"),
          more("fragment4"),
          ping("pongme 2!"),
          last("fragment5"),
        ],
        replies: [
          pong("pongme 2!"),
          text("fragment1fragment2fragment3fragment4fragment5"),
        ],
      },
    ],
  },
  echoes(
    "10.1.1",
    "text of 65536 bytes in fragments of 1300 comes back",
    fragments(1, bytesOf("*".repeat(65536)), 1300),
    [text("*".repeat(65536))],
  ),
];

/** Numbers whose frames are those of another case, in other bites. */
export const sameInOtherBites: Readonly<Record<string, string>> = {
  "1.1.8": "1.1.7",
  "1.2.8": "1.2.7",
  "2.6": "2.4",
  "2.11": "2.10",
  "5.4": "5.3",
  "5.5": "5.3",
  "5.7": "5.6",
  "5.8": "5.6",
  "5.10": "5.9",
  "5.11": "5.9",
  "5.13": "5.12",
  "5.14": "5.12",
  "5.20": "5.19",
};
