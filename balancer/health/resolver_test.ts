import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { Resolver } from "./resolver.ts";

/** Counts the timers that keep the process alive. */
class NotedClock extends TestClock {
  holding = 0;

  override setTimeout(callback: () => void, delay: number): number {
    this.holding++;
    return super.setTimeout(callback, delay);
  }

  unrefTimer(): void {
    this.holding--;
  }
}

/** A resolver whose look-ups the test answers. */
class Bench {
  readonly clock = new NotedClock();
  readonly asked: string[] = [];
  readonly changes: (readonly string[])[] = [];
  #pending: PromiseWithResolvers<string[]>[] = [];
  readonly resolver: Resolver;

  constructor(hostname = "backend.test", interval = 30_000) {
    this.resolver = new Resolver({
      hostname,
      interval,
      clock: this.clock,
      onChange: (addresses) => this.changes.push(addresses),
      lookup: (hostname) => {
        this.asked.push(hostname);
        const pending = Promise.withResolvers<string[]>();
        this.#pending.push(pending);
        return pending.promise;
      },
    });
  }

  /** Answers the look-up that is under way; there is only one. */
  async answer(answer: string[] | Error): Promise<void> {
    assertEquals(this.#pending.length, 1);
    const { resolve, reject } = this.#pending.pop()!;
    if (answer instanceof Error) reject(answer);
    else resolve(answer);
    await this.clock.advance(0);
  }

  /** Ends it, and checks that nothing is left. */
  end(): void {
    this.resolver.close();
    assertEquals(this.clock.pending, 0);
    assertEquals(this.clock.holding, 0);
  }
}

Deno.test("a name is looked up at once, and its addresses come in turn", async () => {
  const bench = new Bench();
  assertEquals(bench.asked, ["backend.test"]);
  assertEquals(bench.resolver.next(), undefined);
  assertEquals(bench.resolver.addresses, []);
  await bench.answer(["192.0.2.1", "2001:db8::1"]);
  const { resolver } = bench;
  const turns = Array.from({ length: 5 }, () => resolver.next());
  assertEquals(turns, [
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.1",
  ]);
  assertEquals(resolver.has("2001:db8::1"), true);
  assertEquals(resolver.has("192.0.2.2"), false);
  assertEquals(bench.changes, [["192.0.2.1", "2001:db8::1"]]);
  bench.end();
});

Deno.test("a look-up follows the last one's answer after the interval", async () => {
  const bench = new Bench();
  await bench.clock.advance(100_000);
  assertEquals(bench.asked.length, 1);
  await bench.answer(["192.0.2.1"]);
  await bench.clock.advance(29_999);
  assertEquals(bench.asked.length, 1);
  await bench.clock.advance(1);
  assertEquals(bench.asked.length, 2);
  bench.end();
});

Deno.test("other addresses are told, the same in another order are not", async () => {
  const bench = new Bench();
  await bench.answer(["192.0.2.1", "192.0.2.2"]);
  const before = bench.resolver.addresses;
  await bench.clock.advance(30_000);
  await bench.answer(["192.0.2.2", "192.0.2.1", "192.0.2.2"]);
  assertStrictEquals(bench.resolver.addresses, before);
  assertEquals(bench.changes.length, 1);
  await bench.clock.advance(30_000);
  await bench.answer(["192.0.2.2", "192.0.2.3"]);
  assertEquals(bench.changes[1], ["192.0.2.2", "192.0.2.3"]);
  assertEquals(bench.resolver.has("192.0.2.1"), false);
  await bench.clock.advance(30_000);
  await bench.answer(["192.0.2.3"]);
  assertEquals(bench.changes[2], ["192.0.2.3"]);
  assertEquals(bench.resolver.next(), "192.0.2.3");
  assertEquals(bench.resolver.next(), "192.0.2.3");
  bench.end();
});

Deno.test("the last answer stays while look-ups fail or find nothing", async () => {
  const bench = new Bench();
  await bench.answer(["192.0.2.1"]);
  for (const failure of [new Error("No such name"), []]) {
    await bench.clock.advance(30_000);
    await bench.answer(failure);
    assertEquals(bench.resolver.addresses, ["192.0.2.1"]);
  }
  assertEquals(bench.asked.length, 3);
  assertEquals(bench.changes.length, 1);
  bench.end();
});

Deno.test("a name that has no answer yet is looked up again soon", async () => {
  const bench = new Bench();
  await bench.answer(new Error("No such name"));
  await bench.clock.advance(999);
  assertEquals(bench.asked.length, 1);
  await bench.clock.advance(1);
  assertEquals(bench.asked.length, 2);
  await bench.answer(["192.0.2.1"]);
  assertEquals(bench.resolver.next(), "192.0.2.1");
  bench.end();
  const hasty = new Bench("backend.test", 300);
  await hasty.answer([]);
  await hasty.clock.advance(300);
  assertEquals(hasty.asked.length, 2);
  hasty.end();
});

Deno.test("an address is never looked up", async () => {
  for (const address of ["127.0.0.1", "::1", "fe80::1%eth0"]) {
    const bench = new Bench(address);
    await bench.clock.advance(100_000);
    assertEquals(bench.asked, []);
    assertEquals(bench.resolver.addresses, [address]);
    assertEquals(bench.resolver.next(), address);
    assertEquals(bench.resolver.next(), address);
    assertEquals(bench.changes, []);
    bench.end();
  }
});

Deno.test("names that look like addresses are looked up", () => {
  for (const name of ["1.2.3", "10.0.0.1.example.com", "a.b.c.d"]) {
    const bench = new Bench(name);
    assertEquals(bench.asked, [name]);
    bench.end();
  }
});

Deno.test("close drops the answer to a look-up that is under way", async () => {
  const bench = new Bench();
  bench.end();
  await bench.answer(["192.0.2.1"]);
  await bench.clock.advance(100_000);
  assertEquals(bench.resolver.addresses, []);
  assertEquals([bench.changes.length, bench.asked.length], [0, 1]);
  bench.end();
});

Deno.test("close may be called with a change", async () => {
  const clock = new TestClock();
  let lookups = 0;
  const resolver = new Resolver({
    hostname: "backend.test",
    interval: 1000,
    clock,
    onChange: () => resolver.close(),
    lookup: () => Promise.resolve([`192.0.2.${++lookups}`]),
  });
  await clock.advance(10_000);
  assertEquals(resolver.addresses, ["192.0.2.1"]);
  assertEquals([lookups, clock.pending], [1, 0]);
});

Deno.test("the system's look-up knows localhost", async () => {
  const { promise, resolve } = Promise.withResolvers<readonly string[]>();
  const resolver = new Resolver({
    hostname: "localhost",
    interval: 30_000,
    clock: new TestClock(),
    onChange: resolve,
  });
  const addresses = await promise;
  resolver.close();
  assert(addresses.includes("127.0.0.1") || addresses.includes("::1"));
});
