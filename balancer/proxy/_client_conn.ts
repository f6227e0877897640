// One connection of a client: an exchange after the other.

import { ConnError } from "../../conn/error.ts";
import { Fields } from "../../http/codec/fields.ts";
import type {
  HttpEvent,
  RequestHead,
  ResponseHead,
} from "../../http/codec/message.ts";
import { reasonOf } from "../../http/codec/reason.ts";
import type { Peer } from "../fields/peer.ts";
import { clientAddress } from "../fields/trust.ts";
import { readTarget } from "../routing/target.ts";
import type { Outcome } from "../telemetry/record.ts";
import { tunnelWebSocket } from "../tunnel/tunnel.ts";
import type { Attempt, ClientAddress } from "./_attempt.ts";
import type { Backend } from "./backend.ts";
import type { HttpConn } from "./_backend_conn.ts";
import { Exchange } from "./_exchange.ts";
import type { ExchangeClient } from "./_exchange_client.ts";
import { recordOf } from "./_exchange_record.ts";
import type { ProxyState } from "./_proxy_state.ts";
import type { Route } from "./route.ts";

/** One connection of a client. */
export class ClientConn implements ExchangeClient {
  readonly conn: HttpConn;
  readonly #proxy: ProxyState;
  readonly #peer: Peer;
  #exchange: Exchange | undefined;

