// Where requests go, and what is done to their heads on the way.

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { Bench, type BenchOptions } from "../balancer_test_util.ts";
import {
  field,
  names,
  readResponse,
  request,
  respond,
  statusOf,
} from "./proxy_test_util.ts";

const at = (host: string, target: string, method = "GET") =>
  `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

Deno.test("round robin alternates exactly", async () => {
  await using t = new Bench();
  const bodies: string[] = [];
  for (let i = 0; i < 4; i++) {
    bodies.push(readResponse(await t.ask(request())).body);
  }
  assertEquals(bodies, ["a", "b", "a", "b"]);
});

/** A route for a host, one for a wildcard, one for a path, one for the rest. */
const hosts = (options: BenchOptions = {}) =>
  new Bench({
    backends: 4,
    config: ([a, b, c, d]) => ({
      upstreams: {
        exact: { backends: [a!] },
        wild: { backends: [b!] },
        api: { backends: [c!] },
        rest: { backends: [d!] },
      },
      routes: [
        { upstream: "rest" },
        { upstream: "api", prefix: "/api" },
        { upstream: "wild", hosts: ["*.example.com"] },
        { upstream: "exact", hosts: ["www.example.com"] },
      ],
    }),
    ...options,
  });

for (
  const [host, target, expected] of [
    ["www.example.com", "/", "a"],
    ["WWW.EXAMPLE.COM:8080", "/api", "a"],
    ["other.example.com", "/", "b"],
    ["a.b.example.com", "/api", "b"],
    ["example.com", "/", "d"],
    ["example.org", "/api", "c"],
    ["example.org", "/api/", "c"],
    ["example.org", "/api?x", "c"],
    ["example.org", "/apis", "d"],
    ["example.org", "/%61pi/x", "c"],
    ["example.org", "/x/../api", "c"],
    ["example.org", "http://www.example.com/api", "a"],
  ] as const
) {
  Deno.test(`${host} ${target} goes to ${expected}`, async () => {
    await using t = hosts();
    assertEquals(readResponse(await t.ask(at(host, target))).body, expected);
  });
}

Deno.test("what no route is for gets 404, with an id", async () => {
  await using t = new Bench({ route: { prefix: "/api" } });
  const client = t.client();
  const reply = readResponse(await client.ask(request("/other")));
  assertMatch(reply.start, / 404 Not Found$/);
  assertMatch(reply.body, /Request id: [0-9a-f]+\n$/);
  assertEquals(t.balancer.snapshot().unrouted, 1);
  assertEquals(t.record.route, undefined);
  assertEquals(t.record.outcome, "local");
  assertEquals(readResponse(await client.ask(request("/api"))).body, "a");
});

Deno.test("the body of a request that is refused is not the next request", async () => {
  await using t = new Bench({ route: { prefix: "/api" } });
  const client = t.client();
  const inner = request("/api");
  const head = request("/", `Content-Length: ${inner.length}\r\n`, "POST");
  const got = await client.ask(head + inner + request("/api/2"));
  assertEquals(statusOf(got), 404);
  assertEquals(t.a.requests.concat(t.b.requests).map(({ start }) => start), [
    "GET /api/2 HTTP/1.1",
  ]);
});

Deno.test("TRACE gets 405, and is told what is allowed", async () => {
  await using t = new Bench({ backends: 1 });
  const reply = readResponse(await t.ask(request("/", "", "TRACE")));
  assertMatch(reply.start, / 405 /);
  assertMatch(field(reply, "allow") ?? "", /^GET, HEAD, .*OPTIONS$/);
  assertEquals(t.a.requests.length, 0);
});

Deno.test("OPTIONS counts Max-Forwards down", async () => {
  await using t = new Bench({ backends: 1 });
  const options = async (hops: string) => {
    const sent = request("*", `Max-Forwards: ${hops}\r\n`, "OPTIONS");
    const reply = readResponse(await t.ask(sent));
    return [statusOf(reply.start), field(reply, "allow") !== undefined];
  };
  assertEquals(await options("2"), [200, false]);
  assertEquals(field(t.a.requests[0]!, "max-forwards"), "1");
  assertEquals(t.a.requests[0]!.start, "OPTIONS * HTTP/1.1");
  // What is no number says nothing.
  assertEquals(await options("1e3"), [200, false]);
  assertEquals(field(t.a.requests[1]!, "max-forwards"), "1e3");
});

Deno.test("OPTIONS with Max-Forwards 0 is answered by the balancer", async () => {
  await using t = new Bench({ backends: 1 });
  const sent = request("*", "Max-Forwards: 0\r\n", "OPTIONS");
  const reply = readResponse(await t.ask(sent));
  assertMatch(reply.start, / 204 /);
  assertMatch(field(reply, "allow") ?? "", /^GET, HEAD, /);
  assertEquals(t.a.requests.length, 0);
});

Deno.test("a prefix is exchanged on the way there and back", async () => {
  await using t = new Bench({
    backends: 1,
    route: { prefix: "/shop", replacement: "/v2" },
  });
  t.a.answer = () =>
    respond(
      "",
      302,
      "Location: /v2/cart?x=1\r\nContent-Location: http://127.0.0.1:9001/v2\r\n" +
        "Set-Cookie: a=1; Path=/v2; Domain=127.0.0.1\r\nSet-Cookie: b=2; Path=/v2/x; HttpOnly\r\n",
    );
  const reply = readResponse(await t.ask(request("/shop/item?q=%20")));
  assertEquals(t.a.requests[0]!.start, "GET /v2/item?q=%20 HTTP/1.1");
  assertEquals(field(reply, "location"), "/shop/cart?x=1");
  assertEquals(field(reply, "content-location"), "http://example.com/shop");
  assertEquals(
    field(reply, "set-cookie"),
    "a=1; Path=/shop; Domain=example.com, b=2; Path=/shop/x; HttpOnly",
  );
});

Deno.test("a redirect says where the backend is, and asks none", async () => {
  await using t = new Bench({
    route: { redirect: 302, prefix: "/a", replacement: "/b" },
  });
  const client = t.client();
  const locations: (string | undefined)[] = [];
  for (let i = 0; i < 3; i++) {
    const reply = readResponse(await client.ask(request("/a/x?y")));
    assertEquals(reply.start, "HTTP/1.1 302 Found");
    locations.push(field(reply, "location"));
  }
  assertEquals(locations, [
    "http://127.0.0.1:9001/b/x?y",
    "http://127.0.0.1:9002/b/x?y",
    "http://127.0.0.1:9001/b/x?y",
  ]);
  assertEquals(t.a.wires.length + t.b.wires.length, 0);
  assertEquals(t.record.outcome, "local");
  assertEquals(t.record.backend, t.a.address);
});

Deno.test("a redirect of a request with a body keeps the connection in step", async () => {
  await using t = new Bench({ route: { redirect: 307 } });
  const client = t.client();
  const got = await client.ask(
    request("/", "Content-Length: 3\r\n", "POST") + "abc" + request("/2"),
  );
  assertEquals(got.match(/Location: .*/g), [
    "Location: http://127.0.0.1:9001/",
    "Location: http://127.0.0.1:9002/2",
  ]);
});

for (
  const [host, expected] of [
    ["keep", "example.com"],
    ["backend", "127.0.0.1:9001"],
    ["internal.test", "internal.test"],
  ] as const
) {
  Deno.test(`with host "${host}" the backend gets ${expected}`, async () => {
    await using t = new Bench({ backends: 1, route: { host } });
    t.a.answer = () => respond("", 302, `Location: http://${expected}/x\r\n`);
    const reply = readResponse(await t.ask(request()));
    assertEquals(field(t.a.requests[0]!, "host"), expected);
    assertEquals(field(reply, "location"), "http://example.com/x");
  });
}

