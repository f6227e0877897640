/**
 * A backend while the balancer runs.
 *
 * @module
 */

import { formatHostPort } from "../../conn/addr.ts";
import type { Clock } from "../../conn/clock.ts";
import { type TimerWheel, WheelEntry, wheelFor } from "../../conn/wheel.ts";
import type {
  BackendSettings,
  Endpoint,
  UpstreamSettings,
} from "../config/settings.ts";
import { sameChecks } from "../config/diff.ts";
import { BackendHealth } from "../health/backend_health.ts";
import { HealthChecker } from "../health/checker.ts";
import type { Candidate } from "../policy/policy.ts";
import { Ewma } from "../policy/ewma.ts";
import type { BackendSnapshot, BackendState } from "../telemetry/snapshot.ts";
import { BackendStats } from "../telemetry/stats.ts";
import type { TunnelResult, WebSocketTunnel } from "../tunnel/tunnel.ts";
import { Dialer, type Surroundings } from "./_dialer.ts";
import { BackendPool } from "./_pool.ts";

/** Whom a backend tells that it may have become available, or is not any more. */
export interface BackendOwner {
  changed(): void;
}

/** A backend: its connections, its health, its figures. */
export class Backend extends WheelEntry implements Candidate {
  readonly id: string;
  readonly address: string;
  /** Its host and port, as `Host` has them. */
  readonly authority: string;
  settings: BackendSettings;
  readonly pool: BackendPool;
  readonly stats: BackendStats = new BackendStats();
  /** Its WebSocket connections. */
  readonly tunnels: Set<WebSocketTunnel> = new Set();
  weight: number;
  #draining = false;
  #retired = false;
  #upstream: UpstreamSettings;
  readonly #owner: BackendOwner;
  readonly #surroundings: Surroundings;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #health: BackendHealth;
  readonly #dialer: Dialer;
  #checker: HealthChecker | undefined;
  readonly #latency = new Ewma();

