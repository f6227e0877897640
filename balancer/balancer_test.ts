// Change without loss: what did not change is not touched, and what is under way
// goes on to its end.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { Balancer } from "./balancer.ts";
import { Bench, type BenchOptions } from "./balancer_test_util.ts";
import type { BalancerConfig } from "./config/config.ts";
import { ConfigError } from "./config/config_error.ts";
import {
  field,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy/proxy_test_util.ts";

const A = "127.0.0.1:9001";
const B = "127.0.0.1:9002";
const C = "127.0.0.1:9003";

/** One upstream, `u`, with these backends. */
const config = (
  backends: string[],
  more: Partial<BalancerConfig> = {},
): BalancerConfig => ({
  upstreams: { u: { backends } },
  routes: [{ upstream: "u" }],
  ...more,
});

const bench = (backends: string[], options: BenchOptions = {}) =>
  new Bench({ backends: 3, config: () => config(backends), ...options });

async function answers(t: Bench, count: number): Promise<string> {
  let all = "";
  for (let i = 0; i < count; i++) {
    all += readResponse(await t.ask(request())).body;
  }
  return all;
}

Deno.test("the same configuration again changes nothing", async () => {
  await using t = bench([A, B]);
  await answers(t, 3);
  const before = t.balancer.snapshot();
  t.balancer.update(config([A, B]));
  assertEquals(t.balancer.snapshot(), { ...before, reloads: 1 });
  await answers(t, 1);
  assertEquals([t.a.wires.length, t.b.wires.length], [1, 1]);
});

Deno.test("a backend that comes leaves the others as they are", async () => {
  await using t = bench([A]);
  await answers(t, 2);
  t.balancer.update(config([A, B]));
  assertEquals([...(await answers(t, 4))].sort().join(""), "aabb");
  assertEquals(t.a.wires.length, 1);
  assertEquals(t.figures(0).requests, 4);
});

Deno.test("a backend that goes finishes what it has", async () => {
  await using t = bench([A, B]);
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  t.balancer.update(config([B]));
  assertEquals(await answers(t, 3), "bbb");
  assertEquals(t.a.wire.ended, "no");
  t.a.wire.send(respond("late"));
  await settle();
  assertEquals(readResponse(client.take()).body, "late");
  assertEquals(t.a.wire.ended, "eof", "it is not kept then");
});

Deno.test("a backend that goes loses its idle connections", async () => {
  await using t = bench([A, B]);
  await answers(t, 2);
  t.balancer.update(config([B]));
  await settle();
  assertEquals([t.a.wire.ended, t.b.wire.ended], ["eof", "no"]);
});

Deno.test("a route that changes leaves backends and counters as they are", async () => {
  await using t = bench([A, B]);
  await answers(t, 2);
  t.balancer.update(config([A, B], {
    routes: [{ upstream: "u", responseFields: { set: { "X-New": "1" } } }],
  }));
  const reply = readResponse(await t.ask(request()));
  assertEquals(field(reply, "x-new"), "1");
  assertEquals([t.a.wires.length, t.b.wires.length], [1, 1]);
  assertEquals(t.balancer.snapshot().routes[0]!.requests, 3);
});

Deno.test("a request keeps the route that it began with", async () => {
  await using t = bench([A]);
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  t.balancer.update(config([A], {
    routes: [{
      upstream: "u",
      prefix: "/x",
      responseFields: { set: { "X-New": "1" } },
    }],
  }));
  t.a.wire.send(respond("old"));
  await settle();
  const reply = readResponse(client.take());
  assertEquals([reply.body, field(reply, "x-new")], ["old", undefined]);
  assertEquals(statusOf(await client.ask(request())), 404);
});

Deno.test("a request that waits in a queue survives a change of the upstream", async () => {
  const pool = { maxConnections: 1 };
  const upstreams = (queueTimeout: number) => ({
    u: { backends: [A], pool: { ...pool, queueTimeout } },
  });
  await using t = bench([A], {
    config: () => config([A], { upstreams: upstreams(5000) }),
  });
  t.a.answer = () => {};
  const clients = [t.client(), t.client()];
  for (const client of clients) await client.ask(request());
  t.balancer.update(config([A], { upstreams: upstreams(6000) }));
  t.a.wires[0]!.send(respond("1"));
  await settle();
  t.a.answer = () => respond("a");
  t.a.wires.at(-1)!.send(respond("2"));
  await settle();
  assertEquals(clients.map((each) => readResponse(each.take()).body), [
    "1",
    "2",
  ]);
});

Deno.test("health stays over a change", async () => {
  const ejecting = (backends: string[]) =>
    config(backends, {
      upstreams: { u: { backends, ejection: { failures: 1 } } },
    });
  await using t = bench([], { config: () => ejecting([A, B]) });
  t.a.mode = "refusing";
  await answers(t, 2);
  assertEquals(t.figures().state, "ejected");
  t.balancer.update(ejecting([A, B, C]));
  assertEquals(t.figures().state, "ejected");
  assertEquals(t.figures().errors, { connect_refused: 1 });
});

Deno.test("tokens stay over a change", async () => {
  const limited = (more = {}) =>
    config([A], {
      routes: [{ upstream: "u", rateLimit: { rate: 0.1 }, ...more }],
    });
  await using t = bench([], { config: () => limited() });
  assertEquals(statusOf(await t.ask(request())), 200);
  t.balancer.update(limited({ host: "backend" }));
  assertEquals(statusOf(await t.ask(request())), 429);
});

Deno.test("whom to trust changes for connections that are open, too", async () => {
  await using t = bench([A]);
  const client = t.client();
  const ask = async () => {
    const said = "X-Forwarded-For: 1.2.3.4\r\nX-Request-Id: theirs\r\n";
    await client.ask(request("/", said));
    const seen = t.a.requests.at(-1)!;
    return [field(seen, "x-forwarded-for"), t.record.clientAddress];
  };
  assertEquals(await ask(), ["10.0.0.1", "10.0.0.1"]);
  t.balancer.update(config([A], { trustedProxies: ["10.0.0.1"] }));
  assertEquals(await ask(), ["1.2.3.4, 10.0.0.1", "1.2.3.4"]);
  t.balancer.update(config([A]));
  assertEquals(await ask(), ["10.0.0.1", "10.0.0.1"]);
});

Deno.test("a configuration that is wrong is refused, and the old one stays", async () => {
  await using t = bench([A]);
  await answers(t, 1);
  for (
    const wrong of [
      { routes: [{ upstream: "nobody" }] },
      { routes: [], nonsense: 1 },
      config(["not an address"]),
      config([A], { trustedProxies: ["10.0.0.0/99"] }),
      config([A], { via: "a b" }),
      config([A], {
        routes: [{ upstream: "u", requestFields: { set: { "a b": "c" } } }],
      }),
      config([A], {
        routes: [{
          upstream: "u",
          responseFields: { set: { a: "b\r\nc: d" } },
        }],
      }),
      config([A], { routes: [{ upstream: "u", host: "a b" }] }),
    ]
  ) {
    assertThrows(
      () => t.balancer.update(wrong as BalancerConfig),
      ConfigError,
      undefined,
      JSON.stringify(wrong),
    );
  }
  assertEquals(t.balancer.snapshot().reloadsRefused, 8);
  assertEquals(t.balancer.snapshot().reloads, 0);
  assertEquals(await answers(t, 1), "a");
  assertEquals(t.a.wires.length, 1);
});

Deno.test("a balancer cannot be made of a wrong configuration", () => {
  assertThrows(
    () => new Balancer({ routes: [{ upstream: "nobody" }] }),
    ConfigError,
  );
});

Deno.test("backends come and go by hand", async () => {
  await using t = bench([A]);
  t.balancer.addBackend("u", { address: B, id: "second" });
  assertEquals([...(await answers(t, 4))].sort().join(""), "aabb");
  const error = assertThrows(
    () => t.balancer.addBackend("u", { address: B, id: "second" }),
    ConnError,
  );
  assertEquals([error.code, error.reply], ["duplicate_backend", 409]);
  t.balancer.removeBackend("u", A);
  assertEquals(await answers(t, 3), "bbb");
  for (
    const act of [
      () => t.balancer.removeBackend("u", A),
      () => t.balancer.removeBackend("nobody", A),
      () => t.balancer.setDraining("u", A, true),
      () => t.balancer.setWeight("u", A, 2),
    ]
  ) assertEquals(assertThrows(act, ConnError).reply, 404);
  t.balancer.removeBackend("u", "second");
  assertEquals(statusOf(await t.ask(request())), 503);
  assertEquals(t.balancer.ready(), false);
});

Deno.test("a backend that is drained gets nothing new, and can come back", async () => {
  await using t = bench([A, B]);
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  t.balancer.setDraining("u", A, true);
  assertEquals(t.figures().state, "draining");
  assertEquals(await answers(t, 3), "bbb");
  t.a.wire.send(respond("late"));
  await settle();
  assertEquals(readResponse(client.take()).body, "late");
  assertEquals(t.figures().openConnections, 0);
  t.a.answer = () => respond("a");
  t.balancer.setDraining("u", A, false);
  assertEquals([...(await answers(t, 4))].sort().join(""), "aabb");
  assertEquals(t.figures(0).idleConnections, 1);
});

Deno.test("a request that waits at a backend that is drained is served", async () => {
  await using t = bench([A], {
    config: () =>
      config([A], {
        upstreams: { u: { backends: [A], pool: { maxConnections: 1 } } },
      }),
  });
  t.a.answer = () => {};
  const clients = [t.client(), t.client()];
  for (const client of clients) await client.ask(request());
  t.balancer.setDraining("u", A, true);
  t.a.wires[0]!.send(respond("1"));
  await settle();
  t.a.wires.at(-1)!.send(respond("2"));
  await settle();
  assertEquals(clients.map((each) => readResponse(each.take()).body), [
    "1",
    "2",
  ]);
});

Deno.test("a weight by hand counts at once; 0 is none", async () => {
  await using t = bench([A, B]);
  t.balancer.setWeight("u", A, 0);
  assertEquals(await answers(t, 3), "bbb");
  t.balancer.setWeight("u", A, 1);
  assertEquals([...(await answers(t, 2))].sort().join(""), "ab");
});

Deno.test("a balancer that is drained is not ready", async () => {
  await using t = bench([A]);
  assertEquals(t.balancer.ready(), true);
  await t.balancer.drain();
  assertEquals(t.balancer.ready(), false);
  assertEquals(t.balancer.snapshot().draining, true);
  assertEquals(await answers(t, 1), "a", "what still comes is served");
});

Deno.test("a balancer whose backends are all down is not ready, though it tries them", async () => {
  await using t = bench([], {
    config: () =>
      config([A, B], {
        upstreams: { u: { backends: [A, B], ejection: { failures: 1 } } },
      }),
  });
  t.a.mode = t.b.mode = "refusing";
  await t.ask(request());
  assertEquals([t.upstream().panic, t.balancer.ready()], [true, false]);
  t.a.mode = t.b.mode = "up";
  assertEquals(statusOf(await t.ask(request())), 200);
  await t.clock.advance(1100);
  await answers(t, 2);
  assertEquals(t.balancer.ready(), true);
});

Deno.test("a weight that is none is refused, and changes nothing", async () => {
  await using t = bench([A, B]);
  for (const weight of [-1, NaN, Infinity]) {
    const error = assertThrows(
      () => t.balancer.setWeight("u", A, weight),
      ConnError,
    );
    assertEquals([error.code, error.reply], ["bad_weight", 400]);
  }
  assertEquals([...(await answers(t, 4))].sort().join(""), "aabb");
});

Deno.test("a log that fails does no harm", async () => {
  await using t = bench([A]);
  const push = t.records.push.bind(t.records);
  t.records.push = (...records) => {
    push(...records);
    throw new Error("full");
  };
  const client = t.client();
  assertEquals(readResponse(await client.ask(request())).body, "a");
  assertEquals(readResponse(await client.ask(request())).body, "a");
  assert(t.errors.splice(0).length > 0, "the program is told");
});
