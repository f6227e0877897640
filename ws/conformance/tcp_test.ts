import { type Case, type Role, ROLES } from "./_cases_test_util.ts";
import { agreement, deflated } from "./_deflate_test_util.ts";
import { fragments, frame } from "./_frames_test_util.ts";
import { playOverTcp } from "./_tcp_test_util.ts";
import { closing, moreClosing } from "./testdata/close.ts";
import { sizes } from "./testdata/compression.ts";
import { corpora, messagesOf } from "./testdata/corpora.ts";
import { fragmentation } from "./testdata/fragmentation.ts";
import { framing } from "./testdata/framing.ts";
import { limitCase, limits } from "./testdata/limits.ts";
import { own } from "./testdata/own.ts";
import { ownDeflate } from "./testdata/own_deflate.ts";
import { utf8 } from "./testdata/utf8.ts";

/** Plays cases one after the other, each on a connection of its own. */
async function playAll(cases: Iterable<Case>, role: Role): Promise<void> {
  for (const one of cases) {
    if (one.only !== undefined && one.only !== role) continue;
    await playOverTcp(one, role);
  }
}

function* limitCases(): Generator<Case> {
  for (const row of limits) {
    // Bites have no meaning here: what the kernel gives is what is read.
    if (row.chop === undefined) yield limitCase(row);
  }
}

/** One message of each kind and size. */
function* compressionCases(): Generator<Case> {
  const deflate = agreement({ clientNoContextTakeover: true });
  for (const corpus of corpora) {
    const opcode = typeof corpus.data === "string" ? 1 : 2;
    for (const [i, [length, fragment = Infinity]] of sizes.entries()) {
      const [message] = messagesOf(corpus, length, 1);
      const sends = fragments(opcode, deflated(message!), fragment, true);
      const stage = { sends, replies: [frame(opcode, message)] };
      const id = `${corpus.category}.${i + 1}`;
      yield { id, fact: corpus.what, deflate, stages: [stage] };
    }
  }
}

const CATEGORIES: readonly [string, () => Iterable<Case>][] = [
  ["1 to 4, framing, pings, reserved bits and opcodes", () => framing],
  ["5 and 10, fragmentation", () => fragmentation],
  ["6, UTF-8", () => utf8],
  ["7, closing", () => [...closing, ...moreClosing]],
  ["9, limits", limitCases],
  ["12, compression", compressionCases],
  ["of our own", () => [...own, ...ownDeflate]],
];

for (const role of ROLES) {
  for (const [category, cases] of CATEGORIES) {
    Deno.test(`the cases ${category}, hold over TCP (as a ${role})`, async () => {
      await playAll(cases(), role);
    });
  }
}
