import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type Case,
  type Role,
  ROLES,
  show,
} from "../conformance/_cases_test_util.ts";
import { agreement, deflated } from "../conformance/_deflate_test_util.ts";
import {
  bytesOf,
  concat,
  encode,
  fragments,
  frame,
} from "../conformance/_frames_test_util.ts";
import {
  MemoryBench,
  type Mode,
  settle,
} from "../conformance/_memory_test_util.ts";
import {
  agreements,
  bytesOfAll,
  messages,
  modeOf,
  modes,
  roles,
} from "./_arbitrary_test_util.ts";
import { checkOver, exactly, messagesIn } from "./_property_test_util.ts";

const WHOLE: Mode = { name: "whole", chunk: Infinity };

/** Frames with any head, most of them wrong. */
const oddFrames = fc.array(
  fc.record({
    opcode: fc.oneof(fc.constantFrom(0, 1, 2, 8, 9, 10), fc.nat(15)),
    fin: fc.boolean(),
    rsv: fc.oneof(fc.constantFrom(0, 0, 4), fc.nat(7)),
    payload: fc.uint8Array({ maxLength: 200 }),
  }),
  { maxLength: 8 },
);

const CAP = 500;

Deno.test("WsMachine survives any bytes, and takes no message beyond its cap", async () => {
  const drawn = fc.record({
    role: roles,
    deflate: agreements,
    junk: fc.uint8Array({ maxLength: 600 }),
    frames: oddFrames,
    mode: modes,
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ role, deflate, junk, frames, mode }) => {
      const options = { maxMessage: CAP, maxFragments: 5 };
      const base = { id: "", fact: "", stages: [], options };
      const one = { ...base, ...(deflate && { deflate }) };
      const bench = new MemoryBench(one, role, modeOf(mode));
      bench.peer.write(concat([encode(frames, role === "server"), junk]));
      await settle();
      await bench.peer.transport.closeWrite();
      const replies = await bench.replies();
      assertEquals(bench.peer.take(), new Uint8Array(0));
      const closes = replies.findIndex(({ opcode }) => opcode === 8);
      // After its close frame the machine says nothing.
      if (closes >= 0) assertEquals(closes, replies.length - 1);
      for (const event of bench.events) {
        if (event.type === "message") assert(bytesOf(event.data).length <= CAP);
      }
      checkOver(bench);
    }),
    { numRuns: 1500, seed: 1009 },
  );
});

/** What a damaged stream comes to; pongs are apart, as they may overtake. */
async function outcome(
  input: Uint8Array,
  mode: Mode,
  one: Case,
  role: Role,
) {
  const bench = new MemoryBench(one, role, mode);
  bench.peer.write(input);
  await settle();
  await bench.peer.transport.closeWrite();
  const replies = await bench.replies();
  checkOver(bench);
  return {
    events: bench.log,
    messages: messagesIn(bench.events),
    data: replies.filter(({ opcode }) => opcode <= 2).map(exactly),
    close: replies.filter(({ opcode }) => opcode === 8).map((each) =>
      each.payload.subarray(0, 2).toHex()
    ),
    code: bench.error?.code,
  };
}

Deno.test("WsMachine judges a damaged stream alike for any chunks", async () => {
  const drawn = fc.record({
    role: roles,
    deflate: agreements,
    all: messages,
    mode: modes,
    damage: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        removed: fc.nat(3),
        added: fc.uint8Array({ maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ role, deflate, all, mode, damage }) => {
      const one = { id: "", fact: "", stages: [], ...(deflate && { deflate }) };
      let input = concat(await bytesOfAll(all, deflate, role));
      for (const { at, removed, added } of damage) {
        const from = Math.floor(at * input.length);
        input = concat([
          input.subarray(0, from),
          added,
          input.subarray(from + removed),
        ]);
      }
      const whole = await outcome(input, WHOLE, one, role);
      const split = await outcome(input, modeOf(mode), one, role);
      if (deflate !== undefined) {
        // Both bad text and bad compression: what is seen first depends.
        whole.close = split.close;
        whole.code = split.code;
      }
      assertEquals(split, whole);
    }),
    { numRuns: 600, seed: 1002 },
  );
});

Deno.test("WsMachine refuses a message at the frame that is too much, and not before", async () => {
  const drawn = fc.record({
    role: roles,
    sizes: fc.array(fc.nat(120), { minLength: 10, maxLength: 30 }),
    opcode: fc.constantFrom<1 | 2>(1, 2),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ role, sizes, opcode }) => {
      const options = { maxMessage: CAP };
      const one = { id: "", fact: "", stages: [], options };
      const bench = new MemoryBench(one, role, WHOLE);
      let sum = 0;
      for (const [i, size] of sizes.entries()) {
        sum += size;
        const payload = new Uint8Array(size).fill(0x61);
        const next = frame(i === 0 ? opcode : 0, payload, { fin: false });
        bench.peer.write(encode([next], role === "server"));
        const replies = (await bench.replies()).map((each) =>
          show(each).slice(0, 7)
        );
        // 1009 is 03f1.
        assertEquals(replies, sum > CAP ? ["8: 03f1"] : []);
        if (sum > CAP) break;
      }
      await bench.peer.transport.closeWrite();
      await settle();
      checkOver(bench);
    }),
    { numRuns: 200, seed: 16 },
  );
});

Deno.test("WsMachine takes no memory for what is only announced", async () => {
  const before = Deno.memoryUsage();
  const benches: MemoryBench[] = [];
  for (let i = 0; i < 200; i++) {
    const role = ROLES[i % 2]!;
    const one = { id: "", fact: "", stages: [] };
    const bench = new MemoryBench(one, role, WHOLE);
    const message = frame(2, new Uint8Array(1), {
      fin: false,
      lengthBits: 64,
      announced: 16n * 1024n * 1024n,
    });
    const bytes = encode([message], role === "server");
    bench.peer.write(bytes);
    benches.push(bench);
  }
  await settle();
  const after = Deno.memoryUsage();
  const grown = after.external + after.heapUsed - before.external -
    before.heapUsed;
  // A pair's own buffers take 1 MiB for each direction that is used.
  assert(grown < 200 * 2.5 * 1024 * 1024, `${grown} bytes`);
  for (const bench of benches) bench.conn.abort();
  await settle();
  for (const bench of benches) bench.peer.transport.close();
});

Deno.test("WsMachine stops in the middle of a bomb", async () => {
  const bomb = deflated(new Uint8Array(64 * 1024 * 1024));
  for (const role of ROLES) {
    const options = { maxMessage: 100_000 };
    const deflate = agreement();
    const one = { id: "", fact: "", stages: [], options, deflate };
    const bench = new MemoryBench(one, role, WHOLE);
    const before = Deno.memoryUsage().external;
    const sends = fragments(2, bomb, Infinity, true);
    bench.peer.write(encode(sends, role === "server"));
    const replies = await bench.replies();
    assertEquals(replies.map((each) => show(each).slice(0, 7)), ["8: 03f1"]);
    assert(Deno.memoryUsage().external - before < 8 * 1024 * 1024);
    await bench.peer.transport.closeWrite();
    await settle();
    checkOver(bench);
  }
});
