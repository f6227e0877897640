import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { formatPath } from "./_report.ts";
import { validateConfig } from "./validate.ts";

/** What is found, as `path: message`. */
function findings(config: unknown): string[] {
  return validateConfig(config).map(({ path, message }) =>
    `${formatPath(path)}: ${message}`
  );
}

/** A configuration with one route; what is wrong in it is in no type. */
const withRoute = (route: unknown) => ({
  routes: [{ upstream: "app", ...route as object }],
  upstreams: { app: { backends: ["127.0.0.1:80"] } },
});

/** A configuration with one upstream. */
const withUpstream = (upstream: unknown) => ({
  routes: [],
  upstreams: { app: { backends: [], ...upstream as object } },
});

const withProgram = (rest: unknown) => ({ routes: [], ...rest as object });

const GOOD: Record<string, unknown> = {
  "no routes": { routes: [] },
  "an upstream without backends, for the admin API": withUpstream({}),
  "a route by name": withRoute({}),
  "a route with an upstream of its own": withRoute({
    upstream: { backends: ["a:1", { address: "b:1", id: "b", weight: 0 }] },
  }),
  "a split with a weight of 0": withRoute({
    upstream: undefined,
    split: [{ upstream: "app", weight: 1 }, { upstream: "app", weight: 0 }],
  }),
  "hosts": withRoute({
    hosts: ["example.com", "*.Example.com", "127.0.0.1", "[::1]", "::1"],
  }),
  "a prefix with what is data": withRoute({ prefix: "/a%2Fb//c/" }),
  "no time-out": withRoute({ timeouts: { head: Infinity } }),
  "rules": withRoute({
    requestFields: { remove: ["Cookie"], set: { "X-A": "1" }, add: {} },
  }),
  "a policy's name": withUpstream({ policy: "p2c" }),
  "a policy's options": withUpstream({
    policy: { type: "hash", by: "cookie:id", loadFactor: 1.5 },
  }),
  "a policy that is a function": withUpstream({ policy: () => undefined }),
  "no ejection": withUpstream({ ejection: false }),
  "no WebSocket": withRoute({ websocket: false }),
  "trusted proxies": withProgram({
    trustedProxies: ["10.0.0.0/8", "::1", "fd00::/8", "unix:"],
  }),
  "what a program needs": withProgram({
    listen: { hostname: "::", port: 0, certFile: "a.pem", keyFile: "b.pem" },
    admin: { port: 9000, tokenFile: "token" },
    accessLog: { format: "json", file: "-" },
    workers: 2,
  }),
};

for (const [what, config] of Object.entries(GOOD)) {
  Deno.test(`a configuration may have ${what}`, () => {
    assertEquals(findings(config), []);
  });
}

