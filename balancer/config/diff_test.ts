import { assertEquals } from "@std/assert";
import type { BalancerConfig, UpstreamConfig } from "./config.ts";
import {
  diffSettings,
  sameBackend,
  sameHealth,
  samePolicy,
  samePool,
  sameSettings,
} from "./diff.ts";
import { resolveBackend, resolveConfig } from "./resolve.ts";

/** The settings of one upstream. */
function upstream(options: Partial<UpstreamConfig> = {}) {
  return resolveConfig({
    routes: [],
    upstreams: { app: { backends: ["a:1"], ...options } },
  }).upstreams[0]!;
}

Deno.test("settings that say the same are the same", () => {
  const policy = () => undefined;
  for (
    const [a, b, same] of [
      [1, 1, true],
      [1, "1", false],
      [NaN, NaN, true],
      [Infinity, Infinity, true],
      [null, undefined, false],
      [null, {}, false],
      [[], {}, false],
      [[1, 2], [1, 2], true],
      [[1, 2], [2, 1], false],
      [[1], [1, 2], false],
      [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
      [{ a: 1 }, { a: 1, b: undefined }, true],
      [{ a: 1 }, { a: 1, b: 2 }, false],
      [{ a: { b: [1] } }, { a: { b: [1] } }, true],
      [{ a: { b: [1] } }, { a: { b: [2] } }, false],
      [{}, { toString: "x" }, false],
      [{ policy }, { policy }, true],
      [() => undefined, () => undefined, false],
    ] as const
  ) {
    assertEquals(sameSettings(a, b), same, `${Deno.inspect([a, b])}`);
    assertEquals(sameSettings(b, a), same, `${Deno.inspect([b, a])}`);
  }
});

Deno.test("a backend with another weight is the same, one elsewhere is not", () => {
  const backend = resolveBackend({ address: "a:1", id: "a" });
  const other = (address: string, id: string, weight = 1) =>
    sameBackend(backend, resolveBackend({ address, id, weight }));
  assertEquals(other("a:1", "a", 5), true);
  assertEquals(other("http://a:1", "a"), true);
  assertEquals(other("https://a:1", "a"), false);
  assertEquals(other("a:2", "a"), false);
  assertEquals(other("a:1", "b"), false);
});

Deno.test("what an upstream keeps depends on what was changed in it", () => {
  const before = upstream({ policy: "hash" });
  const kept = (options: Partial<UpstreamConfig>) => {
    const after = upstream({ policy: "hash", ...options });
    return [
      samePool(before, after),
      sameHealth(before, after),
      samePolicy(before, after),
    ];
  };
  assertEquals(kept({}), [true, true, true]);
  assertEquals(kept({ backends: ["b:1"] }), [true, true, true]);
  assertEquals(kept({ pool: { maxIdle: 1 } }), [false, true, true]);
  assertEquals(kept({ pool: { maxIdle: 256 } }), [true, true, true]);
  assertEquals(kept({ proxyProtocol: "v2" }), [false, true, true]);
  assertEquals(kept({ tls: { serverName: "a" } }), [false, false, true]);
  assertEquals(kept({ health: {} }), [true, false, true]);
  assertEquals(kept({ ejection: false }), [true, false, true]);
  assertEquals(kept({ slowStart: 1 }), [true, false, true]);
  assertEquals(kept({ policy: { type: "hash" } }), [true, true, true]);
  assertEquals(kept({ policy: "first" }), [true, true, false]);
});

Deno.test("a diff names what stays, changes, comes and goes", () => {
  const before: BalancerConfig = {
    routes: [
      { name: "stays", upstream: "app" },
      { name: "changes", upstream: "app" },
      { name: "goes", upstream: "gone" },
    ],
    upstreams: {
      app: { backends: ["a:1", { address: "b:1", weight: 1 }, "c:1"] },
      same: { backends: ["a:1"] },
      gone: { backends: ["a:1"] },
    },
  };
  const after: BalancerConfig = {
    routes: [
      { name: "comes", upstream: "new" },
      { name: "changes", upstream: "app", prefix: "/a" },
      { name: "stays", upstream: "app" },
    ],
    upstreams: {
      same: { backends: ["a:1"] },
      app: { backends: ["a:1", { address: "b:1", weight: 2 }, "d:1"] },
      new: { backends: ["a:1"] },
    },
  };
  const none = { same: [], changed: [], added: [], removed: [] };
  assertEquals(diffSettings(resolveConfig(before), resolveConfig(after)), {
    routes: {
      same: ["stays"],
      changed: ["changes"],
      added: ["comes"],
      removed: ["goes"],
    },
    upstreams: {
      same: ["same"],
      changed: ["app"],
      added: ["new"],
      removed: ["gone"],
    },
    backends: new Map([
      ["same", { ...none, same: ["a:1"] }],
      ["app", {
        same: ["a:1"],
        changed: ["b:1"],
        added: ["d:1"],
        removed: ["c:1"],
      }],
      ["new", { ...none, added: ["a:1"] }],
      ["gone", { ...none, removed: ["a:1"] }],
    ]),
  });
});
