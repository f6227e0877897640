// A change of an upstream's settings: its backends, and all that is known of them,
// stay as they are.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Bench } from "./balancer_test_util.ts";
import type { BalancerConfig, UpstreamConfig } from "./config/config.ts";
import { ConfigError } from "./config/config_error.ts";
import {
  AGREES_WEBSOCKET,
  ASKS_WEBSOCKET,
  field,
  post,
  readMessages,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy/proxy_test_util.ts";

const A = "127.0.0.1:9001";
const B = "127.0.0.1:9002";

type Settings = Omit<UpstreamConfig, "backends">;

/** One upstream, `u`. */
const config = (settings: Settings, backends = [A, B]): BalancerConfig => ({
  upstreams: { u: { backends, ...settings } },
  routes: [{ name: "r", upstream: "u" }],
});

const bench = (settings: Settings = {}, backends = [A, B]) =>
  new Bench({ config: () => config(settings, backends) });

/** A change of each of the settings. */
const CHANGES: readonly (readonly [name: string, change: Settings])[] = [
  ["policy", { policy: "least_connections" }],
  ["the pool's size", { pool: { maxConnections: 5 } }],
  ["the pool's times", { pool: { idleTimeout: 20_000, connectTimeout: 900 } }],
  ["dnsInterval", { pool: { dnsInterval: 1000 } }],
  ["minResponseRate", { pool: { minResponseRate: 10 } }],
  ["health", { health: { path: "/ok", interval: 60_000 } }],
  ["ejection", { ejection: { failures: 3 } }],
  ["slowStart", { slowStart: 1000 }],
  ["panicThreshold", { panicThreshold: 0.1 }],
  ["retryBudget", { retryBudget: { ratio: 0.1 } }],
];
const NEW_WAYS: typeof CHANGES = [
  ["tls", { tls: { serverName: "other.test" } }],
  ["proxyProtocol", { proxyProtocol: "v1" }],
];

for (const [name, change] of CHANGES) {
  Deno.test(`a change of ${name} leaves connections and figures`, async () => {
    await using t = bench();
    for (let i = 0; i < 4; i++) await t.ask(request());
    const before = [t.figures(0), t.figures(1)];
    t.balancer.update(config(change));
    await settle();
    assertEquals([t.a.wires[0]!.ended, t.b.wires[0]!.ended], ["no", "no"]);
    assertEquals(
      [t.figures(0), t.figures(1)].map(({ requests, connects }) => [
        requests,
        connects,
      ]),
      before.map(({ requests, connects }) => [requests, connects]),
    );
    for (let i = 0; i < 4; i++) {
      assertEquals(statusOf(await t.ask(request())), 200);
    }
    assertEquals(t.figures().connects + t.figures(1).connects, 2);
  });
}

for (const [name, change] of NEW_WAYS) {
  Deno.test(`a change of ${name} closes what is put aside, and nothing else`, async () => {
    await using t = bench();
    await t.ask(request());
    await t.ask(request());
    t.a.answer = () => {};
    const client = t.client();
    await client.ask(request("/under-way"));
    t.balancer.update(config(change));
    await settle();
    assertEquals([t.a.wires[0]!.ended, t.b.wires[0]!.ended], ["no", "eof"]);
    assertEquals(t.figures(1).requests, 1);
    t.a.wires[0]!.send(respond("late"));
    await settle();
    assertEquals(readResponse(client.take()).body, "late");
    assertEquals(t.a.wires[0]!.ended, "eof", "it is not used again");
    t.b.raw();
    await t.client().ask(request());
    assertEquals(
      t.b.wire.received.startsWith("PROXY TCP4 "),
      name === "proxyProtocol",
    );
  });
}

for (const [name, change] of [...CHANGES, ...NEW_WAYS]) {
  Deno.test(`a change of ${name} forgets neither health nor what was done by hand`, async () => {
    const ejection = { failures: 1, baseTime: 60_000 };
    await using t = new Bench({
      backends: 3,
      config: () => config({ ejection }, [A, B]),
    });
    t.a.mode = "refusing";
    assertEquals(statusOf(await t.ask(request())), 200);
    t.balancer.addBackend("u", { address: "127.0.0.1:9003" });
    t.balancer.setWeight("u", B, 7);
    t.balancer.setDraining("u", "127.0.0.1:9003", true);
    t.balancer.update(config({ ejection, ...change }));
    const { backends } = t.upstream();
    assertEquals(
      backends.map(({ state, weight }) => [state, weight]),
      [["ejected", 1], ["up", 7], ["draining", 1]],
    );
    assertEquals(backends[0]!.errors, { connect_refused: 1 });
  });

  Deno.test(`a GET under way during a change of ${name} is still tried elsewhere`, async () => {
    await using t = bench();
    t.a.answer = () => {};
    const client = t.client();
    await client.ask(request());
    t.balancer.update(config(change));
    t.b.raw();
    await t.a.wires[0]!.reset();
    const asked = t.b.wires.find(({ received }) => received.includes("GET / "));
    asked!.send(respond("b"));
    await settle();
    assertEquals(readResponse(client.take()).body, "b");
  });
}

Deno.test("a backend that checks found down stays down over a change", async () => {
  const health = { interval: 1000, unhealthyAfter: 1 };
  await using t = bench({ health });
  t.a.mode = "refusing";
  await t.clock.advance(3000);
  assertEquals(t.figures().state, "down");
  const changes: Settings[] = [
    { health, ejection: { failures: 6 } },
    { health: { ...health, interval: 2000 } },
    { health: { ...health, interval: 2000, timeout: 100 } },
  ];
  for (const change of changes) {
    t.balancer.update(config(change));
    assertEquals(t.figures().state, "down", JSON.stringify(change));
    assertEquals(t.balancer.ready(), true);
  }
  t.a.mode = "up";
  await t.clock.advance(6000);
  assertEquals(t.figures().state, "up");
});

Deno.test("a backend is not down any more when its checks are left out", async () => {
  await using t = bench({ health: { interval: 1000, unhealthyAfter: 1 } });
  t.a.mode = "refusing";
  await t.clock.advance(3000);
  assertEquals(t.figures().state, "down");
  t.a.mode = "up";
  t.balancer.update(config({}));
  await t.clock.advance(3000);
  assertEquals(t.figures().state, "up");
});

Deno.test("a threshold that changes counts at once", async () => {
  await using t = bench({ ejection: { failures: 10 } }, [A]);
  t.a.mode = "refusing";
  for (let i = 0; i < 3; i++) await t.ask(request());
  assertEquals(t.figures().state, "up");
  t.balancer.update(config({ ejection: { failures: 2 } }, [A]));
  await t.ask(request());
  assertEquals(t.figures().state, "ejected");
});

Deno.test("an ejection ends when the upstream ejects nobody any more", async () => {
  await using t = bench({ ejection: { failures: 1, baseTime: 60_000 } });
  t.a.mode = "refusing";
  await t.ask(request());
  assertEquals(t.figures().state, "ejected");
  t.balancer.update(config({ ejection: false }));
  t.a.mode = "up";
  assertEquals(t.figures().state, "up");
});

Deno.test("places that a change adds are given to all who wait", async () => {
  await using t = bench({ pool: { maxConnections: 1 } }, [A]);
  t.a.answer = () => {};
  const clients = [t.client(), t.client(), t.client(), t.client()];
  for (const client of clients) await client.ask(request());
  assertEquals([t.a.wires.length, t.figures().queued], [1, 3]);
  t.balancer.update(config({ pool: { maxConnections: 4 } }, [A]));
  await settle();
  await settle();
  assertEquals([t.a.wires.length, t.figures().queued], [4, 0]);
});

Deno.test("places that a change takes are not given again", async () => {
  await using t = bench({ pool: { maxConnections: 3 } }, [A]);
  t.a.answer = () => {};
  for (let i = 0; i < 5; i++) await t.client().ask(request(`/${i}`));
  t.balancer.update(config({ pool: { maxConnections: 1 } }, [A]));
  for (const wire of [...t.a.wires]) wire.close();
  await settle();
  await settle();
  const { openConnections } = t.figures();
  assert(openConnections <= 1, `${openConnections} connections`);
});

Deno.test("who waits goes by the queueTimeout of now", async () => {
  const pool = { maxConnections: 1 };
  await using t = bench({ pool: { ...pool, queueTimeout: 50_000 } }, [A]);
  t.a.answer = () => {};
  const clients = [t.client(), t.client()];
  for (const client of clients) await client.ask(post("x"));
  t.balancer.update(config({ pool: { ...pool, queueTimeout: 1000 } }, [A]));
  await t.clock.advance(1100);
  assertEquals(clients.map((each) => statusOf(each.take())), [0, 503]);
});

Deno.test("an upstream that changes leaves the other ones as they are", async () => {
  const both = (serverName: string): BalancerConfig => ({
    upstreams: {
      u: { backends: [A], tls: { serverName } },
      v: { backends: [B] },
    },
    routes: [{ upstream: "u" }, { prefix: "/v", upstream: "v" }],
  });
  await using t = new Bench({ config: () => both("one.test") });
  await t.ask(request("/"));
  await t.ask(request("/v"));
  t.balancer.update(both("two.test"));
  await settle();
  assertEquals([t.a.wire.ended, t.b.wire.ended], ["eof", "no"]);
  assertEquals(readResponse(await t.ask(request("/"))).body, "a");
  assertEquals(readResponse(await t.ask(request("/v"))).body, "b");
  assertEquals([t.a.wires.length, t.b.wires.length], [2, 1]);
});

for (const [name, change] of [...CHANGES, ...NEW_WAYS]) {
  Deno.test(`a change of ${name} leaves WebSocket connections alone`, async () => {
    await using t = bench({}, [A]);
    t.a.answer = () => AGREES_WEBSOCKET;
    const client = t.client();
    const [reply] = readMessages(
      await client.ask(request("/", ASKS_WEBSOCKET)),
      [],
    );
    assertEquals(field(reply!, "upgrade"), "websocket");
    t.balancer.update(config(change, [A]));
    await t.clock.advance(500);
    assertEquals(client.take(), "");
    assertEquals(t.balancer.snapshot().websockets, 1);
    t.a.wires[0]!.send("\x81\x02hi");
    await settle();
    assertEquals(client.take(), "\x81\x02hi");
  });
}

Deno.test("what is wrong with a configuration is found before anything of it counts", async () => {
  await using t = bench({}, [A]);
  const before = t.balancer.snapshot();
  for (const via of ["a(b)", "[::1", "a b"]) {
    assertThrows(
      () => t.balancer.update({ ...config({}, [A, B]), via }),
      ConfigError,
      undefined,
      via,
    );
  }
  assertEquals(t.balancer.snapshot(), { ...before, reloadsRefused: 3 });
});

Deno.test("a configuration that is valid can be gone by", async () => {
  await using t = bench({}, [A]);
  const texts = ["[::1]:80", "[v1.a]", "a:", "a:80", "a:123456", ":", "a:b"];
  for (let code = 0x20; code < 0x7f; code++) {
    const sign = String.fromCharCode(code);
    texts.push(sign, `a${sign}b`, `a:${sign}`, `[::1]${sign}`);
  }
  let taken = 0;
  for (const text of texts) {
    const route = { name: "r", upstream: "u" };
    for (
      const change of [
        { via: text },
        { routes: [{ ...route, host: text }] },
        { routes: [{ ...route, hosts: [text] }] },
      ]
    ) {
      try {
        t.balancer.update({ ...config({}, [A]), ...change });
        taken++;
      } catch (error) {
        assert(
          error instanceof ConfigError,
          `${JSON.stringify(change)}: ${error}`,
        );
      }
    }
  }
  assert(taken > 100);
});
