// A balancer in memory: its clients and backends are wires, its clock stands
// still, and at the end nothing may be left of anything.

import { assert, assertEquals } from "@std/assert";
import { TestClock } from "../conn/clock.ts";
import type { Connected, ConnectOptions } from "../conn/connect.ts";
import { ConnError } from "../conn/error.ts";
import { attach } from "../conn/loop.ts";
import { memoryPair } from "../conn/pair.ts";
import type { HttpLimits } from "../http/codec/limits.ts";
import { HttpMachine } from "../http/machine/machine.ts";
import { Balancer, type ClientIdentity } from "./balancer.ts";
import type {
  BalancerConfig,
  RouteConfig,
  UpstreamConfig,
} from "./config/config.ts";
import {
  type Message,
  readMessage,
  respond,
  settle,
  Wire,
} from "./proxy/proxy_test_util.ts";
import type { ExchangeRecord } from "./telemetry/record.ts";
import type {
  BackendSnapshot,
  UpstreamSnapshot,
} from "./telemetry/snapshot.ts";

/** What a backend answers to a request; nothing if the test does it by hand. */
export type Answer = (
  request: Message,
  wire: Wire,
) => string | void | undefined;

/** A backend in memory. */
export class TestBackend {
  readonly address: string;
  /** Its connections, in the order in which they were opened. */
  readonly wires: Wire[] = [];
  /** All complete requests, in the order in which they came. */
  readonly requests: Message[] = [];
  /** By default its letter. */
  answer: Answer;
  /** What becomes of new connections. */
  mode: "up" | "refusing" | "silent" = "up";
  readonly #read = new Map<Wire, number>();

  constructor(address: string, name: string) {
    this.address = address;
    this.answer = () => respond(name);
  }

  /** Its last connection. */
  get wire(): Wire {
    const wire = this.wires.at(-1);
    assert(wire !== undefined, "no connection");
    return wire;
  }

  /** Reads no requests: the test looks at the bytes. */
  raw(): void {
    this.answer = () => {};
    this.take = () => {};
  }

  take = (wire: Wire): void => {
    for (;;) {
      const from = this.#read.get(wire) ?? 0;
      const read = readMessage(wire.received.slice(from));
      if (read === undefined) return;
      this.#read.set(wire, from + read[1]);
      this.requests.push(read[0]);
      const answer = this.answer(read[0], wire);
      if (answer !== undefined) wire.send(answer);
    }
  };
}

/** What is different from the plain case: two backends, one route. */
export interface BenchOptions {
  /** How many. */
  backends?: number;
  /** Where they are. Left out: at ports of the loopback. */
  addresses?: string[];
  route?: RouteConfig;
  upstream?: Omit<UpstreamConfig, "backends">;
  common?: Omit<BalancerConfig, "routes">;
  /** In place of all of these; it gets the addresses of the backends. */
  config?: (addresses: string[]) => BalancerConfig;
  http?: HttpLimits;
  random?: () => number;
  /** The addresses of a name. */
  lookup?: (hostname: string) => Promise<string[]>;
  /** How many bytes the balancer gets of a backend in one read. */
  chunk?: () => number;
}

/** A balancer in memory. */
export class Bench implements AsyncDisposable {
  readonly clock = new TestClock(1_000_000);
  readonly backends: TestBackend[];
  readonly balancer: Balancer;
  /** What the log was told. */
  readonly records: ExchangeRecord[] = [];
  /** What the program's parts threw. */
  readonly errors: unknown[] = [];
  readonly #clients: Wire[] = [];
  readonly #http: HttpLimits;
  readonly #chunk: () => number;

  constructor(options: BenchOptions = {}) {
    const { backends = 2, random = () => 0.5, lookup } = options;
    const places = options.addresses ??
      Array.from({ length: backends }, (_, i) => `127.0.0.1:${9001 + i}`);
    this.backends = places.map((address, i) =>
      new TestBackend(address, String.fromCharCode(97 + i))
    );
    this.#http = options.http ?? {};
    this.#chunk = options.chunk ?? (() => Infinity);
    const addresses = this.backends.map(({ address }) => address);
    this.balancer = new Balancer(configOf(options, addresses), {
      clock: this.clock,
      random,
      ...(lookup && { lookup }),
      connect: (options) => this.#connect(options),
      onRequest: (record) => this.records.push(record),
      onError: (error: unknown) => this.errors.push(error),
    });
  }

