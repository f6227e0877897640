import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Client } from "../../http/client/client.ts";
import { FakeTarget, TOKEN } from "./_fake_target_test_util.ts";
import { type AdminOptions, serveAdmin } from "./serve_admin.ts";

/** A served target, and a client of it. */
class Admin implements AsyncDisposable {
  readonly target = new FakeTarget({ "a/b": [] });
  readonly errors: unknown[] = [];
  readonly server;
  readonly #client = new Client();

  constructor(options: Partial<AdminOptions> = {}) {
    this.server = serveAdmin(this.target, {
      token: TOKEN,
      port: 0,
      onError: (error) => {
        this.errors.push(error);
        return new Response("failed", { status: 500 });
      },
      ...options,
    });
  }

  get port(): number {
    return (this.server.addr as Deno.NetAddr).port;
  }

  /** Sends a request, with the token if no other `authorization` is given. */
  async request(
    method: string,
    path: string,
    { body, ...headers }: Record<string, string> = {},
  ): Promise<{ status: number; headers: Headers; text: string }> {
    const { authorization = `Bearer ${TOKEN}`, ...rest } = headers;
    const response = await this.#client.request(
      `http://127.0.0.1:${this.port}${path}`,
      {
        method,
        fields: authorization === "" ? rest : { authorization, ...rest },
        ...(body === undefined ? {} : { body }),
      },
    );
    const text = await response.text();
    const fields = new Headers([...response.fields]);
    return { status: response.status, headers: fields, text };
  }

  /** The status and the error's code of an answer. */
  async refused(...args: Parameters<Admin["request"]>): Promise<string> {
    const { status, text } = await this.request(...args);
    return `${status} ${JSON.parse(text).error}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
    await this.server.shutdown();
  }
}

const NOBODY = { authorization: "" };
const BACKENDS = "/api/upstreams/a%2Fb/backends";
const BACKEND = `${BACKENDS}/unix%3A%2Frun%2Fx`;

Deno.test("serveAdmin answers probes without a token, by any name", async () => {
  await using admin = new Admin();
  const any = { ...NOBODY, host: "pod.internal" };
  const health = await admin.request("GET", "/healthz", any);
  assertEquals([health.status, health.text], [200, "ok\n"]);
  assertEquals((await admin.request("GET", "/readyz", any)).status, 200);
  admin.target.isReady = false;
  assertEquals((await admin.request("GET", "/readyz", any)).status, 503);
  assertEquals((await admin.request("GET", "/healthz", any)).status, 200);
});

Deno.test("serveAdmin gives the snapshot as JSON that nobody stores", async () => {
  await using admin = new Admin();
  const { status, text, headers } = await admin.request("GET", "/api/snapshot");
  assertEquals(status, 200);
  assertEquals(JSON.parse(text), admin.target.snapshot());
  assertEquals(headers.get("content-type"), "application/json");
  assertEquals(headers.get("cache-control"), "no-store");
  assertEquals(headers.get("x-content-type-options"), "nosniff");
});

Deno.test("serveAdmin adds, weighs, drains and removes a backend", async () => {
  await using admin = new Admin();
  const body = '{"address": "unix:/run/x", "weight": 2}';
  const added = await admin.request("POST", BACKENDS, { body });
  assertEquals([added.status, added.text], [201, '{"id":"unix:/run/x"}']);
  assertEquals(added.headers.get("location"), BACKEND);
  assertEquals(
    await admin.refused("POST", BACKENDS, { body }),
    "409 backend_exists",
  );
  const changes = [
    ["POST", `${BACKEND}/weight`, '{"weight": 3}'],
    ["POST", `${BACKEND}/drain`, '{"draining": true}'],
    ["POST", `${BACKEND}/drain`, '{"draining": false}'],
    ["DELETE", BACKEND],
  ] as const;
  for (const [method, path, body] of changes) {
    const init = body === undefined ? {} : { body };
    const { status, text } = await admin.request(method, path, init);
    assertEquals([status, text], [204, ""]);
  }
  assertEquals(admin.target.calls.slice(2), [
    ["setWeight", "a/b", "unix:/run/x", 3],
    ["setDraining", "a/b", "unix:/run/x", true],
    ["setDraining", "a/b", "unix:/run/x", false],
    ["removeBackend", "a/b", "unix:/run/x"],
  ]);
  assertEquals(await admin.refused("DELETE", BACKEND), "404 no_backend");
});

Deno.test("serveAdmin explains a request", async () => {
  await using admin = new Admin();
  const path = "/explain?url=http%3A%2F%2Fexample.com%2Fa%3Fb&method=POST";
  const { text } = await admin.request("GET", path);
  assertEquals(JSON.parse(text).steps, ["It is the only one"]);
  const query = { host: "example.com", target: "/a?b", method: "POST" };
  assertEquals(admin.target.calls, [["explain", query]]);
  assertEquals(await admin.refused("GET", "/explain"), "400 bad_request");
});

Deno.test("serveAdmin gives metrics to who has the token, or to all", async () => {
  await using admin = new Admin();
  const { status, headers, text } = await admin.request("GET", "/metrics");
  assertEquals(status, 200);
  assertMatch(
    headers.get("content-type") ?? "",
    /^text\/plain; version=0\.0\.4/,
  );
  assertMatch(text, /^# HELP /m);
  assertEquals(
    await admin.refused("GET", "/metrics", NOBODY),
    "401 unauthorized",
  );
  await using open = new Admin({ publicMetrics: true });
  assertEquals((await open.request("GET", "/metrics", NOBODY)).status, 200);
  const foreign = { ...NOBODY, host: "evil.example" };
  assertEquals(
    await open.refused("GET", "/metrics", foreign),
    "421 unknown_host",
  );
  assertEquals(
    await open.refused("GET", "/api/snapshot", NOBODY),
    "401 unauthorized",
  );
});

Deno.test("serveAdmin refuses what it does not know", async () => {
  await using admin = new Admin();
  assertEquals(await admin.refused("GET", "/nothing"), "404 not_found");
  assertEquals(await admin.refused("GET", "/api/"), "404 not_found");
  const { status, headers } = await admin.request("PUT", "/api/snapshot");
  assertEquals([status, headers.get("allow")], [405, "GET, HEAD"]);
  assertEquals(
    await admin.refused("DELETE", "/api/upstreams/%ff/backends/a"),
    "400 bad_request",
  );
  const body = '{"weight": "3"}';
  assertEquals(
    await admin.refused("POST", `${BACKEND}/weight`, { body }),
    "400 bad_request",
  );
  assertEquals(
    await admin.refused("POST", "/api/upstreams/no/backends", {
      body: '{"address": "a:1"}',
    }),
    "404 no_upstream",
  );
  assertEquals(admin.errors, []);
});

Deno.test("serveAdmin refuses a body over 64 KiB", async () => {
  await using admin = new Admin();
  const body = `{"address": "${"x".repeat(65_536)}"}`;
  assertEquals((await admin.request("POST", BACKENDS, { body })).status, 413);
  assertEquals(admin.target.calls, []);
});

Deno.test("serveAdmin answers HEAD as GET, without a body", async () => {
  await using admin = new Admin();
  for (const path of ["/", "/api/snapshot", "/api/events"]) {
    const { status, text } = await admin.request("HEAD", path);
    assertEquals([status, text], [200, ""]);
  }
});

Deno.test("serveAdmin asks who has no token, or another, for it", async () => {
  await using admin = new Admin();
  const needed = [
    ["GET", "/api/snapshot"],
    ["GET", "/api/events"],
    ["GET", "/explain?url=/"],
    ["GET", "/metrics"],
    ["POST", BACKENDS],
    ["DELETE", BACKEND],
    ["POST", `${BACKEND}/drain`],
    ["POST", `${BACKEND}/weight`],
  ] as const;
  for (const [method, path] of needed) {
    const { status, headers } = await admin.request(method, path, NOBODY);
    assertEquals(status, 401, path);
    assertEquals(headers.get("www-authenticate"), "Bearer");
  }
  for (
    const authorization of [
      `Bearer ${TOKEN}x`,
      `Basic ${btoa(`admin:${TOKEN}`)}`,
      TOKEN,
    ]
  ) {
    const { status, headers } = await admin.request("GET", "/api/snapshot", {
      authorization,
    });
    assertEquals(status, 401);
    assertEquals(
      headers.get("www-authenticate"),
      'Bearer error="invalid_token"',
    );
  }
  assertEquals([admin.target.calls, admin.target.snapshots], [[], 0]);
});

Deno.test("serveAdmin takes no change from a page of another origin", async () => {
  await using admin = new Admin();
  const drain = (origin: string) =>
    admin.request("POST", `${BACKENDS}/x/drain`, {
      origin,
      body: '{"draining": true}',
    });
  const own = `http://127.0.0.1:${admin.port}`;
  for (
    const origin of ["null", "http://evil.example", `http://127.0.0.1:1`]
  ) {
    const { status, text } = await drain(origin);
    assertEquals([status, JSON.parse(text).error], [403, "foreign_origin"]);
  }
  assertEquals(admin.target.calls, []);
  await drain(own);
  assertEquals(admin.target.calls.length, 1);
});

