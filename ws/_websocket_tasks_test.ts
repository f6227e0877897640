import { assertEquals, assertInstanceOf } from "@std/assert";
import { TaskQueue } from "./_websocket_tasks.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("TaskQueue runs nothing inside the call that adds it", async () => {
  const queue = new TaskQueue();
  const log: string[] = [];
  queue.push(() => {
    log.push("one");
    queue.push(() => log.push("three"));
    log.push("two");
  });
  log.push("zero");
  await turn();
  await turn();
  await turn();
  assertEquals(log, ["zero", "one", "two", "three"]);
});

Deno.test("TaskQueue lets all promises settle between two tasks", async () => {
  const queue = new TaskQueue();
  const log: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  queue.push(async () => {
    for (let i = 0; i < 100; i++) await null;
    log.push("one");
  });
  queue.push(() => log.push("two"));
  queue.push(resolve);
  await promise;
  assertEquals(log, ["one", "two"]);
});

Deno.test("TaskQueue says when much is waiting, and when that is over", async () => {
  const queue = new TaskQueue();
  const half = 512 * 1024;
  const log: string[] = [];
  assertEquals(queue.push(() => log.push("one"), half), undefined);
  const low = queue.push(() => log.push("two"), half);
  assertInstanceOf(low, Promise);
  low.then(() => log.push("low"));
  assertEquals(queue.push(() => log.push("three")), low);
  await low;
  assertEquals(log, ["one", "low"]);
  await turn();
  await turn();
  await turn();
  assertEquals(log, ["one", "low", "two", "three"]);
  assertEquals(queue.push(() => {}, half), undefined);
  await turn();
});
