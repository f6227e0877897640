import { assert, assertEquals, assertThrows } from "@std/assert";
import type { BalancerConfig } from "./config.ts";
import { ConfigError } from "./config_error.ts";
import { resolveBackend, resolveConfig } from "./resolve.ts";

const app = { backends: ["127.0.0.1:80"] };

/** The settings of a configuration that has everything but no option set. */
function plainSettings() {
  const settings = resolveConfig({
    routes: [{
      upstream: { ...app, health: {} },
      websocket: {},
      rateLimit: { rate: 50 },
    }],
  });
  const [route] = settings.routes;
  const [upstream] = settings.upstreams;
  assert(route !== undefined && upstream !== undefined);
  return { settings, route, upstream };
}

/** By the names of the types in `config.ts`. */
function settingsByType(): Record<string, object> {
  const { settings, route, upstream } = plainSettings();
  const { rateLimit, websocket } = route;
  const { health, ejection } = upstream;
  assert(rateLimit && websocket && health && ejection);
  return {
    BalancerConfig: settings,
    RouteConfig: { ...route, websocket: true },
    TimeoutConfig: route.timeouts,
    RetryConfig: route.retries,
    RateLimitConfig: rateLimit,
    WebSocketRules: websocket,
    UpstreamConfig: { ...upstream, ejection: {}, policy: "round_robin" },
    BackendConfig: upstream.backends[0]!,
    PoolConfig: upstream.pool,
    HealthCheckConfig: health,
    EjectionConfig: ejection,
    RetryBudgetConfig: upstream.retryBudget,
  };
}

/** Each `@default {...}` of an option of an interface in `config.ts`. */
async function documentedDefaults(): Promise<[string, string, string][]> {
  const source = await Deno.readTextFile(
    new URL("config.ts", import.meta.url),
  );
  const found: [string, string, string][] = [];
  for (const part of source.split(/^export interface /m).slice(1)) {
    const [body = ""] = part.split(/^}/m);
    const type = /^\w+/.exec(part)![0];
    for (const [comment] of body.matchAll(/\/\*\*(?:(?!\*\/).)*\*\/\s+\w+/gs)) {
      const text = /@default \{(\{\}|[^}]*)\}/.exec(comment)?.[1];
      const option = /\w+$/.exec(comment)![0];
      if (text !== undefined) found.push([type, option, text]);
    }
  }
  return found;
}

Deno.test("every documented default is the one that is filled in", async () => {
  const byType = settingsByType();
  const checked = new Set<string>();
  for (const [type, option, text] of await documentedDefaults()) {
    const value = text === "Infinity"
      ? Infinity
      : text === "rate"
      ? 50
      : JSON.parse(text);
    const settings = byType[type] as Record<string, unknown> | undefined;
    assertEquals(settings?.[option], value, `${type}.${option}`);
    checked.add(type);
  }
  assertEquals([...checked], Object.keys(byType));
});

Deno.test("what is not set and has no default is undefined", () => {
  const { route, upstream } = plainSettings();
  assertEquals(route.replacement, undefined);
  assertEquals(route.redirect, undefined);
  assertEquals(upstream.health?.path, undefined);
  assertEquals(upstream.proxyProtocol, undefined);
  const { routes, upstreams } = resolveConfig({
    routes: [{ upstream: "app" }],
    upstreams: { app },
  });
  assertEquals(routes[0]?.rateLimit, undefined);
  assertEquals(upstreams[0]?.health, undefined);
});

Deno.test("what is set stays as it is", () => {
  const policy = () => undefined;
  const { routes, upstreams, via } = resolveConfig({
    via: false,
    routes: [{
      hosts: ["Example.COM"],
      upstream: "app",
      timeouts: { head: 5 },
      retries: { statuses: [503] },
      websocket: false,
    }],
    upstreams: {
      app: {
        backends: ["https://[::1]:443", {
          address: "unix:/a",
          id: "a",
          weight: 2,
        }],
        policy,
        pool: { maxIdle: 0 },
        ejection: false,
      },
    },
  });
  assertEquals(via, false);
  assertEquals(routes[0]?.hosts, ["example.com"]);
  assertEquals(routes[0]?.timeouts, {
    head: 5,
    body: 60_000,
    websocket: 3_600_000,
    request: Infinity,
  });
  assertEquals(routes[0]?.retries.statuses, [503]);
  assertEquals(routes[0]?.websocket, false);
  assertEquals(upstreams[0]?.policy, policy);
  assertEquals(upstreams[0]?.pool.maxIdle, 0);
  assertEquals(upstreams[0]?.ejection, false);
  assertEquals(upstreams[0]?.backends, [
    {
      id: "https://[::1]:443",
      address: "https://[::1]:443",
      weight: 1,
      endpoint: { hostname: "::1", port: 443, tls: true },
    },
    { id: "a", address: "unix:/a", weight: 2, endpoint: { path: "/a" } },
  ]);
});