Deno.test("serveAdmin answers for addresses, localhost and its hosts alone", async () => {
  await using admin = new Admin({ hosts: ["Admin.Example"] });
  const status = async (host: string) =>
    (await admin.request("GET", "/", { ...NOBODY, host })).status;
  for (const host of ["127.0.0.1", "[::1]:9000", "localhost:1"]) {
    assertEquals(await status(host), 200, host);
  }
  assertEquals(await status("admin.example:8443"), 200);
  for (
    const host of ["evil.example", "127.0.0.1.evil.example", "localhost.a"]
  ) {
    assertEquals(await status(host), 421, host);
  }
});

Deno.test("serveAdmin's page lets nothing but itself run", async () => {
  await using admin = new Admin();
  const { text, headers } = await admin.request("GET", "/", NOBODY);
  const policy = headers.get("content-security-policy") ?? "";
  assertMatch(policy, /script-src 'sha256-[\w+/]{43}='; style-src 'sha256-/);
  assert(!policy.includes("unsafe"), policy);
  assertStringIncludes(policy, "frame-ancestors 'none'");
  assertStringIncludes(policy, "require-trusted-types-for 'script'");
  assertStringIncludes(text, 'name="latency-bounds" content="0.5 1 2.5 5 ');
  assert(!text.includes(TOKEN));
});

Deno.test("serveAdmin's event streams end when it shuts down", async () => {
  await using admin = new Admin();
  await using client = new Client();
  const response = await client.request(
    `http://127.0.0.1:${admin.port}/api/events`,
    { fields: { authorization: `Bearer ${TOKEN}` } },
  );
  assertEquals(response.status, 200);
  assertEquals(response.fields.get("content-type"), "text/event-stream");
  const [text] = await Promise.all([response.text(), admin.server.shutdown()]);
  assertMatch(text, /^event: snapshot\ndata: \{"time":\d+,.*\}\n\n$/);
});

Deno.test("serveAdmin reports what a target throws by mistake", async () => {
  await using admin = new Admin();
  admin.target.failure = new Error("a bug");
  const { status, text } = await admin.request("GET", "/api/snapshot");
  assertEquals([status, text], [500, "failed"]);
  assertEquals(admin.errors, [admin.target.failure]);
});

Deno.test("serveAdmin needs a token that can be sent and is no short word", () => {
  for (const token of ["", "short", "x".repeat(15), `${"x".repeat(16)} y`]) {
    const error = assertThrows(
      () => serveAdmin(new FakeTarget(), { token, port: 0 }),
      TypeError,
      "at least 16 characters",
    );
    assert(token === "" || !error.message.includes(token));
  }
});

Deno.test("serveAdmin listens on the loopback address by itself", async () => {
  await using admin = new Admin();
  assertEquals((admin.server.addr as Deno.NetAddr).hostname, "127.0.0.1");
});
