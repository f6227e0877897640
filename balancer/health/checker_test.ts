import { assert, assertEquals, assertMatch } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import type { Connected, ConnectOptions } from "../../conn/connect.ts";
import { memoryPair, type MemoryTransport } from "../../conn/pair.ts";
import type { Endpoint, HealthCheckSettings } from "../config/settings.ts";
import { HealthChecker, type HealthCheckerOptions } from "./checker.ts";

const SETTINGS: HealthCheckSettings = {
  path: "/health",
  host: undefined,
  statuses: [200],
  body: undefined,
  interval: 5000,
  timeout: 2000,
  unhealthyAfter: 3,
  healthyAfter: 2,
};

const ENDPOINT: Endpoint = { hostname: "backend.test", port: 80, tls: false };
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Knows of each timer whether it keeps the process alive. */
class NotedClock extends TestClock {
  readonly holding = new Set<number>();

  override setTimeout(callback: () => void, delay: number): number {
    const timer = super.setTimeout(callback, delay);
    this.holding.add(timer);
    return timer;
  }

  unrefTimer(timer: unknown): void {
    this.holding.delete(timer as number);
  }
}

/** A checker in memory, with the backend's ends of its connections. */
class Bench {
  readonly clock = new NotedClock();
  readonly asked: ConnectOptions[] = [];
  readonly peers: MemoryTransport[] = [];
  readonly ours: MemoryTransport[] = [];
  readonly results: [passed: boolean, reason: string][] = [];
  /** Gives a number for each interval. */
  random = 0.5;
  /** Takes the place of connecting. */
  fault: (() => Promise<Connected>) | undefined;
  readonly checker: HealthChecker;

  constructor(
    settings: Partial<HealthCheckSettings> = {},
    options: Partial<HealthCheckerOptions> = {},
  ) {
    this.checker = new HealthChecker({
      endpoint: ENDPOINT,
      settings: { ...SETTINGS, ...settings },
      tls: {},
      clock: this.clock,
      random: () => this.random,
      onResult: (...result) => this.results.push(result),
      connect: (options) => this.#connect(options),
      ...options,
    });
  }

  async #connect(options: ConnectOptions): Promise<Connected> {
    this.asked.push(options);
    // As over a network: not at once.
    await Promise.resolve();
    if (this.fault !== undefined) return this.fault();
    const [here, there] = memoryPair();
    this.ours.push(here);
    this.peers.push(there);
    return { transport: here, secure: false, timings: { connect: 0, tls: 0 } };
  }

  /** Reads what the last connection has sent. */
  async read(): Promise<string> {
    const buffer = new Uint8Array(4096);
    const count = await this.peers.at(-1)!.read(buffer);
    return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  }

  /** Answers on the last connection, and lets the checker take it. */
  async answer(text: string): Promise<void> {
    await this.peers.at(-1)!.write(new TextEncoder().encode(text));
    await this.clock.advance(0);
  }

  /** Ends it, and checks that nothing is left. */
  async end(): Promise<void> {
    this.checker.close();
    await this.clock.advance(0);
    assertEquals(this.clock.pending, 0);
    assertEquals(this.clock.holding.size, 0);
    for (const end of this.ours) assert(end.closed);
  }
}

Deno.test("the first check is at once, and asks for the path on its own connection", async () => {
  const bench = new Bench();
  await bench.clock.advance(0);
  assertEquals(
    await bench.read(),
    "GET /health HTTP/1.1\r\n" +
      "Host: backend.test\r\n" +
      "User-Agent: meerkat-health-check\r\n" +
      "Connection: close\r\n\r\n",
  );
  await bench.answer(OK);
  assertEquals(bench.results, [[true, "status 200"]]);
  await bench.end();
});

