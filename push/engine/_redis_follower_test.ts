import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import * as fc from "fast-check";
import { Follower } from "./_redis_follower.ts";

/** A follower, and what it has told. */
function follow() {
  const told: string[] = [];
  let behind = 0;
  const follower = new Follower({
    listener: {
      versions: (versions) => told.push(...versions.map(({ data }) => data)),
      removed: (topic) => told.push(`-${topic}`),
      reload: ({ epoch }) => told.push(`=${epoch}`),
    },
    behind: () => behind++,
    moved: () => {},
  });
  return { follower, told, behind: () => behind };
}

/** Entries whose data are their seqs; each tenth removes a topic. */
function entries(epoch: string, seq: number, count = 1) {
  const lines = Array.from({ length: count }, (_, i) => {
    const n = seq + i;
    return Buffer.from(n % 10 === 0 ? `-${n}` : `${n} 0 0 a\t${n}`);
  });
  return { type: "entries" as const, epoch, seq, lines };
}

function expected(count: number): string[] {
  return Array.from(
    { length: count },
    (_, i) => (i + 1) % 10 === 0 ? `-${i + 1}` : `${i + 1}`,
  );
}

Deno.test("Follower tells entries once, in order, and asks when some are missing", () => {
  const { follower, told, behind } = follow();
  follower.restart({ epoch: "e", seq: 0, line: Buffer.of() });
  follower.resume();
  follower.receive(entries("e", 1, 2));
  follower.receive(entries("e", 2, 3));
  follower.receive(entries("e", 1));
  assertEquals(told, expected(4));
  assertEquals(behind(), 0);

  follower.receive(entries("e", 6));
  follower.receive(entries("e", 7));
  assertEquals([told.length, behind(), follower.isBehind], [4, 1, true]);
  follower.read(entries("e", 5, 2));
  follower.resume();
  assertEquals(told, expected(7));
  assertEquals([behind(), follower.isBehind], [1, false]);
});

Deno.test("Follower asks when entries are of another epoch, and takes none", () => {
  const { follower, told, behind } = follow();
  follower.restart({ epoch: "e", seq: 0, line: Buffer.of() });
  follower.resume();
  follower.receive(entries("f", 1));
  follower.resume();
  assertEquals([told, behind()], [[], 1]);

  follower.pause();
  follower.receive(entries("f", 1, 3));
  const state = { epoch: "f", offset: 2, versions: [] };
  follower.reload({ epoch: "f", seq: 2, line: Buffer.of() }, state);
  follower.resume();
  assertEquals([told, behind()], [["=f", "3"], 1]);
});

Deno.test("Follower tells of removals between versions", () => {
  const { follower, told } = follow();
  follower.restart({ epoch: "e", seq: 0, line: Buffer.of() });
  follower.resume();
  follower.receive(entries("e", 1, 12));
  assertEquals(told, expected(12));
});

Deno.test("Follower holds a bounded number of messages", () => {
  const { follower, told, behind } = follow();
  follower.restart({ epoch: "e", seq: 0, line: Buffer.of() });
  for (let seq = 1; seq <= 25_000; seq++) follower.receive(entries("e", seq));
  assert(follower.isBehind);
  follower.read(entries("e", 1, 24_000));
  follower.resume();
  assertEquals([told.length, behind()], [25_000, 0]);
});

Deno.test("whatever the channel loses, repeats or delays, Follower tells all, once", () => {
  const message = fc.record({
    seq: fc.integer({ min: 1, max: 40 }),
    count: fc.integer({ min: 1, max: 5 }),
  });
  fc.assert(fc.property(fc.array(message), (messages) => {
    const { follower, told } = follow();
    follower.restart({ epoch: "e", seq: 0, line: Buffer.of() });
    follower.resume();
    let last = 0;
    for (const { seq, count } of messages) {
      last = Math.max(last, seq + count - 1);
      follower.receive(entries("e", seq, count));
      if (!follower.isBehind) continue;
      const from = follower.position.seq + 1;
      follower.read(entries("e", from, last - from + 1));
      follower.resume();
    }
    assertEquals(told, expected(last));
  }));
});
