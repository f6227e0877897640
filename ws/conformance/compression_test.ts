import { assert, assertEquals } from "@std/assert";
import { deflateBudget } from "../deflate/budget.ts";
import { acceptOffers, acceptResponse, offer } from "../deflate/negotiate.ts";
import type { DeflateAgreement } from "../deflate/params.ts";
import { type Case, nameOf, type Role, ROLES } from "./_cases_test_util.ts";
import {
  agreement,
  compressAll,
  directionOf,
  otherRole,
} from "./_deflate_test_util.ts";
import { encode, fragments, frame } from "./_frames_test_util.ts";
import { MemoryBench, type Mode, play } from "./_memory_test_util.ts";
import {
  countFor,
  parameters,
  type ParamRow,
  type SizeRow,
  sizes,
} from "./testdata/compression.ts";
import {
  corpora,
  type Corpus,
  messagesOf,
  numbers,
} from "./testdata/corpora.ts";

const WHOLE: Mode = { name: "whole", chunk: Infinity };
const ODD: Mode = { name: "in odd bites, pausing", chunk: 613, pausing: true };

/** Messages that go there and back, each in turn. */
async function echoCase(
  named: { id: string; fact: string },
  role: Role,
  deflate: DeflateAgreement,
  opcode: 1 | 2,
  messages: readonly Uint8Array[],
  fragment = Infinity,
): Promise<Case> {
  const direction = directionOf(deflate, otherRole(role));
  const compressed = await compressAll(messages, direction);
  const stages = messages.map((message, i) => ({
    sends: fragments(opcode, compressed[i]!, fragment, true),
    replies: [frame(opcode, message)],
  }));
  return { ...named, deflate, stages };
}

function named(
  id: string,
  what: string,
  [length, fragment]: SizeRow,
): { id: string; fact: string } {
  const how = fragment === undefined ? "" : `, in fragments of ${fragment},`;
  return {
    id,
    fact: `compressed messages of ${length}${how} of ${what} come back`,
  };
}

function sizeTest(
  id: string,
  what: string,
  corpus: Corpus,
  size: SizeRow,
  role: Role,
  agree: () => DeflateAgreement,
): void {
  const name = named(id, what, size);
  Deno.test(nameOf({ ...name, stages: [] }, role), async () => {
    const [length, fragment] = size;
    const messages = messagesOf(corpus, length, countFor(length));
    const opcode = typeof corpus.data === "string" ? 1 : 2;
    const deflate = agree();
    const one = await echoCase(name, role, deflate, opcode, messages, fragment);
    await play(one, role, WHOLE);
    if (length <= 32768) await play(one, role, ODD);
    assertEquals(deflateBudget.used, 0);
  });
}

/** Agrees as the row says, with the package's own negotiation. */
function negotiate(row: ParamRow, role: Role): DeflateAgreement {
  const always = { threshold: 0 };
  const agreed = role === "server"
    ? acceptOffers(row.offers, always)?.agreement
    : acceptResponse(row.response, offer({ ...row.wants, ...always }));
  assertEquals(agreed, agreement(row.agreed));
  return agreed!;
}

for (const role of ROLES) {
  for (const corpus of corpora) {
    for (const [i, size] of sizes.entries()) {
      const id = `${corpus.category}.${i + 1}`;
      sizeTest(id, corpus.what, corpus, size, role, () => agreement());
    }
  }
  for (const row of parameters) {
    for (const [i, size] of sizes.entries()) {
      const id = `${row.category}.${i + 1}`;
      const what = `${corpora[0]!.what} with ${row.what}`;
      const agree = () => negotiate(row, role);
      sizeTest(id, what, corpora[0]!, size, role, agree);
    }
  }
}

const BOOLEANS = [false, true];
const ALL_BITS = [8, 9, 10, 11, 12, 13, 14, 15];

/** Every set of parameters that there is. */
function* everyAgreement(): Generator<DeflateAgreement> {
  for (const serverNoContextTakeover of BOOLEANS) {
    for (const clientNoContextTakeover of BOOLEANS) {
      for (const serverMaxWindowBits of ALL_BITS) {
        for (const clientMaxWindowBits of ALL_BITS) {
          yield agreement({
            serverNoContextTakeover,
            clientNoContextTakeover,
            serverMaxWindowBits,
            clientMaxWindowBits,
          });
        }
      }
    }
  }
}

/** Bytes that repeat themselves at distances inside and outside of any window. */
function repetitive(seed: number, length: number): Uint8Array {
  const random = numbers(seed);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const back = Math.floor(random() * at);
    const end = Math.min(length, at + 1 + Math.floor(random() * 40));
    const repeat = at > 0 && random() < 0.7;
    for (let from = back; at < end; at++, from++) {
      bytes[at] = repeat ? bytes[from]! : random() * 256;
    }
  }
  return bytes;
}

for (const role of ROLES) {
  Deno.test(`every combination of deflate parameters is kept to (as a ${role})`, async () => {
    const first = repetitive(6, 3000);
    const messages = [first, first, repetitive(7, 1500), first];
    for (const deflate of everyAgreement()) {
      const fact = JSON.stringify(deflate);
      const name = { id: "", fact };
      const one = await echoCase(name, role, deflate, 2, messages, 700);
      await play(one, role, { name: fact, chunk: 977 });
    }
    assertEquals(deflateBudget.used, 0);
  });

  Deno.test(`the largest window is used to its end (as a ${role})`, async () => {
    const block = repetitive(8, 32_000);
    const messages = [block, block, repetitive(9, 100_000)];
    for (const bits of ALL_BITS) {
      const deflate = agreement({
        serverMaxWindowBits: bits,
        clientMaxWindowBits: bits,
      });
      const name = { id: "", fact: `${bits} bits` };
      const one = await echoCase(name, role, deflate, 2, messages);
      await play(one, role, { name: name.fact, chunk: 8191 });
    }
  });

  Deno.test(`a message refers to the one before if it may (as a ${role})`, async () => {
    const random = numbers(10);
    const message = Uint8Array.from({ length: 1000 }, () => random() * 256);
    for (const alone of BOOLEANS) {
      const deflate = agreement({
        serverNoContextTakeover: alone,
        clientNoContextTakeover: alone,
      });
      const one = { id: "", fact: "", deflate, stages: [] };
      const bench = new MemoryBench(one, role, WHOLE);
      // Not compressed: what the machine sends is what this is about.
      const sends = [frame(2, message), frame(2, message)];
      bench.peer.write(encode(sends, role === "server"));
      const lengths = (await bench.replies()).map((each) =>
        each.payload.length
      );
      assertEquals(lengths.length, 2);
      assert(
        alone ? lengths[1] === lengths[0] : lengths[1]! < 50,
        `${lengths}`,
      );
      bench.conn.abort();
      bench.peer.transport.close();
    }
  });
}
