/**
 * Autobahn's categories 1 to 4: framing, pings and pongs, reserved bits, opcodes.
 *
 * @module
 */

import { type Case, echoes, fails } from "../_cases_test_util.ts";
import {
  binary,
  close,
  frame,
  hex,
  ping,
  pong,
  text,
} from "../_frames_test_util.ts";

const stars = (length: number) => text("*".repeat(length));
const bytes = (length: number) => binary(new Uint8Array(length).fill(0xfe));
const HELLO = text("Hello, world!");
const FE_125 = new Uint8Array(125).fill(0xfe);
const FE_126 = new Uint8Array(126).fill(0xfe);
const ODD = hex("00fffefdfcfb00ff");

function echoed(id: string, fact: string, message: ReturnType<typeof text>) {
  return echoes(id, fact, [message], [message]);
}

/** Sends a good message, then a frame that breaks a rule, then a ping. */
function broken(
  id: string,
  fact: string,
  opcode: number,
  payload = "",
  rsv = 0,
): Case {
  const bad = frame(opcode, payload, { rsv });
  return fails(id, fact, 1002, [HELLO, bad, ping()], [HELLO]);
}

const payloads = Array.from({ length: 10 }, (_, i) => `payload-${i}`);

/** The cases. Those that Autobahn sends in other bites are fed in all anyway. */
export const framing: readonly Case[] = [
  echoed("1.1.1", "an empty text message comes back", stars(0)),
  echoed("1.1.2", "text of 125 bytes comes back", stars(125)),
  echoed("1.1.3", "text of 126 bytes comes back", stars(126)),
  echoed("1.1.4", "text of 127 bytes comes back", stars(127)),
  echoed("1.1.5", "text of 128 bytes comes back", stars(128)),
  echoed("1.1.6", "text of 65535 bytes comes back", stars(65535)),
  echoed("1.1.7", "text of 65536 bytes comes back", stars(65536)),
  echoed("1.2.1", "an empty binary message comes back", bytes(0)),
  echoed("1.2.2", "a binary message of 125 bytes comes back", bytes(125)),
  echoed("1.2.3", "a binary message of 126 bytes comes back", bytes(126)),
  echoed("1.2.4", "a binary message of 127 bytes comes back", bytes(127)),
  echoed("1.2.5", "a binary message of 128 bytes comes back", bytes(128)),
  echoed("1.2.6", "a binary message of 65535 bytes comes back", bytes(65535)),
  echoed("1.2.7", "a binary message of 65536 bytes comes back", bytes(65536)),

  echoes("2.1", "an empty ping is answered", [ping()], [pong()]),
  echoes("2.2", "a ping with text is answered with it", [
    ping("Hello, world!"),
  ], [pong("Hello, world!")]),
  echoes("2.3", "a ping with bytes that are no text is answered with them", [
    ping(ODD),
  ], [pong(ODD)]),
  echoes("2.4", "a ping with 125 bytes is answered", [ping(FE_125)], [
    pong(FE_125),
  ]),
  fails("2.5", "a ping with 126 bytes fails the connection with 1002", 1002, [
    ping(FE_126),
  ]),
  {
    ...echoes("2.7", "an empty pong that nobody asked for is ignored", [
      pong(),
    ], []),
    pongs: [""],
  },
  {
    ...echoes("2.8", "a pong with a payload that nobody asked for is ignored", [
      pong("unsolicited pong payload"),
    ], []),
    pongs: ["unsolicited pong payload"],
  },
  {
    ...echoes("2.9", "a ping after a pong that nobody asked for is answered", [
      pong("unsolicited pong payload"),
      ping("ping payload"),
    ], [pong("ping payload")]),
    pongs: ["unsolicited pong payload"],
  },
  echoes(
    "2.10",
    "ten pings get ten pongs, in order",
    payloads.map((payload) => ping(payload)),
    payloads.map((payload) => pong(payload)),
  ),

  fails("3.1", "text with RSV3 set fails the connection with 1002", 1002, [
    frame(1, "Hello, world!", { rsv: 1 }),
  ]),
  broken(
    "3.2",
    "text with RSV2 set fails the connection with 1002",
    1,
    "Hello, world!",
    2,
  ),
  broken(
    "3.3",
    "text with RSV2 and RSV3 set fails the connection with 1002",
    1,
    "Hello, world!",
    3,
  ),
  broken(
    "3.4",
    "text with RSV1 set fails the connection with 1002",
    1,
    "Hello, world!",
    4,
  ),
  fails(
    "3.5",
    "a binary frame with RSV1 and RSV3 set fails the connection with 1002",
    1002,
    [frame(2, ODD, { rsv: 5 })],
  ),
  fails(
    "3.6",
    "a ping with RSV1 and RSV2 set fails the connection with 1002",
    1002,
    [frame(9, "Hello, world!", { rsv: 6 })],
  ),
  fails(
    "3.7",
    "a close frame with all reserved bits set fails the connection with 1002",
    1002,
    [{ ...close(), rsv: 7 }],
  ),

  fails("4.1.1", "opcode 3 fails the connection with 1002", 1002, [frame(3)]),
  fails(
    "4.1.2",
    "opcode 4 with a payload fails the connection with 1002",
    1002,
    [frame(4, "reserved opcode payload")],
  ),
  broken("4.1.3", "opcode 5 fails the connection with 1002", 5),
  broken(
    "4.1.4",
    "opcode 6 with a payload fails the connection with 1002",
    6,
    "Hello, world!",
  ),
  broken(
    "4.1.5",
    "opcode 7 with a payload fails the connection with 1002",
    7,
    "Hello, world!",
  ),
  fails("4.2.1", "opcode 11 fails the connection with 1002", 1002, [
    frame(11),
  ]),
  fails(
    "4.2.2",
    "opcode 12 with a payload fails the connection with 1002",
    1002,
    [frame(12, "reserved opcode payload")],
  ),
  broken("4.2.3", "opcode 13 fails the connection with 1002", 13),
  broken(
    "4.2.4",
    "opcode 14 with a payload fails the connection with 1002",
    14,
    "Hello, world!",
  ),
  broken(
    "4.2.5",
    "opcode 15 with a payload fails the connection with 1002",
    15,
    "Hello, world!",
  ),
];
