/**
 * The defaults that `config.ts` documents.
 *
 * @module
 */

import type {
  EjectionConfig,
  HealthCheckConfig,
  PoolConfig,
  RetryBudgetConfig,
  RetryConfig,
  TimeoutConfig,
  WebSocketRules,
} from "./config.ts";

/** See {@linkcode TimeoutConfig}. */
export const TIMEOUTS: Required<TimeoutConfig> = {
  head: 60_000,
  body: 60_000,
  websocket: 3_600_000,
  request: Infinity,
};

/** See {@linkcode RetryConfig}. */
export const RETRIES: Required<RetryConfig> = {
  attempts: 2,
  statuses: [],
  maxReplay: 64 * 1024,
  holdBack: 64 * 1024,
};

/** See {@linkcode WebSocketRules}. */
export const WEBSOCKET: Required<WebSocketRules> = {
  maxFrame: Infinity,
  maxMessage: Infinity,
  messageRate: Infinity,
  failureCodes: [1011, 1012, 1013, 1014],
};

/** See {@linkcode PoolConfig}. */
export const POOL: Required<PoolConfig> = {
  maxIdle: 256,
  idleTimeout: 30_000,
  maxAge: 600_000,
  maxConnections: 1024,
  maxQueue: 1024,
  queueTimeout: 10_000,
  connectTimeout: 2_000,
  unsafeIdle: 1_000,
  dnsInterval: 30_000,
  minResponseRate: 0,
};

/** See {@linkcode HealthCheckConfig}; the rest of it has none. */
export const HEALTH: Required<
  Omit<HealthCheckConfig, "path" | "host" | "body">
> = {
  statuses: [200, 204],
  interval: 5_000,
  timeout: 2_000,
  unhealthyAfter: 3,
  healthyAfter: 2,
};

/** See {@linkcode EjectionConfig}. */
export const EJECTION: Required<EjectionConfig> = {
  failures: 5,
  count5xx: false,
  maxLatency: Infinity,
  baseTime: 1_000,
  maxTime: 60_000,
};

/** See {@linkcode RetryBudgetConfig}. */
export const RETRY_BUDGET: Required<RetryBudgetConfig> = {
  ratio: 0.2,
  minPerSecond: 10,
};
