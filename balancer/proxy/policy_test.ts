// How the policies choose, with what the balancer tells them.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import {
  field,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy_test_util.ts";

const bodyOf = async (t: Bench, sent = request()) =>
  readResponse(await t.ask(sent)).body;

/** Who answers requests with each of these values of a field. */
async function spread(
  t: Bench,
  values: readonly string[],
  line: (value: string) => string,
): Promise<string[]> {
  const bodies: string[] = [];
  for (const value of values) {
    bodies.push(await bodyOf(t, request("/", line(value))));
  }
  return bodies;
}

const KEYS = Array.from({ length: 40 }, (_, i) => `key${i}`);

for (
  const [by, line] of [
    ["cookie:session", (key: string) => `Cookie: a=b; session=${key}\r\n`],
    ["header:X-Tenant", (key: string) => `x-tenant: ${key}\r\n`],
  ] as const
) {
  Deno.test(`hash by ${by} keeps a key at its backend`, async () => {
    await using t = new Bench({
      backends: 4,
      upstream: { policy: { type: "hash", by } },
    });
    const first = await spread(t, KEYS, line);
    assertEquals(new Set(first).size, 4, "all backends have keys");
    assertEquals(await spread(t, [...KEYS].reverse(), line), first.reverse());
  });

  Deno.test(`hash by ${by} moves only the keys of the backend that goes`, async () => {
    await using t = new Bench({
      backends: 4,
      upstream: { policy: { type: "hash", by } },
    });
    const before = await spread(t, KEYS, line);
    t.balancer.setDraining(t.upstream().name, t.a.address, true);
    const after = await spread(t, KEYS, line);
    for (const [i, was] of before.entries()) {
      if (was === "a") assert(after[i] !== "a");
      else assertEquals(after[i], was, KEYS[i]);
    }
  });
}

Deno.test("hash by a field goes by the address of who has none", async () => {
  await using t = new Bench({
    backends: 4,
    upstream: { policy: { type: "hash", by: "header:X-Tenant" } },
  });
  const ask = async (address: string) =>
    readResponse(await t.client({ address }).ask(request())).body;
  const bodies = new Set<string>();
  for (let i = 0; i < 30; i++) {
    const body = await ask(`10.0.1.${i}`);
    assertEquals(await ask(`10.0.1.${i}`), body);
    bodies.add(body);
  }
  assertEquals(bodies.size, 4);
});

Deno.test("hash goes by the address that a trusted proxy tells", async () => {
  await using t = new Bench({
    backends: 4,
    upstream: { policy: "hash" },
    common: { trustedProxies: ["10.0.0.1"] },
  });
  const addresses = Array.from({ length: 30 }, (_, i) => `192.0.2.${i}`);
  const line = (address: string) => `X-Forwarded-For: ${address}\r\n`;
  const bodies = await spread(t, addresses, line);
  assertEquals(new Set(bodies).size, 4);
});

for (const [loadFactor, expected] of [[1, [2, 2]], [1.5, [3, 1]]] as const) {
  Deno.test(`with loadFactor ${loadFactor} one key has at most so much of what is under way`, async () => {
    await using t = new Bench({
      upstream: { policy: { type: "hash", loadFactor } },
    });
    for (const backend of t.backends) backend.answer = () => {};
    for (let i = 0; i < 4; i++) await t.client().ask(request());
    const counts = t.backends.map(({ requests }) => requests.length);
    assertEquals(counts.sort().reverse(), [...expected]);
  });
}

Deno.test("first takes the first one that is available", async () => {
  await using t = new Bench({ backends: 3, upstream: { policy: "first" } });
  const name = t.upstream().name;
  assertEquals([await bodyOf(t), await bodyOf(t)], ["a", "a"]);
  t.balancer.setDraining(name, t.a.address, true);
  assertEquals(await bodyOf(t), "b");
  t.balancer.setWeight(name, t.b.address, 0);
  assertEquals(await bodyOf(t), "c");
  t.balancer.setDraining(name, t.a.address, false);
  assertEquals(await bodyOf(t), "a");
});

Deno.test("p2c takes the one of two with less under way", async () => {
  await using t = new Bench({ upstream: { policy: "p2c" } });
  t.a.answer = t.b.answer = () => {};
  await t.client().ask(request());
  await t.client().ask(request());
  assertEquals([t.a.requests.length, t.b.requests.length], [1, 1]);
});

