// What all connections of a balancer share.

import type { Clock } from "../../conn/clock.ts";
import { TimerWheel } from "../../conn/wheel.ts";
import type { BalancerSettings } from "../config/settings.ts";
import { RequestIds } from "../fields/request_id.ts";
import { AddressSet } from "../fields/trust.ts";
import { RouteTable } from "../routing/route_table.ts";
import type { ExchangeRecord } from "../telemetry/record.ts";
import { Drainer } from "../tunnel/drain.ts";
import type { WebSocketTunnel } from "../tunnel/tunnel.ts";
import type { Surroundings } from "./_dialer.ts";
import type { HttpConn } from "./_backend_conn.ts";
import type { ClientConn } from "./_client_conn.ts";
import type { Route } from "./route.ts";

/** How coarse time-outs of requests and hedges are, in milliseconds. */
const TICK = 10;

/** What all connections of a balancer share. */
export class ProxyState {
  readonly clock: Clock;
  readonly random: () => number;
  readonly wheel: TimerWheel;
  readonly ids: RequestIds = new RequestIds();
  readonly onRequest: ((record: ExchangeRecord) => void) | undefined;
  readonly onError: (error: unknown) => void;
  /** When this began, in milliseconds since the epoch, and on the clock. */
  readonly startedAt: number = Date.now();
  readonly #startedOnClock: number;
  // These change with the configuration.
  settings: BalancerSettings;
  trusted: AddressSet = new AddressSet([]);
  table: RouteTable<Route> = new RouteTable([]);
  /** Takes leave of WebSockets. */
  readonly drainer: Drainer;
  /** Nothing new is to begin. */
  isDraining = false;
  // Who is there.
  readonly clients: Map<HttpConn, ClientConn> = new Map();
  readonly tunnels: Set<WebSocketTunnel> = new Set();
  // Counters.
  accepted = 0;
  unrouted = 0;
  clientLeft = 0;

  constructor(
    settings: BalancerSettings,
    { clock, random }: Surroundings,
    onRequest: ((record: ExchangeRecord) => void) | undefined,
    onError: (error: unknown) => void,
  ) {
    this.settings = settings;
    this.drainer = new Drainer({ rate: settings.drainRate, clock });
    this.clock = clock;
    this.random = random;
    this.onRequest = onRequest;
    this.onError = onError;
    this.wheel = new TimerWheel(clock, { tick: TICK });
    this.#startedOnClock = clock.now();
  }

  /** Tells the program of a request; what it throws is no matter of a connection. */
  tell(record: ExchangeRecord): void {
    try {
      this.onRequest?.(record);
    } catch (error) {
      this.onError(error);
    }
  }

  /** A time on the clock, in milliseconds since the epoch. */
  timeOf(onClock: number): number {
    return this.startedAt + onClock - this.#startedOnClock;
  }
}