Deno.test("a retry has the Host of the backend that it goes to", async () => {
  await using t = new Bench({ route: { host: "backend" } });
  t.a.mode = "refusing";
  await t.ask(request());
  assertEquals(field(t.b.requests[0]!, "host"), t.b.address);
});

Deno.test("rules change fields both ways", async () => {
  const rules = {
    remove: ["X-Gone", "Server"],
    set: { "X-Set": "new" },
    add: { "X-Add": "more" },
  };
  await using t = new Bench({
    backends: 1,
    route: { requestFields: rules, responseFields: rules },
  });
  const fields = "x-gone: 1\r\nx-set: old\r\nX-Add: some\r\nServer: s\r\n";
  t.a.answer = () => respond("", 200, fields);
  const reply = readResponse(await t.ask(request("/", fields)));
  for (const message of [reply, t.a.requests[0]!]) {
    assertEquals(field(message, "x-gone"), undefined);
    assertEquals(field(message, "server"), undefined);
    assertEquals(field(message, "x-set"), "new");
    assertEquals(field(message, "x-add"), "some, more");
  }
});

Deno.test("a backend is told who the client is", async () => {
  await using t = new Bench({ backends: 1 });
  await t.ask(
    request("/", "X-Forwarded-For: 1.2.3.4\r\nForwarded: for=1.2.3.4\r\n"),
  );
  const [seen] = t.a.requests;
  assertEquals(names(seen!), [
    "host",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
  ]);
  assertEquals(field(seen!, "x-forwarded-for"), "10.0.0.1");
  assertEquals(field(seen!, "x-forwarded-host"), "example.com");
  assertEquals(field(seen!, "x-forwarded-proto"), "http");
  assertEquals(field(seen!, "via"), "1.1 meerkat");
});

