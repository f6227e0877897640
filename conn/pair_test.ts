import { assertEquals, assertRejects } from "@std/assert";
import { memoryPair, type MemoryTransport } from "./pair.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

/** Reads until the end of stream. */
async function readAll(end: MemoryTransport, size = 1024): Promise<number[]> {
  const all: number[] = [];
  const buffer = new Uint8Array(size);
  for (let n; (n = await end.read(buffer)) !== null;) {
    all.push(...buffer.subarray(0, n));
  }
  return all;
}

/** Whether a promise has settled once everything that can run has run. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(() => done = true, () => done = true);
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

Deno.test("memoryPair carries bytes both ways", async () => {
  const [a, b] = memoryPair();
  const buffer = new Uint8Array(8);
  assertEquals(await a.write(bytes(1, 2, 3)), 3);
  assertEquals(await b.read(buffer), 3);
  const read = a.read(buffer);
  await b.write(bytes(4));
  assertEquals(await read, 1);
  assertEquals(buffer.subarray(0, 3), bytes(4, 2, 3));
  assertEquals([a.bytesWritten, a.bytesRead, a.writes], [3, 1, 1]);
  assertEquals([b.bytesWritten, b.bytesRead, b.writes], [1, 3, 1]);
});

Deno.test("memoryPair gives each end the other one's address", () => {
  const [a, b] = memoryPair();
  assertEquals(a.localAddr, b.remoteAddr);
  assertEquals(b.localAddr, a.remoteAddr);
  const addr: Deno.Addr = { transport: "unix", path: "/run/x" };
  const [c, d] = memoryPair({ addrs: [addr, a.localAddr] });
  assertEquals([c.localAddr, d.remoteAddr], [addr, addr]);
});

Deno.test("memoryPair makes a write wait while the buffer is full", async () => {
  const [a, b] = memoryPair({ bufferSize: 4 });
  assertEquals(await a.write(bytes(1, 2, 3, 4, 5, 6)), 4);
  const second = a.write(bytes(5, 6));
  assertEquals(await settled(second), false);
  assertEquals(await b.read(new Uint8Array(1)), 1);
  assertEquals(await second, 1);
  await a.closeWrite();
  assertEquals(await readAll(b), [2, 3, 4, 5]);
});

Deno.test("memoryPair keeps the order around the end of its ring", async () => {
  const [a, b] = memoryPair({ bufferSize: 5 });
  const sent: number[] = [];
  const read = readAll(b, 3);
  for (let i = 0; i < 100; i++) {
    let rest = bytes(i, i + 1, i + 2, i + 3);
    sent.push(...rest);
    while (rest.length > 0) rest = rest.subarray(await a.write(rest));
  }
  await a.closeWrite();
  assertEquals(await read, sent);
});

Deno.test("memoryPair splits reads as it is told", async () => {
  const [a, b] = memoryPair({ chunk: 1 });
  const buffer = new Uint8Array(8);
  await a.write(bytes(1, 2, 3, 4, 5, 6));
  assertEquals(await b.read(buffer), 1);
  b.chunk = 2;
  assertEquals(await b.read(buffer), 2);
  const sizes = [0, 2];
  b.chunk = () => sizes.shift()!;
  assertEquals(await b.read(buffer), 1);
  assertEquals(await b.read(buffer), 2);
  assertEquals(buffer.subarray(0, 2), bytes(5, 6));
});

Deno.test("closeWrite ends one direction only", async () => {
  const [a, b] = memoryPair();
  await a.write(bytes(1));
  await a.closeWrite();
  assertEquals(await readAll(b), [1]);
  await b.write(bytes(2));
  await assertRejects(() => a.write(bytes(3)), Deno.errors.BrokenPipe);
  b.close();
  assertEquals(await readAll(a), [2]);
});

Deno.test("close lets the peer read what was sent, and breaks its writes", async () => {
  const [a, b] = memoryPair({ bufferSize: 2 });
  await a.write(bytes(1, 2));
  await b.write(bytes(8, 9));
  const blocked = b.write(bytes(10));
  a.close();
  assertEquals(a.closed, true);
  await assertRejects(() => blocked, Deno.errors.BrokenPipe);
  await assertRejects(() => b.write(bytes(3)), Deno.errors.BrokenPipe);
  assertEquals(await readAll(b), [1, 2]);
});

Deno.test("close rejects what is under way at its own end", async () => {
  const [a] = memoryPair({ bufferSize: 1 });
  await a.write(bytes(1));
  const write = a.write(bytes(2));
  const read = a.read(new Uint8Array(1));
  a.close();
  a.close();
  await assertRejects(() => write, Deno.errors.Interrupted);
  await assertRejects(() => read, Deno.errors.Interrupted);
  await assertRejects(() => a.write(bytes(3)), Deno.errors.BadResource);
  await assertRejects(() => a.read(bytes(0)), Deno.errors.BadResource);
  await assertRejects(() => a.closeWrite(), Deno.errors.BadResource);
});

Deno.test("stall holds back bytes and the end of stream until resume", async () => {
  const [a, b] = memoryPair({ bufferSize: 2 });
  b.stall();
  const read = b.read(new Uint8Array(8));
  assertEquals(await a.write(bytes(1, 2)), 2);
  const blocked = a.write(bytes(3));
  assertEquals(await settled(read), false);
  assertEquals(await settled(blocked), false);
  b.resume();
  assertEquals(await read, 2);
  assertEquals(await blocked, 1);
  b.stall();
  a.close();
  const rest = readAll(b);
  assertEquals(await settled(rest), false);
  b.resume();
  assertEquals(await rest, [3]);
});

Deno.test("reset rejects everything at both ends", async () => {
  const [a, b] = memoryPair({ bufferSize: 1 });
  await a.write(bytes(1));
  const write = a.write(bytes(2));
  const read = a.read(new Uint8Array(1));
  b.reset();
  await assertRejects(() => write, Deno.errors.ConnectionReset);
  await assertRejects(() => read, Deno.errors.ConnectionReset);
  for (const end of [a, b]) {
    await assertRejects(() => end.write(bytes(3)), Deno.errors.ConnectionReset);
    await assertRejects(() => end.read(bytes(0)), Deno.errors.ConnectionReset);
  }
});

Deno.test("memoryPair refuses a second read or write at a time", async () => {
  const [a] = memoryPair({ bufferSize: 1 });
  await a.write(bytes(1));
  const write = a.write(bytes(2));
  const read = a.read(new Uint8Array(1));
  await assertRejects(() => a.write(bytes(3)), Deno.errors.Busy);
  await assertRejects(() => a.read(new Uint8Array(1)), Deno.errors.Busy);
  a.close();
  await Promise.allSettled([read, write]);
});