Deno.test("a check stops reading as soon as it is decided", async () => {
  const bench = new Bench();
  await bench.clock.advance(0);
  await bench.answer("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  assertEquals(bench.results, [[true, "status 200"]]);
  assertEquals(bench.ours.map((end) => end.closed), [true]);
  await bench.end();
});

Deno.test("a check fails by its status or its body, and says so", async () => {
  const bench = new Bench({ statuses: [200, 204], body: "ready" });
  await bench.clock.advance(0);
  await bench.answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  await bench.clock.advance(5000);
  await bench.answer(OK);
  await bench.clock.advance(5000);
  await bench.answer("HTTP/1.1 200 OK\r\n\r\nall are ready");
  assertEquals(bench.results, [
    [false, "status 503, expected 200 or 204"],
    [false, '"ready" is not in the body'],
    [true, "status 200"],
  ]);
  await bench.end();
});

Deno.test("a response that breaks the protocol fails a check", async () => {
  const bench = new Bench();
  await bench.clock.advance(0);
  await bench.answer("nonsense\r\n\r\n");
  await bench.clock.advance(5000);
  bench.peers.at(-1)!.close();
  await bench.clock.advance(0);
  assertEquals(bench.results, [
    [
      false,
      'Cannot read the start line: the version is invalid, expected "HTTP/1.1"',
    ],
    [false, "The server left without a response"],
  ]);
  await bench.end();
});

Deno.test("the Host of a check is the one that is set, or the endpoint", async () => {
  const hosts: [Endpoint, string | undefined, string][] = [
    [ENDPOINT, "www.example.com", "www.example.com"],
    [{ ...ENDPOINT, port: 8080 }, undefined, "backend.test:8080"],
    [{ ...ENDPOINT, port: 443 }, undefined, "backend.test:443"],
    [{ ...ENDPOINT, port: 443, tls: true }, undefined, "backend.test"],
    [{ hostname: "::1", port: 81, tls: false }, undefined, "[::1]:81"],
    [{ path: "/run/backend" }, undefined, "localhost"],
  ];
  for (const [endpoint, host, expected] of hosts) {
    const bench = new Bench({ host }, { endpoint });
    await bench.clock.advance(0);
    assertMatch(
      await bench.read(),
      new RegExp(`Host: ${RegExp.escape(expected)}\r\n`),
    );
    await bench.end();
  }
});

Deno.test("a check connects as the endpoint and its TLS options say", async () => {
  const tls = { serverName: "name.test", caCerts: ["PEM"] };
  const endpoints: [Endpoint, Partial<ConnectOptions>][] = [
    [ENDPOINT, { hostname: "backend.test", port: 80, tls: false }],
    [{ ...ENDPOINT, tls: true }, { hostname: "backend.test", port: 80, tls }],
    [{ path: "/run/backend" }, { path: "/run/backend" }],
  ];
  for (const [endpoint, expected] of endpoints) {
    const bench = new Bench({}, { endpoint, tls });
    const { hostname, port, path, tls: asked } = bench.asked[0]!;
    assertEquals(
      { hostname, port, path, tls: asked },
      {
        hostname: undefined,
        port: undefined,
        path: undefined,
        tls: undefined,
        ...expected,
      },
    );
    await bench.clock.advance(0);
    await bench.end();
  }
});

Deno.test("without a path it is enough to connect", async () => {
  const bench = new Bench({ path: undefined });
  await bench.clock.advance(0);
  assertEquals(bench.results, [[true, "connected"]]);
  assertEquals(await bench.read(), "");
  bench.fault = () => Promise.reject(new Error("Connection refused"));
  await bench.clock.advance(5000);
  assertEquals(bench.results[1], [false, "Connection refused"]);
  await bench.end();
});

Deno.test("checks come at the interval, up to a tenth early or late", async () => {
  const bench = new Bench({ path: undefined });
  await bench.clock.advance(4999);
  assertEquals(bench.results.length, 1);
  bench.random = 0;
  await bench.clock.advance(1);
  assertEquals(bench.results.length, 2);
  await bench.clock.advance(4499);
  assertEquals(bench.results.length, 2);
  bench.random = 1;
  await bench.clock.advance(1);
  assertEquals(bench.results.length, 3);
  await bench.clock.advance(5499);
  assertEquals(bench.results.length, 3);
  await bench.clock.advance(1);
  assertEquals(bench.results.length, 4);
  await bench.end();
});

Deno.test("the interval counts from the start of a check", async () => {
  const bench = new Bench();
  await bench.clock.advance(1500);
  await bench.answer(OK);
  await bench.clock.advance(3499);
  assertEquals(bench.asked.length, 1);
  await bench.clock.advance(1);
  assertEquals(bench.asked.length, 2);
  await bench.end();
});

Deno.test("a check without an answer fails at its time-out, connected or not", async () => {
  const bench = new Bench();
  await bench.clock.advance(1999);
  assertEquals(bench.results, []);
  await bench.clock.advance(1);
  assertEquals(bench.results, [[false, "no answer within 2000 ms"]]);
  assert(bench.ours[0]!.closed);
  // An attempt that ends by its signal only.
  bench.fault = () => {
    const { promise, reject } = Promise.withResolvers<Connected>();
    const { signal } = bench.asked.at(-1)!;
    signal!.addEventListener("abort", () => reject(signal!.reason));
    return promise;
  };
  await bench.clock.advance(5000);
  assertEquals(bench.results[1], [false, "no answer within 2000 ms"]);
  await bench.end();
});

Deno.test("checks never overlap, however long one takes", async () => {
  const bench = new Bench({ interval: 100, timeout: 1000 });
  await bench.clock.advance(999);
  assertEquals(bench.asked.length, 1);
  await bench.clock.advance(1);
  assertEquals(bench.results.length, 1);
  await bench.clock.advance(1);
  assertEquals(bench.asked.length, 2);
  await bench.end();
});

Deno.test("close ends a check that is under way, without a result", async () => {
  const bench = new Bench();
  await bench.clock.advance(10);
  assertEquals(bench.ours.map((end) => end.closed), [false]);
  await bench.end();
  await bench.clock.advance(20_000);
  assertEquals([bench.asked.length, bench.results.length], [1, 0]);
});

Deno.test("close ends a check that is about to connect", async () => {
  const bench = new Bench();
  await bench.end();
  assertEquals([bench.asked.length, bench.results.length], [1, 0]);
});

Deno.test("close may be called with a result", async () => {
  const bench = new Bench({ path: undefined }, {
    onResult: () => bench.checker.close(),
  });
  await bench.clock.advance(20_000);
  assertEquals(bench.asked.length, 1);
  await bench.end();
});

Deno.test("a request that cannot be sent fails the check and leaves nothing", async () => {
  const bench = new Bench({ path: "/a b" });
  await bench.clock.advance(0);
  assertEquals(bench.results.map(([passed]) => passed), [false]);
  assertEquals(bench.ours.map((end) => end.closed), [true]);
  await bench.end();
});