Deno.test("what a trusted proxy says is believed", async () => {
  await using t = new Bench({
    backends: 1,
    common: { trustedProxies: ["10.0.0.0/8"] },
  });
  const said = "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n" +
    "X-Request-Id: theirs\r\nVia: 1.1 edge\r\n";
  const reply = readResponse(await t.ask(request("/", said)));
  const [seen] = t.a.requests;
  assertEquals(field(seen!, "x-forwarded-for"), "1.2.3.4, 10.0.0.1");
  assertEquals(field(seen!, "x-forwarded-proto"), "https");
  assertEquals(field(seen!, "via"), "1.1 edge, 1.1 meerkat");
  assertEquals(field(seen!, "x-request-id"), "theirs");
  assertEquals(field(reply, "x-request-id"), "theirs");
  assertEquals(t.record.clientAddress, "1.2.3.4");
});

Deno.test("Forwarded says it all, if it is asked for", async () => {
  await using t = new Bench({
    backends: 1,
    common: { forwarded: "forwarded", via: false },
  });
  await t.client({ secure: true, address: "2001:db8::1" }).ask(request());
  const [seen] = t.a.requests;
  assertMatch(
    field(seen!, "forwarded") ?? "",
    /for="\[2001:db8::1\]";?.*proto=https/,
  );
  assertEquals(field(seen!, "via"), undefined);
  assertEquals(field(seen!, "x-forwarded-for"), undefined);
});

Deno.test("who the PROXY protocol names is the client", async () => {
  await using t = new Bench({ backends: 1 });
  const identity = { hostname: "192.0.2.7", port: 1234 };
  await t.client({ identity }).ask(request());
  assertEquals(field(t.a.requests[0]!, "x-forwarded-for"), "192.0.2.7");
  assertEquals(t.record.clientAddress, "192.0.2.7");
});

Deno.test("each request has an id of its own, on all of its ways", async () => {
  await using t = new Bench({ backends: 1 });
  const ids = new Set<string>();
  const client = t.client();
  for (let i = 0; i < 3; i++) {
    const reply = readResponse(
      await client.ask(request("/", "X-Request-Id: mine\r\n")),
    );
    const id = field(reply, "x-request-id")!;
    assertEquals(field(t.a.requests[i]!, "x-request-id"), id);
    assertEquals(t.record.requestId, id);
    assertNotEquals(id, "mine");
    ids.add(id);
  }
  assertEquals(ids.size, 3);
});

Deno.test("traceparent and other fields pass in their order and case", async () => {
  await using t = new Bench({ backends: 1 });
  const sent = "traceparent: 00-a-b-01\r\nAccept: */*\r\nCOOKIE: a=b; c=d\r\n";
  await t.ask(request("/", sent));
  assert(t.a.wire.received.includes(sent), t.a.wire.received);
});

Deno.test("a split gives each upstream its share", async () => {
  let chance = 0;
  await using t = new Bench({
    random: () => chance,
    config: ([a, b]) => ({
      upstreams: { stable: { backends: [a!] }, canary: { backends: [b!] } },
      routes: [{
        split: [{ upstream: "stable", weight: 3 }, {
          upstream: "canary",
          weight: 1,
        }],
      }],
    }),
  });
  const bodies: string[] = [];
  for (chance of [0, 0.74, 0.76, 0.999]) {
    bodies.push(readResponse(await t.ask(request())).body);
  }
  assertEquals(bodies, ["a", "a", "b", "b"]);
});
