import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { SendQueue } from "./_queue.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Takes everything out, at most `step` bytes at a time. */
function takeAll(queue: SendQueue, step = Infinity): Uint8Array {
  const all: number[] = [];
  let bytes;
  while ((bytes = queue.peek()) !== undefined) {
    const count = Math.min(step, bytes.length);
    all.push(...bytes.subarray(0, count));
    queue.advance(count);
  }
  return new Uint8Array(all);
}

Deno.test("SendQueue gives back what was queued, in order, in any mixture", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary", maxLength: 50 }),
    fc.uint8Array({ maxLength: 50 }),
    fc.integer({ min: 8_000, max: 20_000 }).map((n) => "é".repeat(n)),
    fc.integer({ min: 8_000, max: 20_000 }).map((n) => new Uint8Array(n)),
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 12 }),
      fc.integer({ min: 1, max: 30_000 }),
      (pieces, step) => {
        const queue = new SendQueue();
        const expected: number[] = [];
        for (const piece of pieces) {
          if (typeof piece === "string") queue.pushText(piece);
          else queue.push(piece);
          expected.push(
            ...(typeof piece === "string" ? encoder.encode(piece) : piece),
          );
          assertEquals(queue.size, expected.length);
        }
        assertEquals(takeAll(queue, step), new Uint8Array(expected));
        assertEquals(queue.size, 0);
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("SendQueue puts small pieces into one write", () => {
  const queue = new SendQueue();
  for (let i = 0; i < 10; i++) queue.push(new Uint8Array(1000));
  assertEquals(queue.peek()?.length, 10_000);
});

Deno.test("SendQueue sends large arrays from where they are", () => {
  const queue = new SendQueue();
  const large = new Uint8Array(100_000);
  queue.push(large);
  assertEquals(queue.peek(), large);
  assertEquals(queue.peek()?.buffer, large.buffer);
});

Deno.test("SendQueue is filled further while its front is being written", () => {
  const queue = new SendQueue();
  queue.push(new Uint8Array([1, 2]));
  const writing = queue.peek()!;
  queue.push(new Uint8Array([3]));
  assertEquals(writing, new Uint8Array([1, 2]));
  queue.advance(2);
  assertEquals(queue.peek(), new Uint8Array([3]));
});

Deno.test("SendQueue keeps two queues apart that share the pool", () => {
  const a = new SendQueue();
  a.push(new Uint8Array([1]));
  takeAll(a);
  const b = new SendQueue();
  a.push(new Uint8Array([2]));
  b.push(new Uint8Array([3]));
  assertEquals(takeAll(a), new Uint8Array([2]));
  assertEquals(takeAll(b), new Uint8Array([3]));
});

Deno.test("SendQueue holds thousands of pieces", () => {
  const queue = new SendQueue();
  for (let i = 0; i < 3000; i++) queue.push(new Uint8Array(9000).fill(i));
  for (let i = 0; i < 3000; i++) {
    assertEquals(queue.peek()?.[0], i % 256);
    queue.advance(9000);
  }
  assertEquals(queue.peek(), undefined);
});

Deno.test("SendQueue.clear drops everything", () => {
  const queue = new SendQueue();
  queue.push(new Uint8Array(10));
  queue.clear();
  assertEquals([queue.size, queue.peek()], [0, undefined]);
});

Deno.test("SendQueue puts what goes ahead behind the unit that is being taken", () => {
  const queue = new SendQueue();
  const cases: [start: number, expected: string][] = [
    // Nothing is taken yet: a large unit waits as it came.
    [0, "!LLLL"],
    [2, "LLLL!"],
  ];
  for (const [start, expected] of cases) {
    const large = new Uint8Array(50_000).fill(76);
    queue.push(large);
    queue.peek();
    if (start > 0) queue.advance(start);
    queue.pushAhead(encoder.encode("!"), false);
    const all = new TextDecoder().decode(takeAll(queue));
    assertEquals(all.replace(/L+/, "LLLL"), expected);
  }
});

Deno.test("SendQueue never puts what goes ahead between two parts of a unit", () => {
  const piece = fc.record({
    parts: fc.array(fc.integer({ min: 1, max: 20_000 }), {
      minLength: 1,
      maxLength: 3,
    }),
    ahead: fc.boolean(),
    writing: fc.boolean(),
    take: fc.integer({ min: 0, max: 40_000 }),
    as: fc.constantFrom("bytes", "text", "shared"),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const queue = new SendQueue();
      const taken: number[] = [];
      let units = 0;
      let aheads = 0;
      for (const { parts, ahead, writing, take, as } of pieces) {
        // What is being written stays in front, whatever comes.
        const front = writing ? queue.peek() : undefined;
        units++;
        parts.forEach((size, i) => {
          const whole = i === parts.length - 1;
          // A unit is its number, as often as it is long.
          const bytes = new Uint8Array(size).fill(units);
          if (as === "bytes") queue.push(bytes, whole);
          else if (as === "text") queue.pushText(decoder.decode(bytes), whole);
          else if (whole) queue.pushShared(bytes);
        });
        if (ahead) {
          queue.pushAhead(new Uint8Array([100, 100]), front !== undefined);
          aheads++;
        }
        if (front !== undefined) {
          assertEquals(queue.peek()!.subarray(0, front.length), front);
        }
        const bytes = queue.peek();
        if (bytes === undefined || take === 0) continue;
        const count = Math.min(take, bytes.length);
        for (const byte of bytes.subarray(0, count)) taken.push(byte);
        queue.advance(count);
      }
      for (const byte of takeAll(queue)) taken.push(byte);
      const runs = taken.filter((byte, i) => byte !== taken[i - 1]);
      // Each unit is one run, in order; two that go ahead may meet.
      assertEquals(
        runs.filter((run) => run !== 100),
        Array.from({ length: units }, (_, i) => i + 1),
      );
      assertEquals(taken.filter((byte) => byte === 100).length, aheads * 2);
    }),
    { numRuns: 100 },
  );
});

