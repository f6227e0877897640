import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import {
  Bench,
  codeOf,
  outcome,
  take,
  takeValues,
  value,
} from "./_client_test_util.ts";

for (const status of ["401 Unauthorized", "403 Forbidden"]) {
  Deno.test(`${status} ends everything with an error`, async () => {
    await using bench = new Bench();
    const { client } = bench;
    const subscription = client.subscribe("a");
    const ended = take(subscription).catch((error) => error.code);
    const published = client.publish("a", 1);
    await bench.refuse(status);
    assertEquals(client.state, "closed");
    assertEquals((await client.closed)?.code, "handshake_refused");
    assertEquals(await ended, "handshake_refused");
    assertEquals(await codeOf(published), "handshake_refused");
    assertEquals(await codeOf(client.presence("a")), "handshake_refused");
    assertEquals(
      assertThrows(() => client.subscribe("b"), ConnError).code,
      "handshake_refused",
    );
    assertEquals(bench.net.clock.pending, 0);
  });
}

for (
  const [code, name] of [[4403, "forbidden"], [1000, "closed"], [
    1008,
    "closed",
  ]] as const
) {
  Deno.test(`close code ${code} ends everything with an error, after what came`, async () => {
    await using bench = new Bench();
    const { client } = bench;
    const subscription = client.subscribe("a", { mode: "every" });
    const hosted = await bench.accept();
    await hosted.say(value("a", 1));
    await hosted.hangUp(code, "Enough");
    const error = await client.closed;
    assertEquals([error?.code, error?.side, error?.reply], [
      name,
      "remote",
      code,
    ]);
    assertEquals(await takeValues(subscription, 1), ["a 1"]);
    assertEquals(await codeOf(take(subscription)), name);
    assertEquals(bench.net.clock.pending, 0);
  });
}

for (const code of [4401, 4408, 1001, 1011, 1012, 1013]) {
  Deno.test(`the client comes back after close code ${code}`, async () => {
    await using bench = new Bench();
    const hosted = await bench.accept();
    await hosted.hangUp(code);
    await bench.pass(500);
    assertEquals(bench.client.state, "connecting");
    assertEquals(bench.client.id, undefined);
    await bench.accept();
    assertEquals(bench.client.state, "open");
  });
}

Deno.test("a server that is no hub ends it", async () => {
  await using bench = new Bench();
  await bench.accept({ subprotocol: "" });
  await bench.pass(10_000);
  assertEquals((await bench.client.closed)?.code, "not_a_hub");
});

for (const bad of ["{", "1", "null", "{}", '{"type":1}', new Uint8Array([1])]) {
  Deno.test(`message ${bad} of a hub ends it`, async () => {
    await using bench = new Bench();
    const hosted = await bench.accept();
    await hosted.sayRaw(bad);
    assertEquals(hosted.closing, 1007);
    await bench.pass(10_000);
    assertEquals((await bench.client.closed)?.code, "message_invalid");
  });
}

/** Brings a client into a state. */
const STATES: Record<string, (bench: Bench) => Promise<unknown>> = {
  "before the first attempt": () => Promise.resolve(),
  "connecting": (bench) => bench.settle(),
  "open": (bench) => bench.accept(),
  "waiting": async (bench) => (await bench.accept()).cut(),
  "told to stay away": async (bench) => {
    const hosted = await bench.accept();
    await hosted.say({ type: "bye", retry: 5000 });
    await hosted.hangUp(1012);
    await bench.pass(100);
  },
  "behind": async (bench) => {
    const hosted = await bench.accept();
    for (let offset = 1; offset < 9; offset++) {
      await hosted.say(value("a", offset));
    }
  },
  "closed": async (bench) => {
    await bench.refuse("403 Forbidden");
  },
};

for (const [name, bring] of Object.entries(STATES)) {
  Deno.test(`close ends everything when the client is ${name}`, async () => {
    await using bench = new Bench({
      queueCount: 2,
      baseDelay: 1000,
      random: () => 0.5,
    });
    const { client } = bench;
    const subscription = client.subscribe("a", { mode: "every" });
    await bring(bench);
    const failed = name === "closed";
    const published = failed ? undefined : client.publish("a", 1);
    const closed = client.close();
    assertEquals(client.state, "closed");
    const next = subscription[Symbol.asyncIterator]().next();
    if (failed) assertEquals(await codeOf(next), "handshake_refused");
    else assertEquals(await outcome(next), { done: true, value: undefined });
    if (published) assertEquals(await codeOf(published), "closed");
    const code = failed ? "handshake_refused" : "closed";
    assertEquals(await codeOf(client.publish("a", 1)), code);
    assertEquals(
      assertThrows(() => client.subscribe("b"), ConnError).code,
      code,
    );
    await bench.settle();
    await closed;
    assertEquals((await client.closed)?.code, failed ? code : undefined);
    await bench.settle();
    assertEquals(bench.net.clock.pending, 0);
    await client.close();
  });
}

Deno.test("the signal ends it, also while the program is behind", async () => {
  const aborter = new AbortController();
  await using bench = new Bench({ queueCount: 1, signal: aborter.signal });
  const { client } = bench;
  const subscription = client.subscribe("a", { mode: "every" });
  const hosted = await bench.accept();
  await hosted.say(value("a", 1), value("a", 2));
  aborter.abort();
  await bench.settle();
  assertEquals((await outcome(client.closed) as ConnError).code, "aborted");
  assertEquals(await takeValues(subscription, 1), ["a 1"]);
  assertEquals(await codeOf(take(subscription)), "aborted");
});