const BAD: [config: unknown, ...expected: string[]][] = [
  // Kinds of values.
  [undefined, ": Cannot use undefined: expected an object"],
  [[], ": Cannot use a list: expected an object"],
  [{}, ': Cannot do without "routes": expected a list of routes'],
  [
    { routes: null },
    "routes: Cannot use null: expected a list of routes",
  ],
  [
    { routes: ["/"] },
    'routes[0]: Cannot use "/": expected an object',
  ],
  [
    withProgram({ upstreams: { "my app": [] } }),
    'upstreams["my app"]: Cannot use a list: expected an object',
  ],
  [
    withProgram({ drainRate: "100" }),
    'drainRate: Cannot use "100": expected a number above 0',
  ],
  [
    withProgram({ workers: NaN }),
    "workers: Cannot use NaN: expected a whole number of at least 1",
  ],
  [
    withProgram({ via: true }),
    "via: Cannot use true: expected a text, or false",
  ],
  // Options that are unknown, or missing.
  [
    withRoute({ prefx: "/" }),
    'routes[0].prefx: Cannot use the unknown option "prefx": did you mean "prefix"?',
  ],
  [
    withProgram({ upstreams: { app: { backends: [], tls: { ca: "" } } } }),
    'upstreams.app.tls.ca: Cannot use the unknown option "ca": ' +
    'expected one of "serverName", "caCerts"',
  ],
  [
    withProgram({ listen: JSON.parse('{"__proto__": 1, "toString": 1}') }),
    'listen.__proto__: Cannot use the unknown option "__proto__": did you mean "port"?',
    'listen.toString: Cannot use the unknown option "toString": expected one of ' +
    '"hostname", "port", "certFile", "keyFile", "proxyProtocol", "limits"',
  ],
  [
    withUpstream({ backends: [{ id: "a" }] }),
    'upstreams.app.backends[0]: Cannot do without "address": expected a text',
  ],
  [
    withRoute({ rateLimit: {} }),
    'routes[0].rateLimit: Cannot do without "rate": expected a number above 0',
  ],
  // Ranges.
  [
    withUpstream({ panicThreshold: 1.5 }),
    "upstreams.app.panicThreshold: Cannot use 1.5: expected a number from 0 to 1",
  ],
  [
    withUpstream({ pool: { maxIdle: -1, maxQueue: 0.5, maxAge: 0 } }),
    "upstreams.app.pool.maxIdle: Cannot use -1: expected a whole number of at least 0",
    "upstreams.app.pool.maxAge: Cannot use 0: expected a number above 0",
    "upstreams.app.pool.maxQueue: Cannot use 0.5: expected a whole number of at least 0",
  ],
  [
    withUpstream({ slowStart: Infinity }),
    "upstreams.app.slowStart: Cannot use Infinity: expected a number of at least 0",
  ],
  [
    withRoute({ redirect: 304 }),
    "routes[0].redirect: Cannot use 304: expected one of 301, 302, 303, 307, 308",
  ],
  [
    withUpstream({ backends: [{ address: "a:1", weight: -1 }] }),
    "upstreams.app.backends[0].weight: Cannot use -1: expected a number from 0 to 1000000",
  ],
  [
    withRoute({ retries: { statuses: [503, 200] } }),
    "routes[0].retries.statuses[1]: Cannot use 200: " +
    "expected a whole number from 400 to 599",
  ],
  // Texts.
  [
    withRoute({ prefix: "api" }),
    'routes[0].prefix: Cannot use "api": expected a path that begins with "/"',
  ],
  [
    withRoute({ prefix: "/api?a" }),
    'routes[0].prefix: Cannot use "/api?a": expected a path without "?" and "#"',
  ],
  [
    withRoute({ prefix: "/a/../b" }),
    'routes[0].prefix: Cannot use "/a/../b": expected "/b"',
  ],
  [
    withRoute({ prefix: "/%7euser" }),
    'routes[0].prefix: Cannot use "/%7euser": expected "/~user"',
  ],
  [
    withRoute({ replacement: "new" }),
    'routes[0].replacement: Cannot use "new": expected a path that begins with "/"',
  ],
  [
    withRoute({ hosts: ["example.com:80", "*", "*.", "a.*.b"] }),
    ...["example.com:80", "*", "*.", "a.*.b"].map((host, i) =>
      `routes[0].hosts[${i}]: Cannot use "${host}": ` +
      'expected "example.com", "*.example.com" or an address, without a port'
    ),
  ],
  [
    withRoute({ host: "a\r\nX: 1" }),
    'routes[0].host: Cannot use "a\\r\\nX: 1": expected a host, with or without a port',
  ],
  [
    withProgram({ via: "a, b" }),
    'via: Cannot use "a, b": expected a token, with or without a port',
  ],
  [
    withRoute({ rateLimit: { rate: 1, by: "cookie:id" } }),
    'routes[0].rateLimit.by: Cannot use "cookie:id": expected "address" or "header:NAME"',
  ],
  [
    withUpstream({ policy: { type: "hash", by: "header:" } }),
    'upstreams.app.policy.by: Cannot use "header:": ' +
    'expected "address", "header:NAME" or "cookie:NAME"',
  ],
  [
    withProgram({ trustedProxies: ["10.0.0.0/33", "localhost"] }),
    'trustedProxies[0]: Cannot use "10.0.0.0/33": ' +
    'expected an address, a range such as "10.0.0.0/8", or "unix:"',
    'trustedProxies[1]: Cannot use "localhost": ' +
    'expected an address, a range such as "10.0.0.0/8", or "unix:"',
  ],
  [
    withUpstream({ tls: { caCerts: ["ca.pem"] } }),
    'upstreams.app.tls.caCerts[0]: Cannot use "ca.pem": ' +
    'expected PEM with "-----BEGIN CERTIFICATE-----"',
  ],
  // Field rules.
  [
    withRoute({ requestFields: { set: { Host: "a", "a b": "c" } } }),
    'routes[0].requestFields.set.Host: Cannot use the name "Host": ' +
    'expected the option "host" in place of a rule',
    'routes[0].requestFields.set["a b"]: Cannot use the name "a b": ' +
    "expected the name of a field that does not belong to the connection",
  ],
  [
    withRoute({ responseFields: { remove: ["Content-Length"] } }),
    'routes[0].responseFields.remove[0]: Cannot use "Content-Length": ' +
    "expected the name of a field that does not belong to the connection",
  ],
  [
    withRoute({ requestFields: { add: { "X-A": "1\n2" } } }),
    'routes[0].requestFields.add["X-A"]: Cannot use "1\\n2": ' +
    "expected no control characters and none beyond Latin-1",
  ],
  [
    withRoute({ requestFields: { set: { "X-A": "1", "x-a": "2" } } }),
    'routes[0].requestFields: Cannot use a rule for the field "x-a": ' +
    "it is set more than once",
  ],
  // Policies.
  [
    withUpstream({ policy: "robin" }),
    'upstreams.app.policy: Cannot use "robin": expected one of "round_robin", ' +
    '"weighted", "least_connections", "p2c", "hash", "first", "sticky", ' +
    'or an object with a "type"',
  ],
  [
    withUpstream({ policy: { by: "address" } }),
    'upstreams.app.policy: Cannot do without "type": expected one of ' +
    '"round_robin", "weighted", "least_connections", "p2c", "first", "hash", "sticky"',
  ],
  [
    withUpstream({ policy: { type: "toString" } }),
    'upstreams.app.policy.type: Cannot use "toString": expected one of ' +
    '"round_robin", "weighted", "least_connections", "p2c", "first", "hash", "sticky"',
  ],
  [
    withUpstream({ policy: { type: "first", by: "address" } }),
    'upstreams.app.policy.by: Cannot use the unknown option "by": expected "type"',
  ],
  [
    withUpstream({ policy: { type: "sticky", fallback: "sticky" } }),
    'upstreams.app.policy.fallback: Cannot use "sticky": expected one of ' +
    '"round_robin", "weighted", "least_connections", "p2c", "hash", "first"',
  ],
  // What does not go together.
  [
    withRoute({ upstream: "ap" }),
    'routes[0].upstream: Cannot use "ap": expected one of the upstreams "app"',
  ],
  [
    { routes: [{ upstream: "toString" }] },
    'routes[0].upstream: Cannot use "toString": expected a name that is in "upstreams"',
  ],
  [
    withRoute({ upstream: undefined }),
    'routes[0]: Cannot do without "upstream" and "split": expected one of them',
  ],
  [
    withRoute({ split: [] }),
    'routes[0]: Cannot use both "upstream" and "split": expected one of them',
  ],
  [
    withRoute({
      upstream: undefined,
      split: [{ upstream: "app", weight: 0 }, { upstream: "no", weight: 0 }],
    }),
    'routes[0].split[1].upstream: Cannot use "no": expected one of the upstreams "app"',
    "routes[0].split: Cannot use a list: expected a weight above 0 in it",
  ],
  [
    withUpstream({ backends: ["a:1", { address: "b:1", id: "a:1" }] }),
    'upstreams.app.backends[1]: Cannot use "a:1": ' +
    'expected each backend once, or with an "id" of its own',
  ],
  [
    withRoute({ upstream: { backends: ["a:1", "a:1"] } }),
    'routes[0].upstream.backends[1]: Cannot use "a:1": ' +
    'expected each backend once, or with an "id" of its own',
  ],
  [
    withUpstream({ ejection: { baseTime: 120_000 } }),
    'upstreams.app.ejection: Cannot use "maxTime" 60000: ' +
    'expected no less than "baseTime", 120000',
  ],
  [
    {
      routes: ["a", "b", "a"].map((name) => ({
        name,
        upstream: { backends: [] },
      })),
    },
    'routes[2].name: Cannot use "a": expected each name once',
  ],
  [
    withRoute({ redirect: 302, upstream: { backends: ["unix:/a"] } }),
    "routes[0].redirect: Cannot use 302: expected no Unix sockets as backends",
  ],
  [
    withProgram({ listen: { keyFile: "key.pem" } }),
    'listen: Cannot use "keyFile" alone: expected "certFile", too',
  ],
  [
    withProgram({ admin: { port: 9000 } }),
    'admin: Cannot do without "token" and "tokenFile": expected one of them',
  ],
  [
    withProgram({ admin: { port: 9000, token: "a", tokenFile: "b" } }),
    'admin: Cannot use both "token" and "tokenFile": expected one of them',
  ],
];