Deno.test("frames are looked into where rules are given, even without any", () => {
  const inspected = ([true, {}, { maxFrame: 1 }] as const).map((websocket) => {
    const [route] =
      resolveConfig({ routes: [{ upstream: app, websocket }] }).routes;
    return route?.websocket && route.websocket.inspect;
  });
  assertEquals(inspected, [false, true, true]);
});

Deno.test("a bucket holds one request at least", () => {
  const [route] = resolveConfig({
    routes: [{ upstream: app, rateLimit: { rate: 0.1 } }],
  }).routes;
  assertEquals(route?.rateLimit, { rate: 0.1, burst: 1, by: "address" });
});

Deno.test("routes without a name are called by their hosts and prefix, each its own", () => {
  const { routes } = resolveConfig({
    routes: [
      { upstream: app },
      { upstream: app },
      { upstream: app, hosts: ["A.com", "*.b.com"], prefix: "/api" },
      { upstream: app, name: "/x" },
      { upstream: app, prefix: "/x" },
    ],
  });
  assertEquals(routes.map(({ name }) => name), [
    "/",
    "/ #2",
    "a.com,*.b.com/api",
    "/x",
    "/x #2",
  ]);
});

Deno.test("an upstream of a route's own has the route's name, unless that is taken", () => {
  const { routes, upstreams } = resolveConfig({
    routes: [
      { name: "app", upstream: app },
      { name: "other", upstream: app },
      { name: "named", upstream: "app" },
    ],
    upstreams: { app, unused: app },
  });
  assertEquals(routes.map(({ targets }) => targets[0]?.upstream), [
    "app #2",
    "other",
    "app",
  ]);
  assertEquals(upstreams.map(({ name }) => name), [
    "app",
    "unused",
    "app #2",
    "other",
  ]);
});

Deno.test("the parts of a split are the route's targets", () => {
  const split = [{ upstream: "a", weight: 95 }, { upstream: "b", weight: 5 }];
  const { routes } = resolveConfig({
    routes: [{ split }],
    upstreams: { a: app, b: app },
  });
  assertEquals(routes[0]?.targets, split);
});

Deno.test("settings share nothing with the configuration, nor with each other", () => {
  const statuses = [503];
  const config: BalancerConfig = {
    routes: [{ upstream: app, retries: { statuses } }, {
      upstream: app,
      websocket: {},
    }],
  };
  const settings = resolveConfig(config);
  const before = JSON.stringify(settings);
  statuses.push(504);
  app.backends.push("b:1");
  assertEquals(JSON.stringify(settings), before);
  app.backends.pop();
  const websocket = settings.routes[1]?.websocket;
  assert(websocket);
  websocket.failureCodes.push(1000);
  const again = resolveConfig(config).routes[1]?.websocket;
  assertEquals(again && again.failureCodes, [1011, 1012, 1013, 1014]);
});

Deno.test("a wrong configuration is refused with all that is wrong", () => {
  const error = assertThrows(
    () => resolveConfig({ routes: [{}], drainRate: 0 }),
    ConfigError,
  );
  assertEquals(error.problems, [
    {
      path: "drainRate",
      message: "Cannot use 0: expected a number above 0",
    },
    {
      path: "routes[0]",
      message: 'Cannot do without "upstream" and "split": expected one of them',
    },
  ]);
});

Deno.test("a backend that comes by itself is checked as others are", () => {
  assertEquals(resolveBackend("a:1"), {
    id: "a:1",
    address: "a:1",
    weight: 1,
    endpoint: { hostname: "a", port: 1, tls: false },
  });
  const error = assertThrows(
    () => resolveBackend({ address: "a", weight: -1 }),
    ConfigError,
  );
  assertEquals(error.problems.map(({ path }) => path), ["address", "weight"]);
});