  constructor(proxy: ProxyState, conn: HttpConn, peer: Peer) {
    this.#proxy = proxy;
    this.conn = conn;
    this.#peer = peer;
    conn.signal.addEventListener("abort", () => this.#left());
  }

  /** Takes what happens on the connection. */
  take(event: HttpEvent): void | Promise<void> {
    switch (event.type) {
      case "request":
        return this.#request(event.head);
      case "body":
        return this.#exchange?.requestBody(event.bytes);
      case "end":
        return this.#exchange?.requestEnd(event);
      case "close":
        this.#proxy.clients.delete(this.conn);
        this.#exchange?.clientLeft(event.error);
    }
  }

  // What the exchange asks for.

  get address(): ClientAddress {
    const { address, port } = this.#peer;
    const { remoteAddr, localAddr } = this.conn;
    const source: Deno.Addr = address === ""
      ? remoteAddr
      : { transport: "tcp", hostname: address, port };
    return { source, destination: localAddr };
  }

  answer(requestId: string, status: number, wait = 1000): void {
    const fields: Record<string, string> = { "X-Request-Id": requestId };
    if (status !== 204) fields["Content-Type"] = "text/plain; charset=utf-8";
    if (status === 405 || status === 204) fields["Allow"] = ALLOWED;
    if (status === 503 || status === 429) {
      fields["Retry-After"] = String(Math.ceil(wait / 1000));
    }
    const body = status === 204
      ? ""
      : `${status} ${reasonOf(status)}\nRequest id: ${requestId}\n`;
    this.conn.send({ type: "response", status, fields, body });
  }

  redirect(exchange: Exchange, status: number, location: string): void {
    const fields: Record<string, string | string[]> = {
      "Location": location,
      "X-Request-Id": exchange.requestId,
    };
    if (exchange.cookies !== undefined) {
      fields["Set-Cookie"] = exchange.cookies;
    }
    this.conn.send({ type: "response", status, fields, body: "" });
  }

  requestFields(exchange: Exchange, backend: Backend): Fields {
    const { head, requestId, route, asked } = exchange;
    return route.requestRelay.relay(
      head,
      asked,
      this.#peer,
      requestId,
      backend.authority,
    );
  }

  requestTrailers(exchange: Exchange, trailers: Fields): Fields {
    return exchange.route.requestRelay.trailers(trailers, this.#peer);
  }

  responseFields(exchange: Exchange, head: ResponseHead): Fields {
    const { route, asked, requestId, cookies } = exchange;
    const backend = exchange.backend!;
    return route.responseRelay.relay(head, {
      requestId,
      setCookies: cookies,
      backendAuthority: backend.authority,
      backendSecure: backend.isSecure,
      sentHost: route.hostFor(asked, backend),
      clientAuthority: asked.host,
      secure: this.#peer.secure,
    });
  }

  upgrade(exchange: Exchange, attempt: Attempt, head: ResponseHead): void {
    const { backend } = attempt;
    const fields = this.responseFields(exchange, head);
    this.conn.send({ type: "response", status: 101, fields });
    this.#proxy.clients.delete(this.conn);
    const { route } = exchange;
    const { websocket, timeouts } = route.settings;
    route.stats.inFlight++;
    const tunnel = tunnelWebSocket(this.conn, attempt.conn!.give(), {
      settings: websocket as Exclude<typeof websocket, false>,
      idleTimeout: timeouts.websocket,
      onDrain: (tunnel) => void this.#proxy.drainer.drain([tunnel]),
      onFailure: (code) => backend.broke(`close_${code}`),
    });
    this.#proxy.tunnels.add(tunnel);
    backend.tunnelBegan(tunnel);
    if (backend.isDraining || this.#proxy.isDraining) {
      this.#proxy.drainer.drain([tunnel]);
    }
    tunnel.closed.then((result) => {
      route.stats.inFlight--;
      this.#proxy.tunnels.delete(tunnel);
      backend.tunnelEnded(tunnel, result);
    });
  }

  report(error: unknown): void {
    this.#proxy.onError(error);
  }

  ended(exchange: Exchange, outcome: Outcome): void {
    this.#exchange = undefined;
    const { route, startedAt, figures } = exchange;
    const proxy = this.#proxy;
    const totalTime = proxy.clock.now() - startedAt;
    route.stats.inFlight--;
    route.stats.status(figures.status);
    route.stats.duration.observe(totalTime);
    if (outcome === "client_left") proxy.clientLeft++;
    if (proxy.onRequest === undefined) return;
    const time = proxy.timeOf(startedAt);
    const { secure } = this.conn;
    proxy.tell(recordOf(exchange, { time, totalTime, secure, outcome }));
  }

  #request(received: RequestHead): void {
    const proxy = this.#proxy;
    const { fields } = received;
    const requestId = proxy.ids.idFor(
      fields,
      this.#peer.isTrusted(proxy.trusted),
    );
    const asked = readTarget(received);
    const route = asked && proxy.table.find(asked.host, asked.path);
    if (route === undefined) {
      proxy.unrouted++;
      return this.#refuse(received, requestId, asked === undefined ? 400 : 404);
    }
    const head = nextHop(received);
    if (head === undefined) {
      // For OPTIONS this is the final recipient, RFC 9110 §7.6.2.
      const status = received.method === "OPTIONS" ? 204 : 405;
      return this.#refuse(received, requestId, status, route);
    }
    const address = this.#addressOf(received);
    const now = proxy.clock.now();
    const { stats, settings } = route;
    const wait = route.limit(fields, address, now);
    if (wait > 0) {
      stats.rateLimited++;
      return this.#refuse(head, requestId, 429, route, wait);
    }
    if (stats.inFlight >= settings.maxInFlight) {
      stats.overloaded++;
      return this.#refuse(head, requestId, 503, route);
    }
    const upstream = route.upstream(proxy.random);
    stats.inFlight++;
    stats.requests++;
    upstream.budget.request(now);
    this.#exchange = new Exchange({
      client: this,
      head,
      asked: asked!,
      route,
      upstream,
      clientAddress: address,
      requestId,
      wheel: proxy.wheel,
      now,
    });
    this.#exchange.start();
  }

  /** The client's address, behind proxies that are trusted. */
  #addressOf({ fields }: RequestHead): string {
    const { trusted, settings } = this.#proxy;
    return clientAddress(this.#peer, fields, trusted, settings.forwarded);
  }

  /** Answers what goes nowhere. */
  #refuse(
    head: RequestHead,
    requestId: string,
    status: number,
    route?: Route,
    wait?: number,
  ): void {
    this.answer(requestId, status, wait);
    route?.stats.status(status);
    this.#proxy.tell({
      time: this.#proxy.timeOf(this.#proxy.clock.now()),
      head,
      clientAddress: this.#addressOf(head),
      secure: this.#peer.secure,
      route: route?.name,
      upstream: undefined,
      backend: undefined,
      status,
      outcome: "local",
      error: REFUSALS[status],
      bytesIn: 0,
      bytesOut: 0,
      retries: 0,
      hedged: false,
      requestId,
      queueTime: 0,
      connectTime: 0,
      firstByteTime: 0,
      totalTime: 0,
    });
  }

  /**
   * The connection has broken, what came is wrong or late, or the client has ended
   * its side of the stream: then nobody waits for an answer, either.
   */
  #left(): void {
    if (this.#exchange === undefined) return;
    const reason: unknown = this.conn.signal.reason;
    const error = reason instanceof ConnError ? reason : undefined;
    this.#exchange.clientLeft(error);
    // While it closes it sends the machine's answer.
    if (this.conn.state === "open") this.conn.abort(error);
  }
}

/** The methods that are passed on, as far as they are known: not TRACE. */
const ALLOWED = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** Why a request is refused before it belongs to an upstream. */
const REFUSALS: Readonly<Record<number, string>> = {
  400: "bad_target",
  404: "no_route",
  405: "method_not_allowed",
  429: "rate_limited",
  503: "overloaded",
};

/**
 * The request as the next hop gets it: `Max-Forwards` counts down, RFC 9110
 * §7.6.2.
 *
 * @returns `undefined` if it goes no further. TRACE goes nowhere: it would show
 * scripts what browsers keep from them, and backends what this balancer adds.
 */
function nextHop(head: RequestHead): RequestHead | undefined {
  const { method } = head;
  if (method === "TRACE") return undefined;
  if (method !== "OPTIONS" || !head.fields.has("max-forwards")) return head;
  const value = head.fields.get("max-forwards")!;
  if (!/^[0-9]{1,15}$/.test(value)) return head;
  const hops = Number(value);
  if (hops === 0) return undefined;
  const fields = new Fields(head.fields);
  fields.set("Max-Forwards", String(hops - 1));
  return { ...head, fields };
}
