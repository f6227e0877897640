// What explain tells is what happens.

import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../conn/error.ts";
import { Bench } from "./balancer_test_util.ts";
import type { BalancerConfig, PolicyName } from "./config/config.ts";
import { request, settle } from "./proxy/proxy_test_util.ts";

const A = "127.0.0.1:9001";
const B = "127.0.0.1:9002";

/** One upstream, `u`, and a route to it. */
const config = (route: Partial<BalancerConfig["routes"][number]> = {}) => ({
  upstreams: { u: { backends: [A, B] } },
  routes: [{ upstream: "u", ...route }],
});

Deno.test("explain says what would happen, and does nothing", async () => {
  await using t = new Bench({
    config: () => config({ prefix: "/a", replacement: "/b", name: "r" }),
  });
  t.balancer.setDraining("u", A, true);
  const found = t.balancer.explain({ host: "example.com", target: "/a/x?y" });
  assertEquals([found.route, found.target], ["r", "/b/x?y"]);
  assertEquals(
    found.upstreams[0]!.backends.map(({ state, candidate }) => [
      state,
      candidate,
    ]),
    [["draining", false], ["up", true]],
  );
  const none = t.balancer.explain({ host: "example.com", target: "/other" });
  assertEquals([none.route, none.upstreams], [undefined, []]);
  assert(none.steps.length > 0);
  const bad = t.balancer.explain({ host: "", target: "/../x" });
  assertEquals(bad.route, undefined);
  assertEquals(t.balancer.snapshot().routes[0]!.requests, 0);
});

Deno.test("explain refuses a host that is none", async () => {
  await using t = new Bench({ config: () => config() });
  for (const host of ["a\r\nb", "a b", "a:b"]) {
    const error = assertThrows(
      () => t.balancer.explain({ host, target: "/" }),
      ConnError,
    );
    assertEquals(error.reply, 400, host);
  }
});

Deno.test("explain tells what becomes of a request that goes to no backend", async () => {
  await using t = new Bench({
    config: () =>
      config({
        redirect: 302,
        rateLimit: { rate: 5, burst: 9 },
        websocket: false,
      }),
  });
  const query = { host: "example.com", target: "/" };
  const { steps } = t.balancer.explain(query);
  for (const part of ["302", "429", "WebSocket"]) {
    assert(steps.some((step) => step.includes(part)), part);
  }
  const trace = t.balancer.explain({ ...query, method: "TRACE" });
  assert(trace.steps.some((step) => step.includes("405")));
  assert(!steps.some((step) => step.includes("405")));
});

const POLICIES: PolicyName[] = [
  "round_robin",
  "weighted",
  "least_connections",
  "p2c",
  "hash",
  "sticky",
  "first",
];
for (const policy of POLICIES) {
  for (const busy of [false, true]) {
    const name = `${policy}, ${busy ? "with" : "without"} something under way`;
    Deno.test(
      `the backend that explain names is the one that answers: ${name}`,
      async () => {
        await using t = new Bench({ backends: 3, upstream: { policy } });
        if (busy) {
          for (const backend of t.backends) backend.answer = () => {};
          await t.client().ask(request());
          await t.client().ask(request());
          for (const [i, backend] of t.backends.entries()) {
            backend.answer = () =>
              `HTTP/1.1 200 X\r\nContent-Length: 1\r\n\r\n${i}`;
          }
        }
        for (let i = 0; i < 6; i++) {
          const { upstreams } = t.balancer.explain({
            host: "example.com",
            target: "/",
          });
          await t.ask(request());
          await settle();
          const { next = t.record.backend } = upstreams[0]!;
          assertEquals(next, t.record.backend);
        }
      },
    );
  }
}

Deno.test("explain names the backend of a key, and that of first", async () => {
  for (
    const policy of [{ type: "hash", by: "header:Host" }, "first"] as const
  ) {
    await using t = new Bench({ backends: 4, upstream: { policy } });
    const found = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const host = `host${i}.test`;
      const { upstreams } = t.balancer.explain({ host, target: "/" });
      await t.ask(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      assertEquals(upstreams[0]!.next, t.record.backend);
      found.add(t.record.backend!);
    }
    assertEquals(found.size, policy === "first" ? 1 : 4);
  }
});

Deno.test("explain names no backend if it was not told what that depends on", async () => {
  for (const by of ["address", "header:X-Tenant"]) {
    const policy = { type: "hash", by } as const;
    await using t = new Bench({ backends: 4, upstream: { policy } });
    const { upstreams } = t.balancer.explain({ host: "a", target: "/" });
    assertEquals(upstreams[0]!.next, undefined, by);
  }
});
