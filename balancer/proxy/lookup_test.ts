// Backends by name: the addresses of the name, and what becomes of connections when
// they change.

import { assert, assertEquals } from "@std/assert";
import { Bench } from "../balancer_test_util.ts";
import type { PoolConfig } from "../config/config.ts";
import {
  field,
  post,
  readResponse,
  request,
  respond,
  settle,
  statusOf,
} from "./proxy_test_util.ts";

const ONE = "10.1.0.1";
const TWO = "10.1.0.2";

/** A name with these addresses, and two servers, at each of which there is one. */
function named(
  found: { addresses: string[] },
  pool: PoolConfig = {},
): Bench {
  const backend = "backend.test:80";
  return new Bench({
    addresses: [`${ONE}:80`, `${TWO}:80`],
    config: () => ({
      routes: [{ upstream: { backends: [backend], pool }, host: "backend" }],
    }),
    lookup: (hostname) => {
      assertEquals(hostname, "backend.test");
      if (found.addresses.length === 0) {
        return Promise.reject(new Error("no such name"));
      }
      return Promise.resolve(found.addresses);
    },
  });
}

const bodyOf = async (t: Bench, sent = request()) =>
  readResponse(await t.ask(sent)).body;

Deno.test("a backend by name gets the name as Host", async () => {
  await using t = named({ addresses: [ONE] });
  assertEquals(await bodyOf(t), "a");
  assertEquals(field(t.a.requests[0]!, "host"), "backend.test:80");
  assertEquals(t.record.backend, "backend.test:80");
});

for (const mode of ["refusing", "silent"] as const) {
  Deno.test(`a first address that is ${mode} is not seen by the client`, async () => {
    await using t = named({ addresses: [ONE, TWO] });
    t.a.mode = mode;
    for (const sent of [request(), post("x")]) {
      const client = t.client();
      await client.ask(sent);
      await t.clock.advance(2500);
      assertEquals(readResponse(client.received).body, "b");
    }
    assertEquals(t.upstream().retries, 0, "it is one backend");
    assertEquals(t.figures().errors, {});
  });
}

Deno.test("a name whose addresses all are dead fails", async () => {
  await using t = named({ addresses: [ONE, TWO] });
  t.a.mode = t.b.mode = "refusing";
  assertEquals(statusOf(await t.ask(request())), 502);
  assertEquals(t.figures().errors, { connect_refused: 1 });
});

Deno.test("connections to an address that the name has no more are not used again", async () => {
  const found = { addresses: [ONE] };
  await using t = named(found, { dnsInterval: 5000, idleTimeout: 60_000 });
  assertEquals(await bodyOf(t), "a");
  found.addresses = [TWO];
  await t.clock.advance(4000);
  assertEquals(await bodyOf(t), "a", "it is not known yet");
  await t.clock.advance(1500);
  await settle();
  assertEquals(t.a.wire.ended, "eof");
  assertEquals(await bodyOf(t), "b");
  assertEquals([t.a.wires.length, t.b.wires.length], [1, 1]);
});

Deno.test("what is under way at an old address goes on to its end", async () => {
  const found = { addresses: [ONE] };
  await using t = named(found, { dnsInterval: 5000 });
  t.a.answer = () => {};
  const client = t.client();
  await client.ask(request());
  found.addresses = [TWO];
  await t.clock.advance(5500);
  t.a.wire.send(respond("old"));
  await settle();
  assertEquals(readResponse(client.take()).body, "old");
  assertEquals(t.a.wire.ended, "eof", "it is not kept");
  assertEquals(await bodyOf(t), "b");
});

Deno.test("addresses that come leave connections to the others as they are", async () => {
  const found = { addresses: [ONE] };
  await using t = named(found, { dnsInterval: 5000 });
  await bodyOf(t);
  found.addresses = [TWO, ONE];
  await t.clock.advance(5500);
  assertEquals(await bodyOf(t), "a");
  assertEquals(t.a.wires.length, 1);
});

Deno.test("a name that cannot be looked up any more keeps its addresses", async () => {
  const found = { addresses: [ONE] };
  await using t = named(found, { dnsInterval: 1000, idleTimeout: 60_000 });
  await bodyOf(t);
  found.addresses = [];
  await t.clock.advance(3000);
  assertEquals(await bodyOf(t), "a");
  assertEquals(t.a.wires.length, 1);
});

Deno.test("new connections are spread over the addresses", async () => {
  await using t = named({ addresses: [ONE, TWO] }, { maxIdle: 0 });
  const bodies: string[] = [];
  for (let i = 0; i < 4; i++) bodies.push(await bodyOf(t));
  assertEquals(bodies.sort().join(""), "aabb");
  assert(t.a.wires.length === 2 && t.b.wires.length === 2);
});
