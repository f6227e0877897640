import { assert, assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { type Batch, type Outcome, Publisher } from "./_redis_publisher.ts";
import type { BatchResult } from "./_redis_store.ts";

/** A publisher, and what it sends; the test answers. */
class Publishing {
  readonly clock = new TestClock();
  readonly sent: Batch[] = [];
  told = 0;
  #answer: PromiseWithResolvers<BatchResult | undefined> | undefined;
  #offset = 0;
  readonly publisher = new Publisher({
    clock: this.clock,
    timeout: 1_000,
    send: (batch) => {
      assert(this.#answer === undefined, "There is a batch under way");
      this.sent.push(batch);
      this.#answer = Promise.withResolvers();
      return this.#answer.promise;
    },
    told: () => this.told,
  });

  add(data: string): Promise<Outcome> {
    return this.publisher.add({ topic: "a", data });
  }

  /** What was sent last, as its values. */
  get last(): (string | undefined)[] {
    return this.sent.at(-1)!.items.map(({ data }) => data);
  }

  async answer(): Promise<void> {
    const results = this.last.map(() => ({
      offset: ++this.#offset,
      duplicate: false,
    }));
    await this.#settle({ seq: this.#offset, results });
  }

  async lose(): Promise<void> {
    await this.#settle(undefined);
  }

  async refuse(error: Error): Promise<void> {
    this.#answer?.reject(error);
    this.#answer = undefined;
    await this.clock.advance(0);
  }

  async #settle(result: BatchResult | undefined): Promise<void> {
    this.#answer?.resolve(result);
    this.#answer = undefined;
    await this.clock.advance(0);
  }
}

function offsetOf(outcome: Outcome): number | string {
  return outcome instanceof ConnError ? outcome.code : outcome.offset;
}

Deno.test("Publisher sends a turn's values as one, and what comes meanwhile as the next", async () => {
  const it = new Publishing();
  it.told = 10;
  it.publisher.resume();
  const first = [it.add("1"), it.add("2")];
  await it.clock.advance(0);
  assertEquals(it.last, ["1", "2"]);
  const second = [it.add("3"), it.add("4")];
  await it.clock.advance(0);
  assertEquals(it.sent.length, 1);
  await it.answer();
  assertEquals(it.last, ["3", "4"]);
  await it.answer();
  const outcomes = await Promise.all([...first, ...second]);
  assertEquals(outcomes.map(offsetOf), [1, 2, 3, 4]);
  assertEquals(it.clock.pending, 0);
});

Deno.test("Publisher settles a value when the hub was told of it", async () => {
  const it = new Publishing();
  it.publisher.resume();
  let settled = false;
  it.add("1").then(() => settled = true);
  await it.clock.advance(0);
  await it.answer();
  assertEquals(settled, false);
  it.told = 1;
  it.publisher.told();
  await it.clock.advance(0);
  assertEquals(settled, true);
});

Deno.test("Publisher sends a batch again as it was", async () => {
  const it = new Publishing();
  it.told = 10;
  it.publisher.resume();
  const first = it.add("1");
  await it.clock.advance(0);
  it.publisher.pause();
  await it.lose();
  const second = it.add("2");
  await it.clock.advance(500);
  assertEquals(it.sent.length, 1);
  it.publisher.resume();
  assertEquals(it.sent[1], it.sent[0]);
  await it.answer();
  assertEquals(it.last, ["2"]);
  await it.answer();
  assertEquals([await first, await second].map(offsetOf), [1, 2]);
});

Deno.test("Publisher gives up each value after its own time, and sends it no more", async () => {
  const it = new Publishing();
  it.told = 10;
  it.publisher.resume();
  const first = it.add("1");
  await it.clock.advance(0);
  it.publisher.pause();
  await it.lose();
  await it.clock.advance(600);
  const second = it.add("2");
  await it.clock.advance(400);
  assertEquals(offsetOf(await first), "engine_unavailable");
  it.publisher.resume();
  assertEquals(it.last, ["2"]);
  // Redis must not take the first one for the second.
  assert(it.sent[1]!.number > it.sent[0]!.number);
  await it.answer();
  assertEquals(offsetOf(await second), 1);
  assertEquals(it.clock.pending, 0);
});

Deno.test("Publisher gives up what Redis refuses, and goes on", async () => {
  const it = new Publishing();
  it.told = 10;
  it.publisher.resume();
  const first = it.add("1");
  await it.clock.advance(0);
  const second = it.add("2");
  await it.refuse(new Error("OOM command not allowed"));
  const outcome = await first;
  assert(outcome instanceof ConnError);
  assertEquals(outcome.message, "Cannot publish: OOM command not allowed");
  await it.answer();
  assertEquals(offsetOf(await second), 1);
});

Deno.test("Publisher bounds batches and what waits", async () => {
  const it = new Publishing();
  it.told = 1e9;
  const large = `"${"x".repeat(600_000)}"`;
  const published = [it.add(large), it.add(large)];
  for (let i = 0; i < 1_000; i++) published.push(it.add("1"));
  // Not even one as large as all that may wait.
  const outcome = await it.add(`"${"x".repeat(64 << 20)}"`);
  assertEquals(offsetOf(outcome), "engine_unavailable");
  it.publisher.resume();
  const sizes = [];
  while (sizes.reduce((sum, size) => sum + size, 0) < published.length) {
    sizes.push(it.last.length);
    await it.answer();
  }
  assertEquals(sizes, [1, 256, 256, 256, 233]);
  assert((await Promise.all(published)).every((each) => "offset" in each));
});
