/**
 * The HTTP client.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { Call, type CallHost } from "./_call.ts";
import { ClientConn } from "./_client_conn.ts";
import type { ClientOptions, RequestOptions } from "./client_options.ts";
import type { ClientResponse } from "./client_response.ts";
import { type Connector, openTransport } from "./_connector.ts";
import { fetchWith } from "./_fetch.ts";
import { type HttpSettings, resolveOptions } from "../codec/limits.ts";
import { HttpMachine } from "../machine/machine.ts";
import type { Origin } from "./_origin.ts";
import { Pool } from "./_pool.ts";
import { RetryPolicy } from "./retry.ts";
import { Router } from "./_route.ts";
import { resolveSettings, type Settings } from "./_settings.ts";
import { socketConnector } from "./_sockets.ts";

const NO_OPTIONS: RequestOptions = {};

/**
 * An HTTP client: a pool of connections, and what its requests have in common.
 *
 * Connections are kept for the requests that follow. They do not keep a program
 * running: a script whose requests are done ends by itself.
 *
 * @example A client of one's own
 * ```ts
 * import { Client, serve } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   (request) => new Response(request.headers.get("user-agent")),
 * );
 * await using client = new Client({
 *   fields: { "User-Agent": "my-program/1.0" },
 *   timeouts: { connect: 2000, total: 10_000 },
 *   pool: { connectionsPerOrigin: 8 },
 * });
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await client.request(`http://127.0.0.1:${port}/`);
 * assertEquals(await response.text(), "my-program/1.0");
 * ```
 */
export class Client implements AsyncDisposable {
  readonly #settings: Settings;
  readonly #connector: Connector;
  readonly #options: ClientOptions;
  readonly #limits: HttpSettings;
  readonly #host: CallHost;
  readonly #pool: Pool;
  /** Requests under way. */
  #active = 0;
  #refusing = false;
  #idle: PromiseWithResolvers<void> | undefined;

  /**
   * Creates a client. Connections are opened as requests need them.
   *
   * @param options Time-outs, the pool's size, the proxy and so on.
   * @throws {ConnError} With code `"proxy_invalid"`.
   * @throws {RangeError} If a limit is out of its range.
   */
  constructor(options: ClientOptions = {}) {
    const settings = this.#settings = resolveSettings(options);
    this.#options = options;
    this.#limits = resolveOptions("client", options.limits);
    this.#connector = options.connect ??
      socketConnector(settings.clock, options.inspect);
    this.#pool = new Pool(
      settings.clock,
      (origin, signal) => this.#open(origin, signal),
      options.pool,
    );
    this.#host = {
      settings,
      pool: this.#pool,
      pausing: new Set(),
      router: new Router(this.#pool, settings, options.tls ?? {}),
      policy: new RetryPolicy(
        options.retry || { attempts: options.retry === false ? 1 : 3 },
      ),
      strictPolicy: new RetryPolicy({ attempts: 1 }),
      began: () => {
        this.#active++;
      },
      ended: () => {
        if (--this.#active === 0) this.#idle?.resolve();
      },
    };
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#pool.conns.size;
  }

  /**
   * Sends a request, and resolves when the head of the reply is there.
   *
   * @param url Where to: an absolute `http:` or `https:` URL. User information
   * in it becomes an `Authorization` field. `ws:` and `wss:` lead to the same
   * places, for a request that asks for an upgrade: a proxy opens a tunnel for it.
   * @param options Method, fields, body and so on.
   * @returns The reply. Whatever its status, it is no error.
   * @throws {ConnError} If there is no reply.
   */
  request(
    url: string | URL,
    options: RequestOptions = NO_OPTIONS,
  ): Promise<ClientResponse> {
    if (this.#refusing) return Promise.reject(clientClosed());
    return new Promise((resolve, reject) => {
      const text = typeof url === "string" ? url : url.href;
      new Call(this.#host, text, options, { resolve, reject });
    });
  }

  /**
   * Sends a request as the global `fetch` does.
   *
   * @param input The URL, or a request.
   * @param init What to change of it.
   * @returns A standard response.
   * @throws {TypeError} If there is no reply; its `cause` is the
   * {@linkcode ConnError}.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    return fetchWith((url, options) => this.request(url, options), input, init);
  }

  /**
   * Takes no more requests, lets those under way end, their replies read, and
   * closes the connections.
   */
  async shutdown(): Promise<void> {
    this.#refusing = true;
    this.#pool.empty();
    if (this.#active > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
    await this.close();
  }

  /**
   * Closes all connections at once. Requests under way fail with code
   * `"client_closed"`.
   */
  async close(): Promise<void> {
    this.#refusing = true;
    const error = clientClosed();
    for (const call of [...this.#host.pausing]) call.cancel(error);
    await this.#pool.abort(error);
  }

  /** As {@linkcode Client.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(origin: Origin, signal: AbortSignal): Promise<ClientConn> {
    const { clock, timeouts } = this.#settings;
    const limits = this.#limits;
    const opened = await openTransport(origin.place, {
      connector: this.#connector,
      connectTimeout: timeouts.connect,
      tlsTimeout: timeouts.tls,
      proxyTls: this.#options.tls ?? {},
      limits,
      clock,
      signal,
    });
    const machine = new HttpMachine("client", limits);
    return new ClientConn(this.#pool, opened.transport, machine, {
      origin,
      opened: opened.timings,
      retireAt: clock.now() + this.#pool.maxAge,
      secure: origin.place.tls !== undefined,
      clock,
      ...(opened.unread !== undefined && { unread: opened.unread }),
    });
  }
}

function clientClosed(): ConnError {
  return new ConnError("Cannot send the request: the client is closed", {
    code: "client_closed",
    side: "local",
  });
}

let defaultClient: Client | undefined;

/**
 * Sends a request with a client that the whole program shares.
 *
 * @param url Where to: an absolute `http:` or `https:` URL.
 * @param options Method, fields, body and so on.
 * @returns The reply. Whatever its status, it is no error.
 * @throws {ConnError} If there is no reply.
 *
 * @example What is no URL to request
 * ```ts
 * import { request } from "@meerkat/net/http";
 * import { ConnError } from "@meerkat/net/conn";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => request("mailto:a@b.test"), ConnError);
 * ```
 */
export function request(
  url: string | URL,
  options?: RequestOptions,
): Promise<ClientResponse> {
  return (defaultClient ??= new Client()).request(url, options);
}

/**
 * The standard `fetch`, over the connections of {@linkcode request}.
 *
 * @param input The URL, or a request.
 * @param init What to change of it.
 * @returns A standard response.
 * @throws {TypeError} If there is no reply; its `cause` is the
 * {@linkcode ConnError}.
 *
 * @example As usual
 * ```ts
 * import { fetch, serve } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   () => Response.json({ answer: 42 }, { headers: { connection: "close" } }),
 * );
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await fetch(`http://127.0.0.1:${port}/`);
 * assertEquals(await response.json(), { answer: 42 });
 * await server.shutdown();
 * ```
 */
export function fetch(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  return (defaultClient ??= new Client()).fetch(input, init);
}
