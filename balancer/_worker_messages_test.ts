import { assertEquals } from "@std/assert";
import {
  apply,
  type Change,
  changesAfter,
  forThreads,
  withChange,
} from "./_worker_messages.ts";
import type { BalancerConfig, UpstreamConfig } from "./config/config.ts";
import { resolveConfig } from "./config/resolve.ts";

const upstream = "web";
const drain = (id: string, draining = true): Change => ({
  type: "drain",
  upstream,
  id,
  draining,
});
const weight = (id: string, weight: number): Change => ({
  type: "weight",
  upstream,
  id,
  weight,
});
const remove = (id: string): Change => ({ type: "remove", upstream, id });
const add = (id: string): Change => ({
  type: "add",
  upstream,
  id,
  backend: { address: "127.0.0.1:1", id },
});

function listOf(...changes: Change[]): readonly Change[] {
  return changes.reduce<readonly Change[]>(withChange, []);
}

Deno.test("of several changes of one thing, the last one stays", () => {
  assertEquals(
    listOf(drain("a"), weight("a", 2), drain("b"), drain("a", false)),
    [weight("a", 2), drain("b"), drain("a", false)],
  );
});

Deno.test("a removed backend leaves nothing behind but that", () => {
  assertEquals(
    listOf(weight("a", 2), drain("a"), drain("b"), remove("a")),
    [drain("b"), remove("a")],
  );
});

Deno.test("a backend that was added and removed leaves nothing behind", () => {
  assertEquals(listOf(add("a"), drain("a"), remove("a")), []);
});

Deno.test("a backend that was exchanged is removed, then added", () => {
  assertEquals(listOf(remove("a"), add("a")), [remove("a"), add("a")]);
  assertEquals(listOf(remove("a"), add("a"), remove("a")), [remove("a")]);
});

/** What is left of a drain, a weight and an addition. */
function left(before: UpstreamConfig, after: UpstreamConfig): string[] {
  const settings = (web: UpstreamConfig) =>
    resolveConfig({ routes: [{ upstream }], upstreams: { web } });
  const changes = [drain("127.0.0.1:1"), weight("127.0.0.1:1", 2), add("new")];
  return changesAfter(changes, settings(before), settings(after))
    .map(({ type }) => type);
}

Deno.test("changes outlive a configuration as far as they do in a thread that saw both", () => {
  const backends = ["127.0.0.1:1", "127.0.0.1:2"];
  const all = ["drain", "weight", "add"];
  assertEquals(left({ backends }, { backends }), all);
  assertEquals(left({ backends }, { backends, policy: "first" }), all);
  assertEquals(left({ backends }, { backends: ["127.0.0.1:1"] }), ["drain"]);
  assertEquals(left({ backends }, { backends: ["127.0.0.1:2"] }), []);
  assertEquals(left({ backends }, { backends, slowStart: 1 }), all);
  assertEquals(left({ backends }, { backends, pool: { maxIdle: 1 } }), all);
});

Deno.test("changes of an upstream that is gone do not outlive it", () => {
  const config = (name: string): BalancerConfig => ({
    routes: [],
    upstreams: { [name]: { backends: ["127.0.0.1:1"] } },
  });
  const [before, after] = ["web", "other"].map(config).map(resolveConfig);
  assertEquals(changesAfter([drain("127.0.0.1:1")], before!, after!), []);
});

Deno.test("each change is what the admin API asks for", async () => {
  const calls: unknown[][] = [];
  const note = (name: string) => (...args: unknown[]) =>
    void calls.push([name, ...args]);
  const target = {
    addBackend: note("add"),
    removeBackend: note("remove"),
    setDraining: note("drain"),
    setWeight: note("weight"),
    ready: () => true,
    explain: () => {},
    snapshot: () => Promise.reject(new Error("Nobody asks here")),
  };
  for (const change of [add("a"), remove("a"), drain("a"), weight("a", 2)]) {
    await apply(change, target);
  }
  assertEquals(calls, [
    ["add", "web", { address: "127.0.0.1:1", id: "a" }],
    ["remove", "web", "a"],
    ["drain", "web", "a", true],
    ["weight", "web", "a", 2],
  ]);
});

Deno.test("threads get one secret for cookies, and a part of the drain rate", () => {
  const backends = ["127.0.0.1:1"];
  const config = forThreads(
    {
      routes: [
        { upstream: { backends, policy: "sticky" } },
        { prefix: "/api", upstream: "own" },
      ],
      upstreams: {
        own: { backends, policy: { type: "sticky", secret: "mine" } },
        none: { backends, policy: { type: "sticky", cookie: "c" } },
        other: { backends, policy: "hash" },
      },
    },
    "shared",
    4,
  );
  assertEquals(config, {
    routes: [
      { upstream: { backends, policy: { type: "sticky", secret: "shared" } } },
      { prefix: "/api", upstream: "own" },
    ],
    upstreams: {
      own: { backends, policy: { type: "sticky", secret: "mine" } },
      none: {
        backends,
        policy: { type: "sticky", secret: "shared", cookie: "c" },
      },
      other: { backends, policy: "hash" },
    },
    drainRate: 25,
  });
});