  /** The first backend. */
  get a(): TestBackend {
    return this.backends[0]!;
  }

  /** The second backend. */
  get b(): TestBackend {
    return this.backends[1]!;
  }

  /** The last record. */
  get record(): ExchangeRecord {
    const record = this.records.at(-1);
    assert(record !== undefined, "no record");
    return record;
  }

  /** The figures of an upstream. */
  upstream(index = 0): UpstreamSnapshot {
    return this.balancer.snapshot().upstreams[index]!;
  }

  /** The figures of a backend of the first upstream. */
  figures(index = 0): BackendSnapshot {
    return this.upstream().backends[index]!;
  }

  /** A client that connects. */
  client(
    options: {
      address?: string;
      secure?: boolean;
      identity?: ClientIdentity;
      /** How many bytes the balancer gets of it in one read. */
      chunk?: () => number;
    } = {},
  ): Wire {
    const { address = "10.0.0.1", secure = false, identity, chunk } = options;
    const [here, there] = memoryPair({
      addrs: [
        { transport: "tcp", hostname: address, port: 40_000 },
        { transport: "tcp", hostname: "10.0.0.99", port: secure ? 443 : 80 },
      ],
    });
    if (chunk !== undefined) there.chunk = chunk;
    const machine = new HttpMachine("server", {
      ...this.#http,
      maxPipelined: 1,
      autoContinue: false,
      lendBodies: true,
      date: () => "Sat, 01 Jan 2000 00:00:00 GMT",
    });
    attach(there, machine, this.balancer.handler(identity), {
      clock: this.clock,
      secure,
      onError: (error) => this.errors.push(error),
    });
    const wire = new Wire(here, () => {});
    this.#clients.push(wire);
    return wire;
  }

  /** Sends by a new connection, and gives what came by then. */
  ask(data: string | Uint8Array): Promise<string> {
    return this.client().ask(data);
  }

  async #connect(options: ConnectOptions): Promise<Connected> {
    const { hostname, port = 0, connectTimeout = 0 } = options;
    const backend = this.backends.find(({ address }) =>
      address === `${hostname}:${port}`
    );
    if (backend === undefined || backend.mode === "refusing") {
      throw failure("connect_refused");
    }
    if (backend.mode === "silent") {
      await new Promise<never>((_, reject) =>
        this.clock.setTimeout(
          () => reject(failure("connect_timeout")),
          connectTimeout,
        )
      );
    }
    const [here, there] = memoryPair();
    here.chunk = this.#chunk;
    backend.wires.push(new Wire(there, (wire) => backend.take(wire)));
    return {
      transport: here,
      secure: options.tls !== undefined,
      timings: { connect: 0, tls: 0 },
    };
  }

  /** All clients leave: nothing is under way then, and nothing waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.clock.advance(0);
    await settle();
    const { connections, routes, upstreams } = this.balancer.snapshot();
    const backends = upstreams.flatMap(({ backends }) => backends);
    assertEquals({
      connections,
      routes: sum(routes.map(({ inFlight }) => inFlight)),
      backends: sum(backends.map(({ inFlight }) => inFlight)),
      queued: sum(backends.map(({ queued }) => queued)),
      busy: sum(
        backends.map((each) => each.openConnections - each.idleConnections),
      ),
    }, { connections: 0, routes: 0, backends: 0, queued: 0, busy: 0 });
    this.balancer[Symbol.dispose]();
    await settle();
    for (const { openConnections } of this.#backendFigures()) {
      assertEquals(openConnections, 0, "connections that stay open");
    }
    for (const { wires } of this.backends) {
      for (const wire of wires) wire.close();
    }
    await settle();
    assertEquals(this.errors, [], "what the program was told");
    assertEquals(this.clock.pending, 0, "timers that stay");
  }

  #backendFigures(): BackendSnapshot[] {
    return this.balancer.snapshot().upstreams.flatMap(({ backends }) => [
      ...backends,
    ]);
  }
}

function configOf(options: BenchOptions, addresses: string[]): BalancerConfig {
  if (options.config !== undefined) return options.config(addresses);
  const upstream = { backends: addresses, ...options.upstream };
  return { ...options.common, routes: [{ upstream, ...options.route }] };
}

function failure(code: string): ConnError {
  return new ConnError("Cannot connect", { code, side: "transport" });
}

function sum(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
