import { assert, assertEquals } from "@std/assert";
import { type Case, nameOf, ROLES } from "./_cases_test_util.ts";
import { encode } from "./_frames_test_util.ts";
import { type Mode, play } from "./_memory_test_util.ts";
import { closing, moreClosing } from "./testdata/close.ts";
import { fragmentation, sameInOtherBites } from "./testdata/fragmentation.ts";
import { framing } from "./testdata/framing.ts";
import { own } from "./testdata/own.ts";
import { ownDeflate } from "./testdata/own_deflate.ts";
import { utf8, utf8AtOnce } from "./testdata/utf8.ts";

const AUTOBAHN = [...framing, ...fragmentation, ...utf8, ...closing];
const OWN = [...own, ...ownDeflate, ...utf8AtOnce, ...moreClosing];

/** Bites of different sizes, over and over. */
function varied(...sizes: number[]): () => number {
  let i = 0;
  return () => sizes[i++ % sizes.length]!;
}

/** Long cases byte by byte are slow, so their bites are larger. */
function chunkings(one: Case): Mode[] {
  const sizes = one.stages.map(({ sends }) => encode(sends, true).length);
  const step = Math.max(...sizes) > 4096 ? 331 : 1;
  return [1, 2, 3, 5, 7, 13].map((size) => ({
    name: `in bites of ${size * step}`,
    chunk: size * step,
  }));
}

function modes(one: Case): Mode[] {
  const some = varied(1, 2, 64, 3, 5, 1000, 4, 9);
  return [
    { name: "whole", chunk: Infinity },
    { name: "whole, with more", chunk: Infinity, trailing: true },
    { name: "whole, to a handler that pauses", chunk: Infinity, pausing: true },
    { name: "with the handshake", chunk: Infinity, early: true },
    {
      name: "with the handshake and more, to a handler that pauses",
      chunk: Infinity,
      early: true,
      pausing: true,
      trailing: true,
    },
    ...chunkings(one),
    { name: "in varied bites", chunk: some, trailing: true },
    { name: "in varied bites, pausing", chunk: some, pausing: true },
  ];
}

for (const one of [...AUTOBAHN, ...OWN]) {
  for (const role of ROLES) {
    if (one.only !== undefined && one.only !== role) continue;
    Deno.test(nameOf(one, role), async () => {
      for (const mode of modes(one)) await play(one, role, mode);
    });
  }
}

Deno.test("the tables hold every case of Autobahn's categories, each once", () => {
  const ids = AUTOBAHN.map((one) => one.id);
  ids.push(...Object.keys(sameInOtherBites));
  assertEquals(new Set(ids).size, ids.length);
  const counts: Record<string, number> = {};
  for (const id of ids) {
    const category = id.split(".")[0]!;
    counts[category] = (counts[category] ?? 0) + 1;
  }
  assertEquals(counts, {
    "1": 16,
    "2": 11,
    "3": 7,
    "4": 10,
    "5": 20,
    "6": 145,
    "7": 37,
    "10": 1,
  });
  for (const same of Object.values(sameInOtherBites)) {
    assert(ids.includes(same), same);
  }
});
