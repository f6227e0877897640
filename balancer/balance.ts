/**
 * A balancer that listens.
 *
 * @module
 */

import { AroundServer } from "../conn/around_server.ts";
import type { Handler } from "../conn/conn.ts";
import { ConnError } from "../conn/error.ts";
import {
  listen,
  type ListenOptions,
  type Server,
  type ShutdownOptions,
} from "../conn/listen.ts";
import type { HttpLimits } from "../http/codec/limits.ts";
import { resolveOptions } from "../http/codec/limits.ts";
import { HttpMachine } from "../http/machine/machine.ts";
import { Balancer, type BalancerOptions } from "./balancer.ts";
import type { BalancerConfig } from "./config/config.ts";
import {
  type ProxyEvent,
  ProxyProtocolMachine,
} from "./proxy_protocol/machine.ts";

/** Options of {@linkcode balance}: where to listen, limits, the log. */
export interface BalanceOptions
  extends
    Omit<ListenOptions, "clock">,
    Omit<HttpLimits, "maxPipelined">,
    BalancerOptions {
  /**
   * Each connection begins with the PROXY protocol, v1 or v2: it says who the
   * client is. Listen only where nobody else can connect. Not with TLS: the header
   * comes before that, and Deno has no way to begin TLS as a server behind it.
   *
   * @default {false}
   */
  proxyProtocol?: boolean;
}

/** A balancer that listens. Disposing of it shuts it down. */
export interface BalancerServer extends Server {
  /** What it does, and how to change that. */
  readonly balancer: Balancer;
}

/**
 * Listens, and spreads requests and WebSocket connections over backends.
 *
 * A client that ends its side of the stream has left: its request is given up, as
 * if it had broken the connection.
 *
 * @param config What goes where.
 * @param options Where to listen, limits, the log.
 * @returns The server. `shutdown` lets requests end, and takes leave of WebSocket
 * connections.
 * @throws {ConfigError} If the configuration is wrong.
 * @throws {ConnError} If it cannot listen there.
 *
 * @example Two backends
 * ```ts
 * import { balance } from "@meerkat/net/balancer";
 * import { request, serve } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const local = { hostname: "127.0.0.1", port: 0 };
 * await using a = serve(local, () => new Response("a"));
 * await using b = serve(local, () => new Response("b"));
 * const backends = [a, b].map(({ addr }) =>
 *   `127.0.0.1:${(addr as Deno.NetAddr).port}`
 * );
 * await using server = balance({ routes: [{ upstream: { backends } }] }, local);
 * const { port } = server.addr as Deno.NetAddr;
 * const replies: string[] = [];
 * for (let i = 0; i < 4; i++) {
 *   const reply = await request(`http://127.0.0.1:${port}/`);
 *   replies.push(await reply.text());
 * }
 * assertEquals(replies, ["a", "b", "a", "b"]);
 * ```
 */
export function balance(
  config: BalancerConfig,
  options: BalanceOptions,
): BalancerServer {
  const settings = resolveOptions("server", {
    ...options,
    maxPipelined: 1,
    autoContinue: false,
    lendBodies: true,
  });
  const http = () => new HttpMachine("server", settings);
  if (options.proxyProtocol && options.cert !== undefined) {
    throw new ConnError(
      'Cannot listen: "proxyProtocol" and "cert" exclude each other',
      { code: "listen_failed", side: "local" },
    );
  }
  const balancer = new Balancer(config, options);
  try {
    const server = options.proxyProtocol
      ? listen(
        { ...options, machine: () => new ProxyProtocolMachine() },
        afterHeader(balancer, http),
      )
      : listen({ ...options, machine: http }, balancer.handler());
    return new ListeningBalancer(server, balancer);
  } catch (error) {
    balancer[Symbol.dispose]();
    throw error;
  }
}

/** Speaks HTTP once it is known who the client is. */
function afterHeader(
  balancer: Balancer,
  http: () => HttpMachine,
): Handler<ProxyEvent, never> {
  return (event, conn) => {
    if (event.type !== "proxy") return;
    conn.become(http(), balancer.handler(event.header.source));
  };
}

class ListeningBalancer extends AroundServer implements BalancerServer {
  readonly balancer: Balancer;

  constructor(server: Server, balancer: Balancer) {
    super(server);
    this.balancer = balancer;
    const end = () => balancer[Symbol.dispose]();
    server.finished.then(end, end);
  }

  override async shutdown(options?: ShutdownOptions): Promise<void> {
    const { timeout = 30_000 } = options ?? {};
    // Their ends need some of the time to answer.
    this.balancer.drain({ within: timeout / 2 });
    await super.shutdown(options);
  }
}
