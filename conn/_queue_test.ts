import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { SendQueue } from "./_queue.ts";

const encoder = new TextEncoder();

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
