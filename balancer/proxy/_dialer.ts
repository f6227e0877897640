// Opening connections to one backend: which address, TLS, the PROXY protocol.

import type { Connected, ConnectOptions } from "../../conn/connect.ts";
import type { Clock } from "../../conn/clock.ts";
import { type HttpSettings, resolveOptions } from "../../http/codec/limits.ts";
import { HttpMachine } from "../../http/machine/machine.ts";
import { sameSettings } from "../config/diff.ts";
import type { Endpoint, UpstreamSettings } from "../config/settings.ts";
import { Resolver } from "../health/resolver.ts";
import type { ClientAddress } from "./_attempt.ts";
import { BackendConn, type ConnOwner } from "./_backend_conn.ts";
import type { Opened } from "./_pool.ts";
import { type Connect, connectWithHeader } from "./_proxy_header.ts";

/** What backends use of the world. */
export interface Surroundings {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Opens connections. */
  readonly connect: Connect;
  /** Finds the addresses of a name; left out: as the system does. */
  readonly lookup: ((hostname: string) => Promise<string[]>) | undefined;
}

/** Opens the connections to one backend. */
export class Dialer {
  readonly #endpoint: Endpoint;
  readonly #surroundings: Surroundings;
  /** Is told that kept connections may not be current any more. */
  readonly #onChange: () => void;
  #settings: UpstreamSettings;
  #http: HttpSettings;
  readonly #resolver: Resolver | undefined;
  /** Counts how often connections have been made in another way. */
  #way = 0;

  constructor(
    endpoint: Endpoint,
    settings: UpstreamSettings,
    surroundings: Surroundings,
    onChange: () => void,
  ) {
    this.#endpoint = endpoint;
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#onChange = onChange;
    this.#http = httpSettings(settings);
    this.#resolver = this.#resolve();
  }

  /** Opens them by other settings from now on. */
  configure(settings: UpstreamSettings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.#http = httpSettings(settings);
    this.#resolver?.setInterval(settings.pool.dnsInterval);
    const same = before.proxyProtocol === settings.proxyProtocol &&
      sameSettings(before.tls, settings.tls);
    if (same) return;
    this.#way++;
    this.#onChange();
  }

  /** Whether a connection is as it would be made now, and leads to the same. */
  isCurrent({ address, way }: BackendConn): boolean {
    return way === this.#way && (this.#resolver?.has(address) ?? true);
  }

  /**
   * Opens a connection.
   *
   * @param client Who it is for, if it is for one.
   */
  async open(
    owner: ConnOwner,
    retireAt: number,
    client: ClientAddress | undefined,
  ): Promise<Opened> {
    const { clock } = this.#surroundings;
    const started = clock.now();
    const way = this.#way;
    const { address, connected } = await this.#connect(client);
    const { transport, secure } = connected;
    const machine = new HttpMachine("client", this.#http);
    const options = { address, way, retireAt, secure, clock };
    const conn = new BackendConn(owner, transport, machine, options);
    return { conn, connectTime: clock.now() - started };
  }

  /** Connects as the upstream wants it; without a client for this end itself. */
  connect(
    options: ConnectOptions,
    client?: ClientAddress,
  ): Promise<Connected> {
    const { connect } = this.#surroundings;
    const { proxyProtocol } = this.#settings;
    return proxyProtocol === undefined
      ? connect(options)
      : connectWithHeader(connect, proxyProtocol, options, client);
  }

  /** Ends the look-ups. */
  close(): void {
    this.#resolver?.close();
  }

  /** Connects to one of the addresses that the name has. */
  async #connect(
    client: ClientAddress | undefined,
  ): Promise<{ address: string; connected: Connected }> {
    const { pool, tls } = this.#settings;
    const options: ConnectOptions = {
      connectTimeout: pool.connectTimeout,
      tlsTimeout: pool.connectTimeout,
      clock: this.#surroundings.clock,
    };
    const endpoint = this.#endpoint;
    if ("path" in endpoint) {
      const target = { ...options, path: endpoint.path };
      return { address: "", connected: await this.connect(target, client) };
    }
    const { hostname, port } = endpoint;
    if (endpoint.tls) options.tls = { serverName: hostname, ...tls };
    for (let left = this.#resolver?.addresses.length ?? 0;; left--) {
      const address = this.#resolver?.next() ?? hostname;
      const target = { ...options, hostname: address, port };
      try {
        return { address, connected: await this.connect(target, client) };
      } catch (error) {
        if (left <= 1) throw error;
      }
    }
  }

  #resolve(): Resolver | undefined {
    const endpoint = this.#endpoint;
    if ("path" in endpoint) return undefined;
    const { clock, lookup } = this.#surroundings;
    return new Resolver({
      hostname: endpoint.hostname,
      interval: this.#settings.pool.dnsInterval,
      clock,
      onChange: this.#onChange,
      ...(lookup && { lookup }),
    });
  }
}

function httpSettings({ pool }: UpstreamSettings): HttpSettings {
  return resolveOptions("client", {
    minBodyRate: pool.minResponseRate,
    lendBodies: true,
  });
}
