/**
 * The balancer itself: a handler for HTTP connections.
 *
 * @module
 */

import { type Clock, systemClock } from "../conn/clock.ts";
import {
  connect as connectTo,
  type Connected,
  type ConnectOptions,
} from "../conn/connect.ts";
import type { Conn, Handler } from "../conn/conn.ts";
import { ConnError } from "../conn/error.ts";
import { Fields } from "../http/codec/fields.ts";
import type { HttpCommand, HttpEvent } from "../http/codec/message.ts";
import type { AdminTarget, ExplainQuery } from "./admin/target.ts";
import type { BackendConfig, BalancerConfig } from "./config/config.ts";
import { resolveBackend, resolveConfig } from "./config/resolve.ts";
import type { BalancerSettings } from "./config/settings.ts";
import { checkHost } from "./fields/host.ts";
import { Peer } from "./fields/peer.ts";
import { AddressSet } from "./fields/trust.ts";
import type { Surroundings } from "./proxy/_dialer.ts";
import { ClientConn } from "./proxy/_client_conn.ts";
import { ProxyState } from "./proxy/_proxy_state.ts";
import { Route } from "./proxy/route.ts";
import { Upstream, type UpstreamExplanation } from "./proxy/upstream.ts";
import { type Explanation, RouteTable } from "./routing/route_table.ts";
import { readTarget } from "./routing/target.ts";
import type { ExchangeRecord } from "./telemetry/record.ts";
import type { BalancerSnapshot } from "./telemetry/snapshot.ts";

/** Options of {@linkcode Balancer}. */
export interface BalancerOptions {
  /** Is told of each request when it is over: an access log. */
  onRequest?: (record: ExchangeRecord) => void;
  /**
   * Gets what a policy of the program's own threw (the client gets 500, or what
   * a `ConnError` says), and what `onRequest` threw.
   *
   * @default {console.error}
   */
  onError?: (error: unknown) => void;
  /** The clock of all time-outs. */
  clock?: Clock;
  /**
   * Where chance comes from, from 0 to 1.
   *
   * @default {Math.random}
   */
  random?: () => number;
  /**
   * Opens connections to backends.
   *
   * @default {connect} of `@meerkat/net/conn`
   */
  connect?: (options: ConnectOptions) => Promise<Connected>;
  /**
   * Finds the addresses of a backend's name.
   *
   * @default {as the system does, its file of hosts included}
   */
  lookup?: (hostname: string) => Promise<string[]>;
}

/** Options of {@linkcode Balancer.drain}. */
export interface DrainOptions {
  /**
   * In how many milliseconds all WebSocket connections must have been told.
   *
   * @default {Infinity} `drainRate` alone decides.
   */
  within?: number;
}

/** Where a request would go, and why. */
export interface BalancerExplanation extends Explanation {
  /** The target that a backend would get. */
  readonly target?: string;
  /** The upstreams that it may get, with their backends. */
  readonly upstreams: readonly (UpstreamExplanation & {
    /** Its share, relative to the others'. */
    readonly share: number;
  })[];
}

/** Who is at the other end of a connection, if it is not who it seems. */
export interface ClientIdentity {
  /** The client's address. */
  readonly hostname: string;
  /** Its port. */
  readonly port: number;
}

/**
 * A reverse proxy that spreads requests over backends.
 *
 * {@linkcode Balancer.handler} makes it of any HTTP connection; {@linkcode balance}
 * listens as well.
 */
export class Balancer implements AdminTarget, Disposable {
  readonly #state: ProxyState;
  readonly #clock: Clock;
  readonly #surroundings: Surroundings;
  readonly #upstreams = new Map<string, Upstream>();
  readonly #routes = new Map<string, Route>();
  #reloads = 0;
  #reloadsRefused = 0;

