import { assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "./error.ts";
import { EventQueue } from "./event_queue.ts";
import { attach } from "./loop.ts";
import { memoryPair } from "./pair.ts";
import { RawMachine, type TcpEvent } from "./raw.ts";

type Numbered = { type: string; n?: number };
/** The connection is of no interest to it. */
const conn = undefined as never;

/** Lets promises settle. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

/** Whether a pause is over. */
async function isOver(pause: void | Promise<void>): Promise<boolean> {
  let over = pause === undefined;
  pause?.then(() => over = true);
  await settle();
  return over;
}

Deno.test("EventQueue does not pause for open and drain, which are no input", async () => {
  const queue = new EventQueue<Numbered>();
  for (const type of ["open", "drain"]) {
    assertEquals(await isOver(queue.handler({ type }, conn)), true, type);
  }
});

Deno.test("EventQueue keeps no more than one drain", async () => {
  const queue = new EventQueue<Numbered>();
  for (let i = 0; i < 100; i++) queue.handler({ type: "drain" }, conn);
  queue.handler({ type: "close" }, conn);
  const types: string[] = [];
  for (;;) {
    const { done, value } = await queue.next();
    if (done) break;
    types.push(value.type);
  }
  assertEquals(types, ["drain", "close"]);
});

Deno.test("EventQueue pauses from an event until the next one is asked for", async () => {
  const queue = new EventQueue<Numbered>();
  const first = queue.handler({ type: "a", n: 1 }, conn);
  assertEquals(await isOver(first), false);
  assertEquals((await queue.next()).value, { type: "a", n: 1 });
  assertEquals(await isOver(first), false);
  const next = queue.next();
  assertEquals(await isOver(first), true);
  const second = queue.handler({ type: "a", n: 2 }, conn);
  assertEquals((await next).value?.n, 2);
  assertEquals(await isOver(second), false);
});

Deno.test("EventQueue gives events in order to consumers in order", async () => {
  const queue = new EventQueue<Numbered>();
  const early = [queue.next(), queue.next()];
  const pauses = [1, 2, 3].map((n) => queue.handler({ type: "a", n }, conn));
  const values = [...await Promise.all(early), await queue.next()];
  assertEquals(values.map(({ value }) => value?.n), [1, 2, 3]);
  assertEquals(await isOver(pauses[0]), true);
});

Deno.test("EventQueue ends after close, and pauses for it no longer", async () => {
  const queue = new EventQueue<Numbered>();
  const pause = queue.handler({ type: "close" }, conn);
  assertEquals((await queue.next()).value, { type: "close" });
  assertEquals(await isOver(pause), true);
  for (let i = 0; i < 2; i++) {
    assertEquals(await queue.next(), { done: true, value: undefined });
  }
});

Deno.test("EventQueue.end rejects who waits and who asks", async () => {
  const queue = new EventQueue<Numbered>();
  const waiting = queue.next();
  const error = new ConnError("Test", { code: "test", side: "local" });
  queue.end(error);
  assertEquals(await assertRejects(() => waiting, ConnError), error);
  assertEquals(await assertRejects(() => queue.next(), ConnError), error);
});

Deno.test("A connection that nobody iterates reads the first input", async () => {
  const [here, peer] = memoryPair();
  const conn = attach(here, new RawMachine());
  await peer.write(new Uint8Array(3));
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(conn.stats.bytesIn, 3);
  const seen: TcpEvent["type"][] = [];
  for await (const { type } of conn) {
    seen.push(type);
    if (seen.length === 2) break;
  }
  assertEquals(seen, ["open", "bytes"]);
  conn.abort();
});
