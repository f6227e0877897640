/**
 * A configuration with every default filled in.
 *
 * @module
 */

import type { PolicyFunction } from "../policy/policy.ts";
import type {
  BackendTlsConfig,
  EjectionConfig,
  FieldRules,
  HealthCheckConfig,
  PolicyConfig,
  PoolConfig,
  RateLimitConfig,
  RetryBudgetConfig,
  RetryConfig,
  TimeoutConfig,
  WebSocketRules,
} from "./config.ts";

/** See {@linkcode BalancerConfig}. */
export interface BalancerSettings {
  readonly routes: readonly RouteSettings[];
  /** Those that are named, and then the routes' own, by the names of the routes. */
  readonly upstreams: readonly UpstreamSettings[];
  readonly trustedProxies: readonly string[];
  readonly forwarded: "x-forwarded" | "forwarded" | "both" | "none";
  readonly via: string | false;
  readonly drainRate: number;
}

/** See {@linkcode RouteConfig}. */
export interface RouteSettings {
  /** Unique. */
  readonly name: string;
  /** In lower case; empty for any host. */
  readonly hosts: readonly string[];
  readonly prefix: string;
  readonly replacement: string | undefined;
  /** One, or several of a split. */
  readonly targets: readonly RouteTarget[];
  readonly redirect: number | undefined;
  readonly host: string;
  readonly requestFields: Readonly<Required<FieldRules>>;
  readonly responseFields: Readonly<Required<FieldRules>>;
  readonly timeouts: Readonly<Required<TimeoutConfig>>;
  readonly retries: Readonly<Required<RetryConfig>>;
  readonly hedgeAfter: number;
  readonly rateLimit: Readonly<Required<RateLimitConfig>> | undefined;
  readonly maxInFlight: number;
  readonly bufferRequest: number;
  readonly maxRequestBody: number;
  readonly websocket: WebSocketSettings | false;
}

/** An upstream that a route uses. */
export interface RouteTarget {
  readonly upstream: string;
  readonly weight: number;
}

/** See {@linkcode WebSocketRules}. */
export interface WebSocketSettings extends Readonly<Required<WebSocketRules>> {
  /** Whether rules were given: then frames are looked into. */
  readonly inspect: boolean;
}

/** See {@linkcode UpstreamConfig}. */
export interface UpstreamSettings {
  /** Unique. */
  readonly name: string;
  readonly backends: readonly BackendSettings[];
  readonly policy: PolicyConfig | PolicyFunction;
  readonly pool: Readonly<Required<PoolConfig>>;
  readonly health: HealthCheckSettings | undefined;
  readonly ejection: Readonly<Required<EjectionConfig>> | false;
  readonly slowStart: number;
  readonly panicThreshold: number;
  readonly retryBudget: Readonly<Required<RetryBudgetConfig>>;
  readonly proxyProtocol: "v1" | "v2" | undefined;
  readonly tls: Readonly<BackendTlsConfig>;
}

/** See {@linkcode HealthCheckConfig}. */
export interface HealthCheckSettings
  extends
    Readonly<Required<Omit<HealthCheckConfig, "path" | "host" | "body">>> {
  readonly path: string | undefined;
  readonly host: string | undefined;
  readonly body: string | undefined;
}

/** The largest weight: sums of them stay exact. */
export const MAX_WEIGHT = 1_000_000;

/** See {@linkcode BackendConfig}. */
export interface BackendSettings {
  /** Unique in its upstream. */
  readonly id: string;
  /** As it was written. */
  readonly address: string;
  readonly weight: number;
  readonly endpoint: Endpoint;
}

/** Where a backend is. */
export type Endpoint =
  | { readonly hostname: string; readonly port: number; readonly tls: boolean }
  | { readonly path: string };
