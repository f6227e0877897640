/**
 * A route while the balancer runs.
 *
 * @module
 */

import type { Fields } from "../../http/codec/fields.ts";
import { sameSettings } from "../config/diff.ts";
import type { BalancerSettings, RouteSettings } from "../config/settings.ts";
import { RequestRelay } from "../fields/request_relay.ts";
import { ResponseRelay } from "../fields/response_relay.ts";
import type { AddressSet } from "../fields/trust.ts";
import { RateLimiter } from "../limits/token_bucket.ts";
import { RequestKey } from "../policy/request_key.ts";
import { ResponseRewrite, rewritePath } from "../routing/rewrite.ts";
import type { RouteMatch } from "../routing/route_table.ts";
import { pickTarget } from "../routing/split.ts";
import type { RequestTarget } from "../routing/target.ts";
import { RouteStats } from "../telemetry/stats.ts";
import type { Backend } from "./backend.ts";
import type { Upstream } from "./upstream.ts";

/** A route, compiled. */
export class Route implements RouteMatch {
  readonly settings: RouteSettings;
  readonly name: string;
  readonly hosts: readonly string[];
  readonly prefix: string;
  readonly requestRelay: RequestRelay;
  readonly responseRelay: ResponseRelay;
  readonly stats: RouteStats;
  readonly #limiter: RateLimiter | undefined;
  readonly #limitKey: RequestKey | undefined;
  readonly #upstreams: ReadonlyMap<string, Upstream>;
  #only: Upstream | undefined;

  constructor(
    settings: RouteSettings,
    common: BalancerSettings,
    trusted: AddressSet,
    upstreams: ReadonlyMap<string, Upstream>,
    before: Route | undefined,
  ) {
    this.settings = settings;
    this.name = settings.name;
    this.hosts = settings.hosts;
    this.prefix = settings.prefix;
    this.#upstreams = upstreams;
    const { forwarded, via } = common;
    this.requestRelay = new RequestRelay({
      forwarded,
      via,
      trusted,
      rules: settings.requestFields,
      host: settings.host,
      websocket: settings.websocket !== false,
    });
    const { replacement, host } = settings;
    this.responseRelay = new ResponseRelay({
      via,
      rules: settings.responseFields,
      ...((replacement !== undefined || host !== "keep") &&
        { rewrite: new ResponseRewrite(settings) }),
    });
    this.stats = before?.stats ?? new RouteStats();
    const { rateLimit } = settings;
    if (rateLimit === undefined) return;
    // Who has used his tokens up does not get new ones by a reload.
    const same = sameSettings(before?.settings.rateLimit, rateLimit);
    this.#limiter = same ? before!.#limiter : new RateLimiter(rateLimit);
    this.#limitKey = new RequestKey(rateLimit.by);
  }

  /**
   * How long a client must wait before its next request, in milliseconds; 0 if it
   * need not, and then this one counts.
   */
  limit(fields: Fields, clientAddress: string, now: number): number {
    if (this.#limiter === undefined) return 0;
    const key = this.#limitKey!.of(fields, clientAddress);
    return this.#limiter.take(key, now);
  }

  /** The upstream of the next request. */
  upstream(random: () => number): Upstream {
    if (this.#only !== undefined) return this.#only;
    const { targets } = this.settings;
    const upstream = this.#upstreams.get(pickTarget(targets, random).upstream)!;
    if (targets.length === 1) this.#only = upstream;
    return upstream;
  }

  /** What becomes of a request besides going to a backend, for people. */
  explain(method: string): string[] {
    const { redirect, websocket, rateLimit, targets } = this.settings;
    const steps: string[] = [];
    if (method === "TRACE") steps.push("TRACE is answered with 405");
    if (redirect !== undefined) {
      steps.push(`The client is sent to the backend itself (${redirect})`);
    }
    if (websocket === false) steps.push("WebSockets are not passed on");
    if (rateLimit !== undefined) {
      const { rate, burst, by } = rateLimit;
      steps.push(
        `${rate} requests a second, ${burst} at once, for each ${by}; beyond it 429`,
      );
    }
    if (targets.length > 1) steps.push("The upstreams share the requests");
    return steps;
  }

  /** What `Host` is on the way to a backend. */
  hostFor(target: RequestTarget, backend: Backend): string {
    const { host } = this.settings;
    if (host === "backend") return backend.authority;
    return host === "keep" ? target.host : host;
  }

  /** The target that a backend gets. */
  targetFor(target: RequestTarget): string {
    const { replacement, prefix } = this.settings;
    return replacement === undefined
      ? target.target
      : rewritePath(target.path, prefix, replacement) + target.query;
  }
}
