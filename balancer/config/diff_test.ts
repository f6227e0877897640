import { assertEquals } from "@std/assert";
import type { UpstreamConfig } from "./config.ts";
import { sameBackend, sameChecks, samePolicy, sameSettings } from "./diff.ts";
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
  const policy = () => undefined;
  const cases: [Partial<UpstreamConfig>, checks: boolean, policy: boolean][] = [
    [{}, true, true],
    [{ pool: { maxIdle: 1 } }, true, true],
    [{ proxyProtocol: "v1" }, false, true],
    [{ tls: { serverName: "a" } }, false, true],
    [{ health: { path: "/" } }, false, true],
    [{ policy: "first" }, true, false],
    [{ policy }, true, false],
  ];
  for (const [options, checks, policy] of cases) {
    const [before, after] = [upstream(), upstream(options)];
    assertEquals(sameChecks(before, after), checks, JSON.stringify(options));
    assertEquals(samePolicy(before, after), policy, JSON.stringify(options));
  }
});