  /**
   * Creates a balancer, and begins its health checks.
   *
   * @param config What it does.
   * @param options Clock, log.
   * @throws {ConfigError} If the configuration is wrong.
   */
  constructor(config: BalancerConfig, options: BalancerOptions = {}) {
    const settings = resolveConfig(config);
    const { clock = systemClock, random = Math.random } = options;
    const { connect = connectTo, lookup } = options;
    const { onRequest, onError = console.error } = options;
    this.#clock = clock;
    this.#surroundings = { clock, random, connect, lookup };
    this.#state = new ProxyState(
      settings,
      this.#surroundings,
      onRequest,
      onError,
    );
    this.#apply(settings);
  }

  /**
   * Makes a handler for HTTP connections in the server role. Their machines must
   * have `maxPipelined: 1` and `autoContinue: false`; they may have
   * `lendBodies: true`.
   *
   * @param identity Who the client is, if the connection cannot tell.
   */
  handler(identity?: ClientIdentity): Handler<HttpEvent, HttpCommand> {
    const { clients } = this.#state;
    return (event, conn) => {
      if (event.type === "open") return this.#welcome(conn, identity);
      return clients.get(conn)?.take(event);
    };
  }

  /**
   * Does something else from now on. What did not change is not touched:
   * connections, health and counters of such routes and backends stay.
   *
   * @throws {ConfigError} If the configuration is wrong; all stays as it is then.
   */
  update(config: BalancerConfig): void {
    try {
      this.#apply(resolveConfig(config));
    } catch (error) {
      this.#reloadsRefused++;
      throw error;
    }
    this.#reloads++;
  }

  /** Counts a new configuration that could not even be read. */
  updateRefused(): void {
    this.#reloadsRefused++;
  }

  /**
   * Takes leave of all WebSocket connections, as many a second as `drainRate`
   * says, and is not {@linkcode Balancer.ready} any more.
   *
   * @param options By when all must have been told: more a second, if needed.
   * @returns Resolves when all have closed.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    const { drainer, tunnels, settings } = this.#state;
    this.#state.isDraining = true;
    const { within = Infinity } = options;
    const needed = tunnels.size === 0 ? 0 : tunnels.size * 1000 / within;
    drainer.setRate(Math.max(settings.drainRate, needed));
    return drainer.drain(tunnels);
  }

  /** Ends health checks, and closes connections to backends once they are free. */
  [Symbol.dispose](): void {
    this.#state.isDraining = true;
    for (const upstream of this.#upstreams.values()) upstream.retire();
  }

  /** Whether it can take requests: each upstream has a backend that is available. */
  ready(): boolean {
    if (this.#state.isDraining) return false;
    return [...this.#upstreams.values()].every(({ isReady }) => isReady);
  }

  /** All figures. */
  snapshot(): BalancerSnapshot {
    const state = this.#state;
    return {
      time: state.timeOf(this.#clock.now()),
      startedAt: state.startedAt,
      connections: state.clients.size + state.tunnels.size,
      accepted: state.accepted,
      unrouted: state.unrouted,
      clientLeft: state.clientLeft,
      websockets: state.tunnels.size,
      reloads: this.#reloads,
      reloadsRefused: this.#reloadsRefused,
      draining: this.#state.isDraining,
      routes: [...this.#routes.values()].map(({ stats, name }) =>
        stats.snapshot(name)
      ),
      upstreams: [...this.#upstreams.values()].map((upstream) =>
        upstream.snapshot()
      ),
    };
  }

  /** Adds a backend, until the configuration has other ones for that upstream. */
  addBackend(upstream: string, backend: BackendConfig): void {
    this.#upstream(upstream).add(resolveBackend(backend));
  }

  /** Takes a backend out; what is under way there goes on to its end. */
  removeBackend(upstream: string, id: string): void {
    const backend = this.#upstream(upstream).remove(id);
    this.#state.drainer.drain(backend.tunnels);
  }

  /** Gives a backend nothing new, or gives it requests again. */
  setDraining(upstream: string, id: string, draining: boolean): void {
    const backend = this.#upstream(upstream).backend(id);
    backend.setDraining(draining);
    const { drainer } = this.#state;
    if (draining) drainer.drain(backend.tunnels);
    else if (!this.#state.isDraining) drainer.keep(backend.tunnels);
  }

  /** Changes a backend's share. */
  setWeight(upstream: string, id: string, weight: number): void {
    this.#upstream(upstream).setWeight(id, weight);
  }

  /**
   * Says where a request would go, and why.
   *
   * @throws {ConnError} With code `"bad_host"` and reply 400.
   */
  explain({ host, target, method = "GET" }: ExplainQuery): BalancerExplanation {
    if (host !== "") checkHost(host);
    const fields = new Fields(host === "" ? {} : { Host: host });
    const asked = readTarget({ method, target, fields });
    if (asked === undefined) {
      const steps = [`The target "${target}" is refused: the answer is 400`];
      return { route: undefined, steps, upstreams: [] };
    }
    const { table } = this.#state;
    const { steps } = table.explain(asked.host, asked.path);
    const route = table.find(asked.host, asked.path);
    if (route === undefined) return { route, steps, upstreams: [] };
    return {
      route: route.name,
      steps: [...steps, ...route.explain(method)],
      target: route.targetFor(asked),
      upstreams: route.settings.targets.map(({ upstream, weight }) => ({
        ...this.#upstreams.get(upstream)!.explain({
          method,
          target: route.targetFor(asked),
          fields,
          clientAddress: "",
          setCookie: () => {},
        }),
        share: weight,
      })),
    };
  }

  #welcome(
    conn: Conn<HttpEvent, HttpCommand>,
    identity?: ClientIdentity,
  ): void {
    const state = this.#state;
    state.accepted++;
    const { remoteAddr } = conn;
    const remote = identity ??
      ("hostname" in remoteAddr ? remoteAddr : undefined);
    const peer = new Peer({
      address: remote?.hostname ?? "",
      port: remote?.port ?? 0,
      secure: conn.secure,
    });
    state.clients.set(conn, new ClientConn(state, conn, peer));
  }

  #apply(settings: BalancerSettings): void {
    const state = this.#state;
    const trusted = new AddressSet(settings.trustedProxies);
    const upstreams = new Map<string, Upstream>();
    // First, as it throws before anything has changed, if it does.
    const routes = settings.routes.map((route) =>
      new Route(
        route,
        settings,
        trusted,
        upstreams,
        this.#routes.get(route.name),
      )
    );
    this.#nextUpstreams(settings, upstreams);
    for (const [name, old] of this.#upstreams) {
      if (upstreams.get(name) !== old) this.#retire(old);
    }
    replace(this.#upstreams, upstreams);
    replace(this.#routes, new Map(routes.map((route) => [route.name, route])));
    state.drainer.setRate(settings.drainRate);
    state.settings = settings;
    state.trusted = trusted;
    state.table = new RouteTable(routes);
  }

  /** The upstreams of new settings: the same ones, as far as they can be. */
  #nextUpstreams(
    settings: BalancerSettings,
    next: Map<string, Upstream>,
  ): void {
    for (const each of settings.upstreams) {
      const old = this.#upstreams.get(each.name);
      next.set(each.name, old ?? new Upstream(each, this.#surroundings));
      for (const backend of old?.update(each) ?? []) {
        this.#state.drainer.drain(backend.tunnels);
      }
    }
  }

  #retire(upstream: Upstream): void {
    upstream.retire();
    for (const { tunnels } of upstream.backends) {
      this.#state.drainer.drain(tunnels);
    }
  }

  #upstream(name: string): Upstream {
    const upstream = this.#upstreams.get(name);
    if (upstream !== undefined) return upstream;
    throw new ConnError(`Cannot find the upstream "${name}"`, {
      code: "unknown_upstream",
      side: "local",
      reply: 404,
    });
  }
}

function replace<K, V>(map: Map<K, V>, by: ReadonlyMap<K, V>): void {
  map.clear();
  for (const [key, value] of by) map.set(key, value);
}
