/**
 * What each option of a configuration may be. The types in `config.ts` and
 * `file_config.ts` say what they mean.
 *
 * @module
 */

import type {
  BackendConfig,
  BackendTlsConfig,
  EjectionConfig,
  FieldRules,
  HealthCheckConfig,
  PolicyConfig,
  PolicyName,
  PoolConfig,
  RateLimitConfig,
  RetryBudgetConfig,
  RetryConfig,
  RouteConfig,
  SplitConfig,
  TimeoutConfig,
  UpstreamConfig,
  WebSocketRules,
} from "./config.ts";
import type {
  AccessLogConfig,
  AdminConfig,
  FileConfig,
  ListenConfig,
  ListenLimits,
} from "./file_config.ts";
import type { PolicyFunction } from "../policy/policy.ts";
import {
  byType,
  either,
  flag,
  list,
  map,
  number,
  object,
  oneNumberOf,
  oneOf,
  only,
  orFunction,
  required,
  type Shape,
  text,
  whole,
} from "./_shape.ts";
import { MAX_WEIGHT } from "./settings.ts";
import * as rule from "./_text_rules.ts";

/** Milliseconds that may be endless, as whoever takes a time-out away needs. */
const timeout = number({ above: 0, max: Infinity });
/** Milliseconds between two of something. */
const interval = number({ above: 0 });
/** Milliseconds or bytes; none are fine. */
const amount = number({ min: 0 });
/** A number of things or bytes. */
const count = whole({ min: 0 });
/** One or more, or no limit. */
const limit = whole({ min: 1, max: Infinity });
const port = whole({ min: 0, max: 65535 });
const weight = number({ min: 0, max: MAX_WEIGHT });

const fieldRules = object<FieldRules>({
  remove: list(text(rule.fieldName)),
  set: map(text(rule.fieldValue), rule.fieldName),
  add: map(text(rule.fieldValue), rule.fieldName),
});

const timeouts = object<TimeoutConfig>({
  head: timeout,
  body: timeout,
  websocket: timeout,
  request: timeout,
});

const retries = object<RetryConfig>({
  attempts: count,
  statuses: list(whole({ min: 400, max: 599 })),
  maxReplay: count,
  holdBack: count,
});

const rateLimit = object<RateLimitConfig>({
  rate: required(number({ above: 0 })),
  burst: number({ min: 1 }),
  by: text(rule.limitBy),
});

const webSocketRules = object<WebSocketRules>({
  maxFrame: limit,
  maxMessage: limit,
  messageRate: number({ above: 0, max: Infinity }),
  failureCodes: list(whole({ min: 1000, max: 4999 })),
});

const PLAIN_POLICIES = [
  "round_robin",
  "weighted",
  "least_connections",
  "p2c",
  "hash",
  "first",
] as const;

const plainPolicy = object<Exclude<PolicyConfig, { type: "hash" | "sticky" }>>({
  type: required(
    oneOf("round_robin", "weighted", "least_connections", "p2c", "first"),
  ),
});

const policyWithOptions = byType<PolicyConfig>({
  round_robin: plainPolicy,
  weighted: plainPolicy,
  least_connections: plainPolicy,
  p2c: plainPolicy,
  first: plainPolicy,
  hash: object<Extract<PolicyConfig, { type: "hash" }>>({
    type: required(only("hash")),
    by: text(rule.hashBy),
    loadFactor: number({ min: 1, max: Infinity }),
  }),
  sticky: object<Extract<PolicyConfig, { type: "sticky" }>>({
    type: required(only("sticky")),
    cookie: text(rule.token),
    secret: text(rule.notEmpty),
    maxAge: whole({ min: 1 }),
    secure: flag,
    fallback: oneOf(...PLAIN_POLICIES),
  }),
});

const policy = orFunction<PolicyName | PolicyConfig, PolicyFunction>(
  either(oneOf(...PLAIN_POLICIES, "sticky"), policyWithOptions),
);

