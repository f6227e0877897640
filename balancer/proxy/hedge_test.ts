// A slow GET is sent to a second backend, too, and the first answer counts.

import { assert, assertEquals } from "@std/assert";
import { Bench, type BenchOptions } from "../balancer_test_util.ts";
import {
  ASKS_WEBSOCKET,
  field,
  post,
  readResponse,
  request,
  respond,
  settle,
} from "./proxy_test_util.ts";

const counts = (t: Bench) => t.backends.map(({ requests }) => requests.length);

/** Two backends; a slow GET is hedged after 100 ms. */
const hedging = (options: BenchOptions = {}) =>
  new Bench({ ...options, route: { hedgeAfter: 100, ...options.route } });

Deno.test("a slow GET is hedged: the first answer counts", async () => {
  await using t = hedging();
  t.a.answer = () => {};
  const client = t.client();
  assertEquals(await client.ask(request()), "");
  await t.clock.advance(120);
  assertEquals(readResponse(client.take()).body, "b");
  assertEquals(counts(t), [1, 1]);
  assert(t.a.wire.ended !== "no", "the other one is given up");
  assertEquals(t.record.hedged, true);
  assertEquals(t.record.backend, t.b.address);
  assertEquals(t.upstream().hedges, 1);
});

Deno.test("the first backend may still win", async () => {
  await using t = hedging();
  t.a.answer = t.b.answer = () => {};
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(120);
  t.a.wire.send(respond("slow"));
  await settle();
  assertEquals(readResponse(client.take()).body, "slow");
  assert(t.b.wire.ended !== "no");
  assertEquals(t.record.backend, t.a.address);
});

Deno.test("one of a pair may fail", async () => {
  await using t = hedging();
  t.a.answer = t.b.answer = () => {};
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(120);
  await t.a.wire.reset();
  assertEquals(client.take(), "");
  t.b.wire.send(respond("b"));
  await settle();
  assertEquals(readResponse(client.take()).body, "b");
});

for (const [name, sent] of [["POST", post("x")], ["fast GET", request()]]) {
  Deno.test(`a ${name} is not hedged`, async () => {
    await using t = hedging();
    if (name === "POST") t.a.answer = () => {};
    const client = t.client();
    await client.ask(sent!);
    await t.clock.advance(200);
    assertEquals(counts(t), [1, 0]);
    assertEquals(t.upstream().hedges, 0);
  });
}

Deno.test("hedges are within the budget", async () => {
  await using t = hedging({
    upstream: { retryBudget: { ratio: 0, minPerSecond: 0 } },
  });
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(200);
  assertEquals(counts(t), [1, 0]);
  assertEquals(t.upstream().budgetRefused, 1);
});

Deno.test("the cookie of a pair is that of the one that answered", async () => {
  for (const winner of [0, 1]) {
    await using t = hedging({ upstream: { policy: "sticky" } });
    for (const backend of t.backends) backend.answer = () => {};
    const client = t.client();
    await client.ask(request());
    await t.clock.advance(120);
    t.backends[winner]!.wire.send(respond());
    await settle();
    const reply = readResponse(client.take());
    const cookie = field(reply, "set-cookie")!.split(";")[0];
    for (const [i, backend] of t.backends.entries()) {
      backend.answer = () => respond(`${i}`);
    }
    const next = await t.ask(request("/", `Cookie: ${cookie}\r\n`));
    assertEquals(readResponse(next).body, `${winner}`);
  }
});

Deno.test("a WebSocket is not hedged: there would be two", async () => {
  await using t = hedging();
  t.a.answer = t.b.answer = () => {};
  await t.client().ask(request("/", ASKS_WEBSOCKET));
  await t.clock.advance(200);
  assertEquals(counts(t), [1, 0]);
});

Deno.test("there is one hedge, and no third one", async () => {
  await using t = hedging({ backends: 3 });
  for (const backend of t.backends) backend.answer = () => {};
  await t.client().ask(request());
  await t.clock.advance(1000);
  assertEquals(counts(t), [1, 1, 0]);
});

Deno.test("a hedge that finds no connection leaves the first one alone", async () => {
  await using t = hedging({
    upstream: { pool: { maxConnections: 1, maxQueue: 0 }, policy: "first" },
  });
  t.a.answer = t.b.answer = () => {};
  const [one, two] = [t.client(), t.client()];
  await one.ask(request("/1"));
  await two.ask(request("/2"));
  await t.clock.advance(200);
  t.a.wire.send(respond("a"));
  t.b.wire.send(respond("b"));
  await settle();
  assertEquals(readResponse(one.take()).body, "a");
  assertEquals(readResponse(two.take()).body, "b");
});

Deno.test("a policy that fails when asked for a second one leaves the first alone", async () => {
  let asked = 0;
  await using t = hedging({
    upstream: {
      policy: (candidates) => {
        if (asked++ > 0) throw new Error("mine");
        return candidates[0];
      },
    },
  });
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(200);
  assertEquals(t.errors.splice(0).map(String), ["Error: mine"]);
  t.a.wire.send(respond("a"));
  await settle();
  assertEquals(readResponse(client.take()).body, "a");
  assertEquals(counts(t), [1, 0]);
});

Deno.test("one of a pair that answers badly leaves it to the other one", async () => {
  await using t = hedging({
    route: { retries: { statuses: [503], attempts: 1 } },
  });
  t.a.answer = () => {};
  t.b.answer = () => respond("no", 503);
  const client = t.client();
  await client.ask(request());
  await t.clock.advance(150);
  assertEquals(client.take(), "");
  t.a.wire.send(respond("a"));
  await settle();
  assertEquals(readResponse(client.take()).body, "a");
  assertEquals(counts(t), [1, 1]);
  assertEquals([t.record.backend, t.record.retries], [t.a.address, 0]);
});

for (const how of ["fail", "answer badly"]) {
  Deno.test(`a pair that both ${how} is followed by a third one`, async () => {
    await using t = hedging({
      backends: 3,
      upstream: { policy: "first" },
      route: { retries: { statuses: [503], attempts: 1 } },
    });
    t.a.answer = t.b.answer = () => {};
    const client = t.client();
    await client.ask(request());
    await t.clock.advance(150);
    for (const { wire } of [t.b, t.a]) {
      assertEquals(client.take(), "");
      if (how === "fail") await wire.reset();
      else wire.send(respond("no", 503));
      await settle();
    }
    assertEquals(readResponse(client.take()).body, "c");
    assertEquals(counts(t), [1, 1, 1]);
  });
}
