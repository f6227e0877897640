/**
 * What a balancer does, as data: the same in a program and in a file.
 *
 * All times are in milliseconds, all sizes in bytes.
 *
 * @module
 */

import type { PolicyFunction } from "../policy/policy.ts";

/** What a balancer does. */
export interface BalancerConfig {
  /**
   * Where requests go: the route with the best match of the host, then the one
   * with the longest prefix, then the first one.
   */
  routes: RouteConfig[];
  /** Groups of backends, by the names that routes use. */
  upstreams?: Record<string, UpstreamConfig>;
  /**
   * Addresses and CIDR ranges of proxies in front of this one. What such a peer
   * says in `X-Forwarded-*`, `Forwarded`, `X-Real-IP` and `X-Request-Id` is believed; what any
   * other says there is dropped.
   *
   * @default {[]}
   */
  trustedProxies?: string[];
  /**
   * Which fields tell a backend who the client is: `X-Forwarded-For`, `-Host` and
   * `-Proto`; `Forwarded` (RFC 7239); both; or none.
   *
   * @default {"x-forwarded"}
   */
  forwarded?: "x-forwarded" | "forwarded" | "both" | "none";
  /**
   * The name that this balancer has in `Via`, RFC 9110 §7.6.3; `false` to send
   * none.
   *
   * @default {"meerkat"}
   */
  via?: string | false;
  /**
   * How many WebSocket connections are told to go away (1001) a second, on
   * shutdown and when a backend is drained.
   *
   * @default {100}
   */
  drainRate?: number;
}

/** Which requests go where, and what is done to them on the way. */
export interface RouteConfig {
  /**
   * The route's name in logs, metrics and explanations.
   *
   * @default The hosts and the prefix
   */
  name?: string;
  /**
   * The hosts that it is for: `"example.com"`, or `"*.example.com"` for every name
   * below that. Without the port, in any case. Left out: any host.
   */
  hosts?: string[];
  /**
   * The path that it is for, with all paths below: `"/api"` is for `/api` and
   * `/api/users`, not for `/apis`.
   *
   * @default {"/"}
   */
  prefix?: string;
  /** What takes the prefix's place in the path that the backend gets. */
  replacement?: string;
  /** The upstream's name, or an upstream of the route's own. */
  upstream?: string | UpstreamConfig;
  /** Several upstreams in place of one: a canary. */
  split?: SplitConfig[];
  /**
   * Answer with this status (301, 302, 303, 307 or 308) and the backend's URL in
   * `Location`, in place of proxying.
   */
  redirect?: number;
  /**
   * The `Host` that the backend gets: the client's (`"keep"`), the backend's own
   * address (`"backend"`), or any other text as it is.
   *
   * @default {"keep"}
   */
  host?: string;
  /** Changes to the fields of requests. */
  requestFields?: FieldRules;
  /** Changes to the fields of responses. */
  responseFields?: FieldRules;
  /** How long things may take. */
  timeouts?: TimeoutConfig;
  /** When a request is tried again on another backend. */
  retries?: RetryConfig;
  /**
   * Send a GET or HEAD that has no response after so many milliseconds to another
   * backend too, within the retry budget, and take the first response.
   *
   * @default {Infinity} In a file: left out.
   */
  hedgeAfter?: number;
  /** How many requests a second. Beyond it: 429. */
  rateLimit?: RateLimitConfig;
  /**
   * How many requests and WebSocket connections may be under way. Beyond it: 503.
   *
   * @default {Infinity} In a file: left out.
   */
  maxInFlight?: number;
  /**
   * Take a request's body completely, up to so many bytes, before a backend is
   * asked. Beyond it: 413.
   *
   * @default {0} Bodies are passed on as they come.
   */
  bufferRequest?: number;
  /**
   * The longest body of a request. Beyond it: 413.
   *
   * @default {Infinity} In a file: left out.
   */
  maxRequestBody?: number;
  /**
   * WebSocket connections: `false` refuses them (the `Upgrade` field is not passed
   * on), rules let the balancer look into their frames.
   *
   * @default {true}
   */
  websocket?: boolean | WebSocketRules;
}

/** One part of a split. */
export interface SplitConfig {
  /** The upstream's name. */
  upstream: string;
  /** Its share, relative to the others'. */
  weight: number;
}

/** Changes to the fields of a message. Names are in any case. */
export interface FieldRules {
  /** Fields to take away; done first. */
  remove?: string[];
  /** Fields to give one value, whatever they had. */
  set?: Record<string, string>;
  /** Fields to add. */
  add?: Record<string, string>;
}

