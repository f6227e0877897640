/**
 * From a configuration to settings: checked, and with every default filled in.
 *
 * @module
 */

import type {
  BackendConfig,
  BalancerConfig,
  FieldRules,
  HealthCheckConfig,
  RateLimitConfig,
  RouteConfig,
  UpstreamConfig,
} from "./config.ts";
import { ConfigError } from "./config_error.ts";
import * as defaults from "./_defaults.ts";
import { parseEndpoint } from "./endpoint.ts";
import { type Finding, formatPath, Report } from "./_report.ts";
import type {
  BackendSettings,
  BalancerSettings,
  HealthCheckSettings,
  RouteSettings,
  RouteTarget,
  UpstreamSettings,
  WebSocketSettings,
} from "./settings.ts";
import { backendShape } from "./_config_shape.ts";
import { inspect } from "./_shape.ts";
import { validateConfig } from "./validate.ts";

/**
 * Checks a configuration and fills in its defaults.
 *
 * @param config The configuration. What a {@linkcode FileConfig} has beside it is
 * checked, too, and left to the program.
 * @returns The settings, which share nothing that can be changed with it.
 * @throws {ConfigError} With all that is wrong.
 */
export function resolveConfig(config: BalancerConfig): BalancerSettings {
  throwIfWrong(validateConfig(config));
  const upstreams = Object.entries(config.upstreams ?? {})
    .map(([name, upstream]) => resolveUpstream(name, upstream));
  const upstreamNames = new Names(upstreams.map(({ name }) => name));
  const routeNames = new Names(
    config.routes.flatMap(({ name }) => name === undefined ? [] : [name]),
  );
  const routes = config.routes.map((route) => {
    const name = route.name ?? routeNames.add(describeRoute(route));
    let { upstream } = route;
    if (typeof upstream === "object") {
      const own = resolveUpstream(upstreamNames.add(name), upstream);
      upstreams.push(own);
      upstream = own.name;
    }
    const targets = upstream === undefined
      ? (route.split ?? []).map((part) => ({ ...part }))
      : [{ upstream, weight: 1 }];
    return resolveRoute(name, route, targets);
  });
  return {
    routes,
    upstreams,
    trustedProxies: [...config.trustedProxies ?? []],
    forwarded: config.forwarded ?? "x-forwarded",
    via: config.via ?? "meerkat",
    drainRate: config.drainRate ?? 100,
  };
}

/**
 * Checks a backend that comes by itself, and fills in its defaults.
 *
 * @param config The backend, or its address.
 * @returns The settings.
 * @throws {ConfigError} With all that is wrong.
 */
export function resolveBackend(
  config: string | BackendConfig,
): BackendSettings {
  const report = new Report();
  inspect(backendShape, config, [], report);
  throwIfWrong(report.findings);
  const { address, id = address, weight = 1 } = typeof config === "string"
    ? { address: config }
    : config;
  return { id, address, weight, endpoint: parseEndpoint(address)! };
}

function throwIfWrong(findings: readonly Finding[]): void {
  if (findings.length === 0) return;
  throw new ConfigError(
    findings.map(({ path, message }) => ({ path: formatPath(path), message })),
  );
}

function resolveRoute(
  name: string,
  route: RouteConfig,
  targets: RouteTarget[],
): RouteSettings {
  return {
    name,
    hosts: hostsOf(route),
    prefix: route.prefix ?? "/",
    replacement: route.replacement,
    targets,
    redirect: route.redirect,
    host: route.host ?? "keep",
    requestFields: resolveRules(route.requestFields),
    responseFields: resolveRules(route.responseFields),
    timeouts: fill(defaults.TIMEOUTS, route.timeouts),
    retries: fill(defaults.RETRIES, route.retries),
    hedgeAfter: route.hedgeAfter ?? Infinity,
    rateLimit: route.rateLimit && resolveRateLimit(route.rateLimit),
    maxInFlight: route.maxInFlight ?? Infinity,
    bufferRequest: route.bufferRequest ?? 0,
    maxRequestBody: route.maxRequestBody ?? Infinity,
    websocket: resolveWebSocket(route.websocket ?? true),
  };
}

function resolveUpstream(
  name: string,
  upstream: UpstreamConfig,
): UpstreamSettings {
  const { policy = "round_robin", ejection = {}, health } = upstream;
  return {
    name,
    backends: upstream.backends.map(resolveBackend),
    policy: typeof policy === "string"
      ? { type: policy }
      : typeof policy === "object"
      ? { ...policy }
      : policy,
    pool: fill(defaults.POOL, upstream.pool),
    health: health && resolveHealth(health),
    ejection: ejection && fill(defaults.EJECTION, ejection),
    slowStart: upstream.slowStart ?? 0,
    panicThreshold: upstream.panicThreshold ?? 0,
    retryBudget: fill(defaults.RETRY_BUDGET, upstream.retryBudget),
    proxyProtocol: upstream.proxyProtocol,
    tls: structuredClone(upstream.tls ?? {}),
  };
}

function resolveHealth(health: HealthCheckConfig): HealthCheckSettings {
  return {
    ...fill(defaults.HEALTH, health),
    path: health.path,
    host: health.host,
    body: health.body,
  };
}

function resolveRateLimit(limit: RateLimitConfig): Required<RateLimitConfig> {
  const { rate, burst = Math.max(1, rate), by = "address" } = limit;
  return { rate, burst, by };
}

function resolveRules(rules: FieldRules = {}): Required<FieldRules> {
  return {
    remove: [...rules.remove ?? []],
    set: { ...rules.set },
    add: { ...rules.add },
  };
}

function resolveWebSocket(
  websocket: NonNullable<RouteConfig["websocket"]>,
): WebSocketSettings | false {
  if (websocket === false) return false;
  const rules = websocket === true ? undefined : websocket;
  return { ...fill(defaults.WEBSOCKET, rules), inspect: rules !== undefined };
}

/** Defaults, with what is set in their place. */
function fill<T extends object>(
  all: Required<T>,
  some: T | undefined,
): Required<T> {
  const filled = structuredClone(all);
  for (const key of Object.keys(all) as (keyof T)[]) {
    const value = some?.[key];
    if (value !== undefined) {
      filled[key] = structuredClone(value) as Required<T>[keyof T];
    }
  }
  return filled;
}

function hostsOf(route: RouteConfig): string[] {
  return (route.hosts ?? []).map((host) => host.toLowerCase());
}

/** The name of a route that has none. */
function describeRoute(route: RouteConfig): string {
  return hostsOf(route).join(",") + (route.prefix ?? "/");
}

/** Names that are taken. */
class Names {
  readonly #taken: Set<string>;

  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  /** Takes a name; a number comes behind it if somebody has it. */
  add(name: string): string {
    let unique = name;
    for (let i = 2; this.#taken.has(unique); i++) unique = `${name} #${i}`;
    this.#taken.add(unique);
    return unique;
  }
}
