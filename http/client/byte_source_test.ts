import { assert, assertEquals, assertRejects } from "@std/assert";
import { byteSource, concat, readAll, sourceStream } from "./byte_source.ts";

async function* count(to: number, state = { returned: false }) {
  try {
    for (let i = 1; i <= to; i++) yield Uint8Array.of(i);
  } finally {
    state.returned = true;
  }
}

const tooLarge = () => new RangeError("too large");

Deno.test("byteSource reads a stream, an iterable and nothing", async () => {
  const stream = ReadableStream.from(count(2)) as ReadableStream<Uint8Array>;
  for (const body of [stream, count(2)]) {
    const source = byteSource(body);
    assertEquals(await source.read(), Uint8Array.of(1));
    assertEquals(await source.read(), Uint8Array.of(2));
    assertEquals(await source.read(), undefined);
    assertEquals(await source.read(), undefined);
    await source.cancel();
  }
  assertEquals(await byteSource(null).read(), undefined);
});

Deno.test("byteSource cancels what it reads", async () => {
  const state = { returned: false };
  const source = byteSource(count(9, state));
  await source.read();
  await source.cancel();
  assert(state.returned);

  const { promise, resolve } = Promise.withResolvers<unknown>();
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    cancel: resolve,
  });
  await byteSource(stream).cancel("why");
  assertEquals(await promise, "why");
});

Deno.test("byteSource's cancel does not wait for a stalled read", async () => {
  const stalled = Promise.withResolvers<void>();
  async function* stall() {
    await stalled.promise;
    yield Uint8Array.of(1);
  }
  const source = byteSource(stall());
  const read = source.read();
  await source.cancel();
  stalled.resolve();
  assertEquals(await read, Uint8Array.of(1));
});

Deno.test("byteSource's cancel never rejects", async () => {
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    cancel: () => Promise.reject(new Error("cannot")),
  });
  await byteSource(stream).cancel();
  const errored = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.error(new Error("reset")),
  });
  await byteSource(errored).cancel();
});

Deno.test("sourceStream pulls one piece for one read, and cancels", async () => {
  let pulled = 0;
  let reason: unknown;
  const stream = sourceStream({
    read: () => Promise.resolve(Uint8Array.of(++pulled)),
    cancel: (why) => {
      reason = why;
      return Promise.resolve();
    },
  });
  const reader = stream.getReader();
  assertEquals(pulled, 0);
  assertEquals((await reader.read()).value, Uint8Array.of(1));
  assertEquals(pulled, 1);
  await reader.cancel("why");
  assertEquals(reason, "why");
});

Deno.test("readAll joins up to the limit and cancels beyond it", async () => {
  assertEquals(
    await readAll(byteSource(count(3)), 3, tooLarge),
    Uint8Array.of(1, 2, 3),
  );
  const state = { returned: false };
  await assertRejects(
    () => readAll(byteSource(count(9, state)), 3, tooLarge),
    RangeError,
  );
  assert(state.returned);
});

Deno.test("concat joins any number of arrays", () => {
  const one = Uint8Array.of(1);
  assertEquals(concat([]), new Uint8Array());
  assert(concat([one]) === one);
  assertEquals(concat([one, new Uint8Array(), one]), Uint8Array.of(1, 1));
});