/** How long things may take. */
export interface TimeoutConfig {
  /**
   * From the request's last byte, or the last byte of it that the backend took, to
   * the response's head. Beyond it: 504.
   *
   * @default {60000}
   */
  head?: number;
  /**
   * The longest pause in a response's body, while the client takes it. Beyond it
   * the response breaks: event streams need a larger one, or a heartbeat.
   *
   * @default {60000}
   */
  body?: number;
  /**
   * The longest silence of a WebSocket connection, both ways. Beyond it both ends
   * get 1001.
   *
   * @default {3600000}
   */
  websocket?: number;
  /**
   * From the request's head to the response's end; WebSocket connections apart.
   *
   * @default {Infinity} In a file: left out.
   */
  request?: number;
}

/** When a request is tried again on another backend. */
export interface RetryConfig {
  /**
   * How many times, at most. Only what is safe: idempotent methods, and what is
   * provably not sent.
   *
   * @default {2}
   */
  attempts?: number;
  /**
   * Statuses of responses to idempotent requests that are tried again, too.
   *
   * @default {[]}
   */
  statuses?: number[];
  /**
   * Keep so much of a request's body to be able to send it again.
   *
   * @default {65536}
   */
  maxReplay?: number;
  /**
   * Hold a response back until it is complete if its length is known and no more
   * than this, so that the client does not see a backend that breaks in the middle
   * of it: a request that may be sent twice is tried again, another gets 502.
   *
   * @default {65536}
   */
  holdBack?: number;
}

/** A token bucket for each client. */
export interface RateLimitConfig {
  /** Requests a second. */
  rate: number;
  /**
   * How many at once.
   *
   * @default {rate} At least 1.
   */
  burst?: number;
  /**
   * What tells clients apart: `"address"`, or `"header:NAME"`. Who has no such
   * field is told apart by the address. A field must be checked by something in
   * front: whoever makes values up has no limit.
   *
   * @default {"address"}
   */
  by?: string;
}

/** What a balancer that looks into WebSocket frames enforces. */
export interface WebSocketRules {
  /**
   * The largest payload of a frame, either way. Beyond it: 1009.
   *
   * @default {Infinity} In a file: left out.
   */
  maxFrame?: number;
  /**
   * The largest message, either way. Beyond it: 1009.
   *
   * @default {Infinity} In a file: left out.
   */
  maxMessage?: number;
  /**
   * Messages a second from a client. Beyond it: 1008.
   *
   * @default {Infinity} In a file: left out.
   */
  messageRate?: number;
  /**
   * Close codes of a backend that count as a failure of it.
   *
   * @default {[1011, 1012, 1013, 1014]}
   */
  failureCodes?: number[];
}

/** Backends that serve the same, and how one of them is chosen. */
export interface UpstreamConfig {
  /** The backends. A string is an address. */
  backends: (string | BackendConfig)[];
  /**
   * How a backend is chosen.
   *
   * @default {"round_robin"}
   */
  policy?: PolicyName | PolicyConfig | PolicyFunction;
  /** Connections to each backend. */
  pool?: PoolConfig;
  /** Active health checks. Left out: none. */
  health?: HealthCheckConfig;
  /**
   * Passive health checks: backends that fail are left alone for a while.
   *
   * @default {{}} The defaults of {@linkcode EjectionConfig}.
   */
  ejection?: EjectionConfig | false;
  /**
   * How long the share of a backend grows after it has come back.
   *
   * @default {0}
   */
  slowStart?: number;
  /**
   * If no more than this share of the backends (0 to 1) is available, all that are
   * not draining are tried.
   *
   * @default {0} Only when none is available.
   */
  panicThreshold?: number;
  /** How many retries and hedges there may be. */
  retryBudget?: RetryBudgetConfig;
  /**
   * Begin each connection with the PROXY protocol. There is a connection for each
   * request then.
   */
  proxyProtocol?: "v1" | "v2";
  /** How TLS is spoken with `https:` backends. */
  tls?: BackendTlsConfig;
}

/** A backend. */
export interface BackendConfig {
  /**
   * `"host:port"`, `"http://host:port"`, `"https://host:port"`, or
   * `"unix:/path"`.
   */
  address: string;
  /**
   * Names it in logs, metrics and the admin API.
   *
   * @default The address
   */
  id?: string;
  /**
   * Its share, relative to the others'; 0 for none, at most a million.
   *
   * @default {1}
   */
  weight?: number;
}

/** Policies without options. */
export type PolicyName =
  | "round_robin"
  | "weighted"
  | "least_connections"
  | "p2c"
  | "hash"
  | "sticky"
  | "first";

