import { assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { type RouteMatch, RouteTable } from "./route_table.ts";

function route(name: string, prefix: string, ...hosts: string[]): RouteMatch {
  return { name, prefix, hosts };
}

/** Routes, and which of them a host and path lead to. */
const CASES: [
  what: string,
  routes: RouteMatch[],
  finds: [host: string, path: string, name: string | undefined][],
][] = [
  ["a prefix covers itself and what is below it", [route("api", "/api")], [
    ["a", "/api", "api"],
    ["a", "/api/", "api"],
    ["a", "/api/x", "api"],
    ["a", "/apix", undefined],
    ["a", "/ap", undefined],
    ["a", "/", undefined],
    ["a", "/API", undefined],
    ["a", "/x/api", undefined],
    ["a", "//api", undefined],
  ]],
  ["a prefix with a slash covers only what is below it", [
    route("api", "/api/"),
  ], [
    ["a", "/api/", "api"],
    ["a", "/api/x", "api"],
    ["a", "/api//x", "api"],
    ["a", "/api", undefined],
    ["a", "/apix", undefined],
  ]],
  ["the root covers everything, also *", [route("root", "/")], [
    ["a", "/", "root"],
    ["a", "/x/y", "root"],
    ["a", "//", "root"],
    ["a", "*", "root"],
    ["", "/x", "root"],
  ]],
  ["* is covered by nothing but the root", [
    route("star", "/*"),
    route("x", "/x"),
  ], [["a", "*", undefined]]],
  ["the longest prefix wins", [
    route("root", "/"),
    route("a", "/a"),
    route("a/", "/a/"),
    route("ab", "/a/b"),
  ], [
    ["h", "/a", "a"],
    ["h", "/a/", "a/"],
    ["h", "/a/bc", "a/"],
    ["h", "/a/b", "ab"],
    ["h", "/a/b/c", "ab"],
    ["h", "/b", "root"],
  ]],
  ["the first wins among equals", [
    route("one", "/"),
    route("two", "/"),
    route("three", "/", "h"),
    route("four", "/", "h"),
  ], [["a", "/", "one"], ["h", "/", "three"]]],
  ["hosts are found without port, in any case, without the last dot", [
    route("a", "/", "a.example"),
  ], [
    ["a.example", "/", "a"],
    ["A.Example", "/", "a"],
    ["a.example:8080", "/", "a"],
    ["a.example:", "/", "a"],
    ["a.example.", "/", "a"],
    ["A.EXAMPLE.:80", "/", "a"],
    ["a.example..", "/", undefined],
    ["b.a.example", "/", undefined],
    ["example", "/", undefined],
    ["", "/", undefined],
  ]],
  ["IPv6 addresses are hosts, with brackets and without", [
    route("six", "/", "[::1]"),
    route("bare", "/", "2001:DB8::2"),
    route("four", "/", "127.0.0.1"),
  ], [
    ["[::1]", "/", "six"],
    ["[::1]:80", "/", "six"],
    ["[2001:db8::2]:80", "/", "bare"],
    ["127.0.0.1:80", "/", "four"],
    ["[::2]", "/", undefined],
    ["[::1", "/", undefined],
  ]],
  ["a wildcard is for all names below it", [route("w", "/", "*.a.example")], [
    ["b.a.example", "/", "w"],
    ["c.b.a.example:80", "/", "w"],
    ["B.A.EXAMPLE.", "/", "w"],
    ["a.example", "/", undefined],
    [".a.example", "/", undefined],
    ["ba.example", "/", undefined],
    ["b.a.example.org", "/", undefined],
  ]],
  ["exact hosts go before wildcards, longer before shorter, all others last", [
    route("any", "/"),
    route("short", "/", "*.example"),
    route("long", "/", "*.a.example"),
    route("exact", "/", "b.a.example"),
  ], [
    ["b.a.example", "/", "exact"],
    ["c.a.example", "/", "long"],
    ["a.example", "/", "short"],
    ["example", "/", "any"],
  ]],
  ["a host without a route for the path leaves it to the next", [
    route("any", "/any"),
    route("short", "/short", "*.example"),
    route("long", "/long", "*.a.example"),
    route("exact", "/exact", "b.a.example"),
  ], [
    ["b.a.example", "/exact", "exact"],
    ["b.a.example", "/long", "long"],
    ["b.a.example", "/short", "short"],
    ["b.a.example", "/any", "any"],
    ["b.a.example", "/x", undefined],
    ["c.a.example", "/exact", undefined],
  ]],
  ["a better host wins over a longer prefix", [
    route("any", "/a/b/c"),
    route("exact", "/a", "h"),
  ], [["h", "/a/b/c", "exact"], ["i", "/a/b/c", "any"]]],
  ["a route may have several hosts, and one of them twice", [
    route("r", "/", "a.example", "A.example", "*.b.example"),
    route("s", "/", "a.example"),
  ], [
    ["a.example", "/", "r"],
    ["x.b.example", "/", "r"],
    ["b.example", "/", undefined],
  ]],
  ["an empty table has no route", [], [["a", "/", undefined]]],
];

for (const [what, routes, finds] of CASES) {
  Deno.test(`RouteTable: ${what}`, () => {
    const table = new RouteTable(routes);
    for (const [host, path, name] of finds) {
      const label = `${host} ${path}`;
      assertEquals(table.find(host, path)?.name, name, label);
      assertEquals(table.find(host, path)?.name, name, `${label} again`);
      assertEquals(table.explain(host, path).route, name, label);
    }
  });
}

Deno.test("RouteTable gives the route itself", () => {
  const only = route("only", "/");
  assertStrictEquals(new RouteTable([only]).find("a", "/x"), only);
});

Deno.test("RouteTable answers for more hosts than it remembers", () => {
  const table = new RouteTable([
    route("any", "/"),
    route("w", "/", "*.example"),
  ]);
  for (let i = 0; i < 3000; i++) {
    assertEquals(table.find(`h${i}.example`, "/")?.name, "w");
    assertEquals(table.find(`h${i}.test`, "/")?.name, "any");
  }
});

Deno.test("RouteTable takes a host that is too long for a name as any host", () => {
  const table = new RouteTable([
    route("any", "/"),
    route("w", "/", "*.example"),
  ]);
  assertEquals(table.find("a.".repeat(100) + "example", "/")?.name, "w");
  assertEquals(table.find("a.".repeat(20_000) + "example", "/")?.name, "any");
});

Deno.test("RouteTable finds what a look at all routes finds", () => {
  const label = fc.constantFrom("a", "b", "example");
  const name = fc.array(label, { minLength: 1, maxLength: 3 })
    .map((labels) => labels.join("."));
  const pattern = fc.tuple(fc.constantFrom("", "*."), name)
    .map(([star, rest]) => star + rest);
  const path = fc.array(fc.constantFrom("", "a", "b", "ab"), {
    minLength: 1,
    maxLength: 4,
  }).map((segments) => "/" + segments.join("/"));
  const routes = fc.array(
    fc.record({ hosts: fc.array(pattern, { maxLength: 2 }), prefix: path }),
    { maxLength: 12 },
  ).map((list) => list.map((each, i) => ({ ...each, name: `r${i}` })));
  fc.assert(fc.property(routes, name, path, (routes, host, path) => {
    const table = new RouteTable(routes);
    const expected = look(routes, host, path);
    assertStrictEquals(table.find(host, path), expected);
    assertEquals(table.explain(host, path).route, expected?.name);
  }));
});

/** The rule as one says it: rank every route that matches, take the best. */
function look(
  routes: RouteMatch[],
  host: string,
  path: string,
): RouteMatch | undefined {
  const rank = (pattern: string) => {
    if (pattern === host) return 1000;
    const below = pattern.startsWith("*.") && host.endsWith(pattern.slice(1));
    return below ? pattern.length : -1;
  };
  let best: RouteMatch | undefined;
  let bestRank = [-1, -1];
  for (const route of routes) {
    const { prefix, hosts } = route;
    const end = prefix.endsWith("/") ? prefix : prefix + "/";
    if (path !== prefix && !path.startsWith(end)) continue;
    const hostRank = hosts.length === 0 ? 0 : Math.max(...hosts.map(rank));
    if (hostRank < 0) continue;
    const [bestHost = -1, bestLength = -1] = bestRank;
    if (
      hostRank > bestHost ||
      hostRank === bestHost && prefix.length > bestLength
    ) {
      best = route;
      bestRank = [hostRank, prefix.length];
    }
  }
  return best;
}

Deno.test("RouteTable.explain says what was tried and why the winner won", () => {
  const table = new RouteTable([
    route("root", "/"),
    route("spare", "/"),
    route("deep", "/x/y"),
    route("wild", "/w", "*.example"),
    route("exact", "/api", "a.example"),
  ]);
  assertEquals(table.explain("A.example:80", "/x"), {
    route: "root",
    steps: [
      'The host "A.example:80" is looked up as "a.example"',
      'Routes for the host "a.example" are tried first',
      '"/api" of route "exact" does not cover "/x"',
      'Routes for hosts that match "*.example" are tried next',
      '"/w" of route "wild" does not cover "/x"',
      "Routes for any host are tried next",
      '"/x/y" of route "deep" does not cover "/x"',
      '"/" of route "root" is the longest prefix that covers "/x"',
      'Route "spare" has the same prefix, but comes later',
    ],
  });
  assertEquals(table.explain("a.example", "/api/x"), {
    route: "exact",
    steps: [
      'The host is "a.example"',
      'Routes for the host "a.example" are tried first',
      '"/api" of route "exact" is the longest prefix that covers "/api/x"',
    ],
  });
});

Deno.test("RouteTable.explain says that there is no route", () => {
  const table = new RouteTable([route("exact", "/", "a.example")]);
  assertEquals(table.explain("b.example", "/x").steps, [
    'The host is "b.example"',
    'No route is for "/x" at this host',
  ]);
  assertEquals(table.explain("", "*").steps, [
    "The request names no host",
    'No route is for "*" at this host',
  ]);
});