  constructor(
    settings: BackendSettings,
    upstream: UpstreamSettings,
    owner: BackendOwner,
    surroundings: Surroundings,
  ) {
    super();
    const { clock } = surroundings;
    this.settings = settings;
    this.id = settings.id;
    this.address = settings.address;
    this.authority = authorityOf(settings.endpoint);
    this.weight = settings.weight;
    this.#upstream = upstream;
    this.#owner = owner;
    this.#surroundings = surroundings;
    this.#clock = clock;
    this.#wheel = wheelFor(clock);
    this.#health = new BackendHealth(upstream);
    this.#dialer = new Dialer(
      settings.endpoint,
      upstream,
      surroundings,
      () => this.pool.review(),
    );
    this.pool = new BackendPool({
      settings: upstream.pool,
      dedicated: upstream.proxyProtocol !== undefined,
      clock,
      name: this.id,
      onFailure: (code) => this.broke(code),
      open: (owner, retireAt, client) => {
        this.stats.connects++;
        return this.#dialer.open(owner, retireAt, client);
      },
      isCurrent: (conn) => this.#dialer.isCurrent(conn),
    });
    this.#checker = this.#check();
  }

  /** Whether it is spoken to by TLS. */
  get isSecure(): boolean {
    const { endpoint } = this.settings;
    return "tls" in endpoint && endpoint.tls;
  }

  /** Requests and WebSocket connections that are under way. */
  get inFlight(): number {
    return this.stats.inFlight;
  }

  /** Mean time to the first byte. */
  get latency(): number {
    return this.#latency.value(this.#clock.now());
  }

  /** Whether it may get requests. */
  get isAvailable(): boolean {
    return !this.#draining && this.#health.isAvailable;
  }

  /** Whether its next response decides about its circuit. */
  get isOnTrial(): boolean {
    return this.#health.circuit === "half_open";
  }

  /** Whether it gets nothing new. */
  get isDraining(): boolean {
    return this.#draining;
  }

  /** Why it is in its state, for people; empty if it is simply up. */
  get reason(): string {
    if (this.#draining) return "it gets nothing new";
    return this.#health.explain(this.#clock.now());
  }

  /**
   * Goes by other settings. What is known of it stays, and so do its connections,
   * but for those put aside that would be made in another way now.
   */
  configure(settings: BackendSettings, upstream: UpstreamSettings): void {
    if (settings.weight !== this.settings.weight) this.weight = settings.weight;
    this.settings = settings;
    const before = this.#upstream;
    if (before === upstream) return;
    this.#upstream = upstream;
    const dedicated = upstream.proxyProtocol !== undefined;
    this.pool.configure(upstream.pool, dedicated);
    this.#dialer.configure(upstream);
    this.#health.configure(upstream);
    if (!sameChecks(before, upstream)) {
      this.#checker?.close();
      this.#checker = this.#check();
    }
    this.#update(true);
  }

  /** Its share while it starts slowly, else 1. */
  share(now: number): number {
    return this.#health.share(now);
  }

  /** What it is in words. */
  get state(): BackendState {
    return this.#draining ? "draining" : this.#health.state(this.#clock.now());
  }

  /**
   * A request is given to it.
   *
   * @returns The ticket to end it with.
   */
  begin(): number {
    this.stats.inFlight++;
    this.stats.requests++;
    const ticket = this.#health.begin();
    if (this.#health.circuit !== "closed") this.#owner.changed();
    return ticket;
  }

  /** That request is over, whatever became of it. */
  end(): void {
    this.stats.inFlight--;
  }

  /**
   * The head of a response is there.
   *
   * @param latency How long that took; `undefined` if it came before the request
   * was complete.
   */
  answered(status: number, latency: number | undefined): void {
    this.stats.status(status);
    if (latency === undefined) return;
    this.#latency.observe(latency, this.#clock.now());
    this.stats.latency.observe(latency);
  }

  /** A request has its response. */
  succeeded(
    status: number,
    latency: number | undefined,
    ticket: number,
  ): void {
    const now = this.#clock.now();
    const { ejection } = this.#upstream;
    this.#update(
      status >= 500 && ejection !== false && ejection.count5xx
        ? this.#health.failed(now, `status_${status}`, ticket)
        : this.#health.succeeded(now, latency, ticket),
    );
  }

  /** A request failed, and that is the backend's fault. */
  failed(code: string, ticket: number): void {
    this.stats.error(code);
    this.#update(this.#health.failed(this.#clock.now(), code, ticket));
  }

  /** A request ended in a way that says nothing about the backend. */
  dropped(ticket: number): void {
    this.#update(this.#health.dropped(ticket));
  }

  /** A connection to it has become a WebSocket. */
  tunnelBegan(tunnel: WebSocketTunnel): void {
    this.tunnels.add(tunnel);
    this.stats.inFlight++;
    this.stats.websockets++;
  }

  /** That is over. */
  tunnelEnded(tunnel: WebSocketTunnel, result: TunnelResult): void {
    this.tunnels.delete(tunnel);
    this.stats.inFlight--;
    this.stats.websockets--;
    this.stats.bytesIn += result.bytesIn;
    this.stats.bytesOut += result.bytesOut;
  }

  /** It did what counts as a failure, outside of any request. */
  broke(code: string): void {
    this.failed(code, this.#health.begin());
  }

  /** Gives it nothing new, or gives it requests again. */
  setDraining(draining: boolean): void {
    if (this.#draining === draining) return;
    this.#draining = draining;
    if (draining) this.pool.retire();
    else this.pool.restore();
    this.#owner.changed();
  }

  /** Ends what it does by itself; what is under way goes on to its end. */
  retire(): void {
    this.#draining = this.#retired = true;
    this.#checker?.close();
    this.#dialer.close();
    this.#wheel.cancel(this);
    this.pool.retire();
  }

  /** The end of an ejection. */
  override due(now: number): void {
    this.#update(this.#health.tick(now));
  }

  /** Its figures. */
  snapshot(): BackendSnapshot {
    const { stats, pool } = this;
    return {
      id: this.id,
      address: this.address,
      weight: this.weight,
      state: this.state,
      circuit: this.#health.circuit,
      check: this.#health.check,
      queued: pool.queued,
      openConnections: pool.open,
      idleConnections: pool.idle,
      meanLatency: this.latency,
      ejections: this.#health.ejections,
      ...stats.snapshot(),
    };
  }

  #check(): HealthChecker | undefined {
    const { health, tls } = this.#upstream;
    if (health === undefined) return undefined;
    const { clock, random } = this.#surroundings;
    return new HealthChecker({
      endpoint: this.settings.endpoint,
      settings: health,
      tls,
      clock,
      random,
      connect: (options) => this.#dialer.connect(options),
      onResult: (passed, reason) => this.#checked(passed, reason),
    });
  }

  #checked(passed: boolean, reason: string): void {
    const now = this.#clock.now();
    this.#update(
      passed
        ? this.#health.checkPassed(now, reason)
        : this.#health.checkFailed(now, reason),
    );
  }

  #update(changed: boolean): void {
    if (!changed || this.#retired) return;
    this.#wheel.schedule(this, this.#health.deadline());
    this.#owner.changed();
  }
}

function authorityOf(endpoint: Endpoint): string {
  return "path" in endpoint
    ? "localhost"
    : formatHostPort(endpoint.hostname, endpoint.port);
}