/** A policy with options. */
export type PolicyConfig =
  | {
    /** These have no options. */
    type: "round_robin" | "weighted" | "least_connections" | "p2c" | "first";
  }
  | {
    /** Consistent hashing with bounded loads. */
    type: "hash";
    /**
     * What is hashed: `"address"`, `"header:NAME"` or `"cookie:NAME"`.
     *
     * @default {"address"}
     */
    by?: string;
    /**
     * How much more than the average a backend may have under way.
     *
     * @default {1.25}
     */
    loadFactor?: number;
  }
  | {
    /** A client stays with the backend that it got first, by a signed cookie. */
    type: "sticky";
    /**
     * The cookie's name.
     *
     * @default {"meerkat"}
     */
    cookie?: string;
    /** Signs the cookie. Left out: random, so it ends with the process. */
    secret?: string;
    /**
     * The cookie's life in seconds. Left out: the browser's session.
     */
    maxAge?: number;
    /**
     * Send the cookie with `Secure`.
     *
     * @default {false}
     */
    secure?: boolean;
    /**
     * Chooses for who has none.
     *
     * @default {"least_connections"}
     */
    fallback?: Exclude<PolicyName, "sticky">;
  };

/** Connections to a backend. */
export interface PoolConfig {
  /**
   * Connections kept while nobody uses them; 0 for a connection each request.
   *
   * @default {256}
   */
  maxIdle?: number;
  /**
   * How long they are kept so. Less if the backend says so in `Keep-Alive`.
   *
   * @default {30000}
   */
  idleTimeout?: number;
  /**
   * How old a connection may become before it is not used any more.
   *
   * @default {600000}
   */
  maxAge?: number;
  /**
   * Connections at the same time; those that have become WebSockets apart, which
   * `maxInFlight` of the route bounds.
   *
   * @default {1024}
   */
  maxConnections?: number;
  /**
   * Requests that may wait for a connection. Beyond it: 503.
   *
   * @default {1024}
   */
  maxQueue?: number;
  /**
   * How long one may wait. Beyond it: 503.
   *
   * @default {10000}
   */
  queueTimeout?: number;
  /**
   * How long connecting may take.
   *
   * @default {2000}
   */
  connectTimeout?: number;
  /**
   * A request that must not be sent twice uses a kept connection only if it was
   * used no longer ago than this.
   *
   * @default {1000}
   */
  unsafeIdle?: number;
  /**
   * How often the backend's name is looked up. Connections to addresses that it
   * does not have any more are not used again.
   *
   * @default {30000}
   */
  dnsInterval?: number;
  /**
   * The slowest that a response's body may come, in bytes per second, while the
   * client takes it; slower for 5 seconds is a failure. 0 is no minimum. What
   * comes from clients has a minimum of its own, `minBodyRate` of
   * {@linkcode BalanceOptions}.
   *
   * @default {0}
   */
  minResponseRate?: number;
}

/** Active health checks. */
export interface HealthCheckConfig {
  /**
   * The path that is asked for by GET. Left out: connecting is enough (TCP).
   */
  path?: string;
  /**
   * The `Host` of the request.
   *
   * @default The backend's address
   */
  host?: string;
  /**
   * Statuses that pass.
   *
   * @default {[200, 204]}
   */
  statuses?: number[];
  /** Text that the first 64 KiB of the body must contain. */
  body?: string;
  /**
   * The time between checks; each is up to a tenth early or late.
   *
   * @default {5000}
   */
  interval?: number;
  /**
   * How long a check may take.
   *
   * @default {2000}
   */
  timeout?: number;
  /**
   * Checks in a row that must fail for a healthy backend to be unhealthy. One is
   * enough if it is the first of all.
   *
   * @default {3}
   */
  unhealthyAfter?: number;
  /**
   * Checks in a row that must pass for an unhealthy backend to be healthy.
   *
   * @default {2}
   */
  healthyAfter?: number;
}

/** Passive health checks: when a backend is left alone, and for how long. */
export interface EjectionConfig {
  /**
   * Failures in a row: no connection, no response, a response that breaks.
   *
   * @default {5}
   */
  failures?: number;
  /**
   * Whether responses of 500 and above count as failures.
   *
   * @default {false}
   */
  count5xx?: boolean;
  /**
   * A mean time to the first byte above this ejects, too.
   *
   * @default {Infinity} In a file: left out.
   */
  maxLatency?: number;
  /**
   * For how long at first; each time in a row it is twice as long.
   *
   * @default {1000}
   */
  baseTime?: number;
  /**
   * The longest that it can become.
   *
   * @default {60000}
   */
  maxTime?: number;
}

/** How many retries and hedges there may be: a share of the requests. */
export interface RetryBudgetConfig {
  /**
   * Retries for each request.
   *
   * @default {0.2}
   */
  ratio?: number;
  /**
   * Retries a second that are always allowed.
   *
   * @default {10}
   */
  minPerSecond?: number;
}

/** How TLS is spoken with backends. */
export interface BackendTlsConfig {
  /**
   * The name that the certificate must be for.
   *
   * @default The host of the address
   */
  serverName?: string;
  /** Certificates of authorities, PEM. Left out: the system's. */
  caCerts?: string[];
}