Deno.test("SendQueue keeps a unit together behind what went ahead before", () => {
  const queue = new SendQueue();
  queue.push(new Uint8Array(40_000).fill(1));
  queue.peek();
  queue.pushAhead(new Uint8Array([7]), true);
  queue.push(new Uint8Array([2, 2]), false);
  queue.push(new Uint8Array(40_000).fill(3));
  queue.pushAhead(new Uint8Array([8]), true);
  const taken = takeAll(queue);
  assertEquals([...taken.subarray(40_000, 40_005)], [7, 8, 2, 2, 3]);
});

Deno.test("SendQueue joins what is shared once for all queues", () => {
  const pieces = Array.from(
    { length: 5 },
    (_, i) => new Uint8Array(1000).fill(i),
  );
  const queues = [new SendQueue(), new SendQueue(), new SendQueue()];
  for (const piece of pieces) {
    for (const queue of queues) queue.pushShared(piece);
  }
  queues[2]!.push(new Uint8Array([9]));
  const [a, b, c] = queues.map((queue) => queue.peek()!);
  assertEquals(a!.length, 5000);
  assertStrictEquals(a, b);
  assertStrictEquals(a, c);
  assertEquals(queues.map((queue) => queue.size), [5000, 5000, 5001]);
  for (const queue of queues.slice(0, 2)) {
    assertEquals(takeAll(queue), takeAll(join(pieces)));
  }
  assertEquals(takeAll(queues[2]!).at(-1), 9);
});

Deno.test("SendQueue makes writes of a good size of much that is shared", () => {
  const queue = new SendQueue();
  for (let i = 0; i < 100; i++) queue.pushShared(new Uint8Array(10_000));
  assertEquals(queue.peek()?.length, 60_000);
  assertEquals(takeAll(queue).length, 1_000_000);
});

/** A queue of the pieces. */
function join(pieces: readonly Uint8Array[]): SendQueue {
  const queue = new SendQueue();
  for (const piece of pieces) queue.push(piece);
  return queue;
}

Deno.test("SendQueue queues a large piece that is shared by reference", () => {
  const queue = new SendQueue();
  const large = new Uint8Array(1_000_000);
  queue.pushShared(new Uint8Array(20));
  queue.pushShared(large);
  queue.pushShared(new Uint8Array(20));
  const writes: Uint8Array[] = [];
  let bytes;
  while ((bytes = queue.peek()) !== undefined) {
    writes.push(bytes);
    queue.advance(bytes.length);
  }
  assertEquals(writes.map(({ length }) => length), [20, 1_000_000, 20]);
  assertStrictEquals(writes[1], large);
});

Deno.test("SendQueue does not keep what was taken, though it is never empty", () => {
  const queue = new SendQueue();
  const before = Deno.memoryUsage().external;
  queue.push(new Uint8Array(2 ** 20));
  for (let i = 0; i < 400; i++) {
    queue.push(new Uint8Array(2 ** 20));
    queue.peek();
    queue.advance(2 ** 20);
  }
  assert(Deno.memoryUsage().external - before < 200 * 2 ** 20);
});

Deno.test("SendQueue takes time in proportion to the pieces that are shared", () => {
  const queue = new SendQueue();
  const piece = new Uint8Array(22);
  for (let i = 0; i < 1_000_000; i++) queue.pushShared(piece);
  queue.push(new Uint8Array(1));
  let writes = 0;
  let bytes;
  while ((bytes = queue.peek()) !== undefined) {
    queue.advance(bytes.length);
    writes++;
  }
  // Were all joined at once, or copied for each write, this would take seconds.
  assertEquals(writes, Math.ceil(22_000_000 / (22 * 2978)) + 1);
});

Deno.test("SendQueue puts a head and a body of up to 32 KiB into one write", () => {
  const queue = new SendQueue();
  queue.pushText("head");
  queue.push(new Uint8Array(32 * 1024).fill(1));
  const bytes = queue.peek()!;
  assertEquals([bytes.length, queue.size], [4 + 32 * 1024, 4 + 32 * 1024]);
  assertEquals(new TextDecoder().decode(bytes.subarray(0, 4)), "head");
  queue.advance(bytes.length);
  assertEquals([queue.peek(), queue.size], [undefined, 0]);
});

Deno.test("SendQueue does not move a head that is being written", () => {
  const queue = new SendQueue();
  queue.pushText("head");
  assertEquals(queue.peek()?.length, 4);
  queue.push(new Uint8Array(32 * 1024));
  queue.advance(2);
  assertEquals(queue.peek(), new TextEncoder().encode("ad"));
  queue.advance(2);
  assertEquals(queue.peek()?.length, 32 * 1024);
});
