// With Python's websockets, the package of Debian.

import { assertEquals } from "@std/assert";
import { negotiate } from "./_compression_test_util.ts";
import {
  type Abilities,
  assertEcho,
  exercise,
  textOf,
} from "./_exercise_test_util.ts";
import { peerConnects, peerListens } from "./_link_test_util.ts";
import { startWebsockets } from "./_peers_test_util.ts";
import { testWith } from "../../tools/need.ts";

const CAN: Abilities = {
  fragments: true,
  ping: true,
  abort: true,
  refusal: { status: 401 },
  closesWith: 1000,
  cutCode: 1006,
};
const TOOL = "python3-websockets";

for (const deflate of [false, true]) {
  const how = deflate ? "with compression" : "without compression";
  const options = { ours: { deflate }, theirs: { deflate } };

  testWith(
    TOOL,
    `serve works with a client of websockets, ${how}`,
    async (python, t) => {
      await using peer = startWebsockets(python);
      await exercise(t, peerConnects(peer), CAN, options);
    },
  );

  testWith(
    TOOL,
    `connect works with a server of websockets, ${how}`,
    async (python, t) => {
      await using peer = startWebsockets(python);
      const refusal = { status: 401, body: "Who are you?" };
      await exercise(t, peerListens(peer), { ...CAN, refusal }, options);
    },
  );
}

testWith(
  TOOL,
  "connect takes the window of 2^12 that a server of websockets wants",
  async (python) => {
    await using peer = startWebsockets(python);
    const theirs = { deflate: true };
    await using link = await peerListens(peer).open({ theirs });
    assertEquals(link.conn.deflate?.serverMaxWindowBits, 12);
    assertEquals(link.conn.deflate?.clientMaxWindowBits, 12);
    await assertEcho(link, textOf(100_000));
  },
);

// Its zlib compresses with no smaller window than 2^9.
const BITS = [9, 12, 15];

testWith(
  TOOL,
  "serve agrees with a client of websockets on all of compression",
  async (python) => {
    await using peer = startWebsockets(python);
    await negotiate(peerConnects(peer), BITS);
  },
);

testWith(
  TOOL,
  "connect agrees with a server of websockets on all of compression",
  async (python) => {
    await using peer = startWebsockets(python);
    await negotiate(peerListens(peer), BITS);
  },
);
