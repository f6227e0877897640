// With the package `ws` on Node.

import { negotiate } from "./_compression_test_util.ts";
import { type Abilities, exercise } from "./_exercise_test_util.ts";
import { peerConnects, peerListens } from "./_link_test_util.ts";
import { startWsPackage } from "./_peers_test_util.ts";
import { testWith } from "../../tools/need.ts";

const CAN: Abilities = {
  fragments: true,
  ping: true,
  abort: true,
  refusal: { status: 401, body: "Who are you?" },
  closesWith: 1005,
  cutCode: 1006,
};

for (const deflate of [false, true]) {
  const how = deflate ? "with compression" : "without compression";
  const options = { ours: { deflate }, theirs: { deflate } };

  testWith(
    "node",
    `serve works with a client of ws, ${how}`,
    async (node, t) => {
      await using peer = await startWsPackage(node);
      await exercise(t, peerConnects(peer), CAN, options);
    },
  );

  testWith(
    "node",
    `connect works with a server of ws, ${how}`,
    async (node, t) => {
      await using peer = await startWsPackage(node);
      await exercise(t, peerListens(peer), CAN, options);
    },
  );
}

const BITS = [8, 9, 12, 15];

testWith(
  "node",
  "serve agrees with a client of ws on all of compression",
  async (node) => {
    await using peer = await startWsPackage(node);
    await negotiate(peerConnects(peer), BITS);
  },
);

testWith(
  "node",
  "connect agrees with a server of ws on all of compression",
  async (node) => {
    await using peer = await startWsPackage(node);
    await negotiate(peerListens(peer), BITS);
  },
);