for (const [config, ...expected] of BAD) {
  Deno.test(`a configuration is refused: ${expected[0]}`, () => {
    assertEquals(findings(config), expected);
  });
}

Deno.test("a wrong part does not hide what is wrong in another", () => {
  const config = {
    routes: [{ upstream: "no" }, { upstream: "app", prefix: 1 }],
    upstreams: { app: { backends: [1] }, other: { backends: ["a:1", "a:1"] } },
  };
  assertEquals(findings(config), [
    "routes[1].prefix: Cannot use 1: expected a text",
    `upstreams.app.backends[0]: Cannot use 1: expected a text, or an object`,
    'upstreams.other.backends[1]: Cannot use "a:1": ' +
    'expected each backend once, or with an "id" of its own',
    'routes[0].upstream: Cannot use "no": ' +
    'expected one of the upstreams "app", "other"',
  ]);
});

Deno.test("no value makes the check itself fail", () => {
  // Names of options now and then, so that it gets further than to the first.
  const keys = [
    ..."routes upstreams upstream backends split weight redirect admin".split(
      " ",
    ),
    ..."listen policy type ejection requestFields set websocket via".split(" "),
  ];
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom(
        "",
        "app",
        "/",
        0,
        302,
        -1,
        null,
        true,
        undefined,
        "hash",
      ),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 5 }),
    ),
  }));
  fc.assert(fc.property(value, (config) => {
    validateConfig(config);
    validateConfig({ routes: [config], upstreams: { app: config } });
  }));
});