Deno.test("p2c takes the one of two that is faster", async () => {
  await using t = new Bench({ upstream: { policy: "p2c" } });
  for (const [backend, time] of [[t.a, 500], [t.b, 10]] as const) {
    t.a.answer = t.b.answer = () => {};
    const other = t.upstream().backends.find(({ id }) =>
      id !== backend.address
    )!;
    t.balancer.setDraining(t.upstream().name, other.id, true);
    const client = t.client();
    await client.ask(request());
    await t.clock.advance(time);
    backend.wire.send(respond());
    await settle();
    assertEquals(statusOf(client.take()), 200);
    t.balancer.setDraining(t.upstream().name, other.id, false);
  }
  t.a.answer = () => respond("a");
  t.b.answer = () => respond("b");
  const bodies: string[] = [];
  for (let i = 0; i < 5; i++) bodies.push(await bodyOf(t));
  assertEquals(bodies.join(""), "bbbbb");
});

Deno.test("the cookie of sticky has what the configuration says", async () => {
  await using t = new Bench({
    upstream: {
      policy: { type: "sticky", cookie: "node", maxAge: 60, secure: true },
    },
  });
  const cookie = field(readResponse(await t.ask(request())), "set-cookie")!;
  assertMatch(cookie, /^node=[^;]+;/);
  const attributes = cookie.split(/; ?/).slice(1);
  for (const each of ["Max-Age=60", "Secure", "HttpOnly", "Path=/"]) {
    assert(attributes.includes(each), cookie);
  }
});

Deno.test("a sticky client stays with its backend", async () => {
  await using t = new Bench({ upstream: { policy: "sticky" } });
  const first = readResponse(await t.ask(request()));
  const cookie = field(first, "set-cookie")!.split(";")[0];
  assertMatch(field(first, "set-cookie")!, /HttpOnly/i);
  for (let i = 0; i < 3; i++) {
    const next = await t.ask(request("/", `Cookie: ${cookie}\r\n`));
    assertEquals(readResponse(next).body, first.body);
  }
});

Deno.test("a sticky client whose backend fails gets the cookie of the next", async () => {
  await using t = new Bench({ upstream: { policy: "sticky" } });
  t.a.mode = "refusing";
  const reply = readResponse(await t.ask(request()));
  assertEquals(reply.body, "b");
  const cookies = reply.fields.filter(([name]) => name === "set-cookie");
  assertEquals(cookies.length, 1);
  const next = request("/", `Cookie: ${cookies[0]![1].split(";")[0]}\r\n`);
  t.a.mode = "up";
  assertEquals(readResponse(await t.ask(next)).body, "b");
});

Deno.test("a policy that fails is told, and the client gets 500", async () => {
  await using t = new Bench({
    upstream: {
      policy: () => {
        throw new Error("mine");
      },
    },
  });
  assertEquals(statusOf(await t.ask(request())), 500);
  assertEquals(t.errors.splice(0).map(String), ["Error: mine"]);
});

Deno.test("a policy that chooses none makes 503", async () => {
  await using t = new Bench({ upstream: { policy: () => undefined } });
  const reply = readResponse(await t.ask(request()));
  assertMatch(reply.start, / 503 /);
  assertMatch(field(reply, "retry-after") ?? "", /^[1-9]\d*$/);
});

Deno.test("a policy that chooses what it was not given makes 500", async () => {
  await using t = new Bench({
    upstream: {
      policy: () => ({
        id: "x",
        address: "x",
        weight: 1,
        inFlight: 0,
        latency: 0,
      }),
    },
  });
  assertEquals(statusOf(await t.ask(request())), 500);
  assertEquals(t.errors.splice(0).length, 1);
  assertEquals(t.records.length, 1);
});

Deno.test("a cookie of a policy that cannot be sent is told, and makes no 200", async () => {
  await using t = new Bench({
    backends: 1,
    upstream: {
      policy: (candidates, request) => {
        request.setCookie("a=b\r\nX-Evil: 1");
        return candidates[0];
      },
    },
  });
  const got = await t.ask(request());
  assert(!got.includes("X-Evil"), got);
  assertEquals(statusOf(got), 500);
  assertEquals(t.errors.splice(0).length, 1);
});