const pool = object<PoolConfig>({
  maxIdle: count,
  idleTimeout: timeout,
  maxAge: timeout,
  maxConnections: limit,
  maxQueue: count,
  queueTimeout: timeout,
  connectTimeout: timeout,
  unsafeIdle: amount,
  dnsInterval: timeout,
  minResponseRate: amount,
});

const health = object<HealthCheckConfig>({
  path: text(rule.target),
  host: text(rule.hostField),
  statuses: list(whole({ min: 200, max: 599 })),
  body: text(rule.notEmpty),
  interval,
  timeout: interval,
  unhealthyAfter: whole({ min: 1 }),
  healthyAfter: whole({ min: 1 }),
});

const ejection = object<EjectionConfig>({
  failures: limit,
  count5xx: flag,
  maxLatency: timeout,
  baseTime: interval,
  maxTime: interval,
});

const retryBudget = object<RetryBudgetConfig>({
  ratio: amount,
  minPerSecond: amount,
});

const tls = object<BackendTlsConfig>({
  serverName: text(rule.serverName),
  caCerts: list(text(rule.pem)),
});

/** A backend, as an object. */
const backendObject = object<BackendConfig>({
  address: required(text(rule.address)),
  id: text(rule.notEmpty),
  weight,
});

/** A backend. */
export const backendShape: Shape<string | BackendConfig> = either(
  text(rule.address),
  backendObject,
);

const upstream = object<UpstreamConfig>({
  backends: required(list(backendShape, "a list of backends")),
  policy,
  pool,
  health,
  ejection: either(ejection, only(false)),
  slowStart: amount,
  panicThreshold: number({ min: 0, max: 1 }),
  retryBudget,
  proxyProtocol: oneOf("v1", "v2"),
  tls,
});

const split = object<SplitConfig>({
  upstream: required(text()),
  weight: required(weight),
});

const route = object<RouteConfig>({
  name: text(rule.notEmpty),
  hosts: list(text(rule.routeHost)),
  prefix: text(rule.path),
  replacement: text(rule.path),
  upstream: either(text(), upstream),
  split: list(split),
  redirect: oneNumberOf(301, 302, 303, 307, 308),
  host: text(rule.hostField),
  requestFields: fieldRules,
  responseFields: fieldRules,
  timeouts,
  retries,
  hedgeAfter: timeout,
  rateLimit,
  maxInFlight: limit,
  bufferRequest: count,
  maxRequestBody: whole({ min: 0, max: Infinity }),
  websocket: either(flag, webSocketRules),
});

/** All that a file may have; a program's configuration is that or less. */
export const fileShape: Shape<FileConfig> = object<FileConfig>({
  routes: required(list(route, "a list of routes")),
  upstreams: map(upstream, rule.notEmpty),
  trustedProxies: list(text(rule.addressRange)),
  forwarded: oneOf("x-forwarded", "forwarded", "both", "none"),
  via: either(text(rule.receivedBy), only(false)),
  drainRate: number({ above: 0, max: Infinity }),
  listen: object<ListenConfig>({
    hostname: text(rule.notEmpty),
    port,
    certFile: text(rule.notEmpty),
    keyFile: text(rule.notEmpty),
    proxyProtocol: flag,
    limits: object<ListenLimits>({
      maxStartLine: count,
      maxHeaderSection: count,
      maxFields: count,
      maxRequests: whole({ min: 1 }),
      headTimeout: timeout,
      keepAliveTimeout: timeout,
      minBodyRate: amount,
      maxConnections: whole({ min: 1 }),
    }),
  }),
  admin: object<AdminConfig>({
    hostname: text(rule.notEmpty),
    port: required(port),
    token: text(rule.notEmpty),
    tokenFile: text(rule.notEmpty),
  }),
  accessLog: object<AccessLogConfig>({
    format: oneOf("seed", "combined", "json"),
    file: text(rule.notEmpty),
  }),
  workers: whole({ min: 1 }),
});
