// The way from a URL to an origin of the pool, worked out once for each URL.

import type { TlsClientOptions } from "../../conn/connect.ts";
import { isForwarded, type Place } from "./_connector.ts";
import type { Fields } from "../codec/fields.ts";
import type { Origin } from "./_origin.ts";
import type { Pool } from "./_pool.ts";
import { bypassesProxy, proxyAuthorization } from "./proxy.ts";
import { plainFields, type RouteFields } from "./_request_head.ts";
import type { Settings } from "./_settings.ts";
import { BoundedMap, parseTarget, type Target } from "./_target.ts";

const MAX_ROUTES = 1024;

/** How requests for one URL go out. */
export class Route implements RouteFields {
  readonly target: Target;
  readonly place: Place;
  /** The request target, as the next hop wants it. */
  readonly wireTarget: string;
  readonly proxyAuthorization: string | undefined;
  readonly #pool: Pool;
  readonly #settings: Settings;
  readonly #key: string;
  #origin: Origin;
  #decoding: Fields | undefined;
  #plain: Fields | undefined;

  constructor(target: Target, place: Place, pool: Pool, settings: Settings) {
    this.target = target;
    this.place = place;
    this.#pool = pool;
    this.#settings = settings;
    const forwarded = isForwarded(place);
    const { proxy, unix } = place;
    const via = proxy && `${proxy.kind}://${proxy.hostname}:${proxy.port}`;
    // A proxy that forwards takes requests for all origins on one connection.
    this.#key = forwarded ? via! : `${target.origin} ${unix ?? via ?? ""}`;
    this.wireTarget = forwarded
      ? `http://${target.host}${target.path}`
      : target.path;
    this.proxyAuthorization = forwarded
      ? proxyAuthorization(proxy!)
      : undefined;
    this.#origin = pool.origin(this.#key, place);
  }

  /** The value of `Host`. */
  get host(): string {
    return this.target.host;
  }

  /** Where the connections are. */
  get origin(): Origin {
    // The pool forgets an origin without connections.
    if (!this.#origin.known) {
      this.#origin = this.#pool.origin(this.#key, this.place);
    }
    return this.#origin;
  }

  /** The fields of a request that has none of its own. */
  plain(decode: boolean): Fields {
    const { defaults, plainDefaults } = this.#settings;
    if (decode) return this.#decoding ??= plainFields(this, defaults);
    return this.#plain ??= plainFields(this, plainDefaults);
  }
}

/** Finds routes, and remembers them. */
export class Router {
  readonly #pool: Pool;
  readonly #settings: Settings;
  readonly #tls: TlsClientOptions;
  readonly #routes = new BoundedMap<Route>(MAX_ROUTES);

  constructor(pool: Pool, settings: Settings, tls: TlsClientOptions) {
    this.#pool = pool;
    this.#settings = settings;
    this.#tls = tls;
  }

  /**
   * The route to a URL.
   *
   * @param url The URL.
   * @param unix A Unix socket to connect to, whatever the URL's host.
   * @throws {ConnError} With code `"url_invalid"`.
   */
  find(url: string, unix?: string): Route {
    const key = unix === undefined ? url : `${unix} ${url}`;
    let route = this.#routes.get(key);
    if (route === undefined) {
      route = this.#make(parseTarget(url), unix ?? this.#settings.unix);
      this.#routes.set(key, route);
    }
    return route;
  }

  #make(target: Target, unix: string | undefined): Route {
    const { proxy, noProxy } = this.#settings;
    const { hostname, port, secure, webSocket } = target;
    const direct = proxy === undefined || unix !== undefined ||
      bypassesProxy(hostname, port, noProxy);
    const place: Place = {
      hostname,
      port,
      unix,
      tls: secure ? this.#tls : undefined,
      proxy: direct ? undefined : proxy,
      tunnel: webSocket,
    };
    return new Route(target, place, this.#pool, this.#settings);
  }
}
