// What an exchange is made of, and what it asks of the client's connection.

import type { TimerWheel } from "../../conn/wheel.ts";
import type { Fields } from "../../http/codec/fields.ts";
import type { RequestHead, ResponseHead } from "../../http/codec/message.ts";
import type { RequestTarget } from "../routing/target.ts";
import type { Outcome } from "../telemetry/record.ts";
import type { Attempt, ClientAddress } from "./_attempt.ts";
import type { Backend } from "./backend.ts";
import type { HttpConn } from "./_backend_conn.ts";
import type { Exchange } from "./_exchange.ts";
import type { Route } from "./route.ts";
import type { Upstream } from "./upstream.ts";

/** What an exchange needs of the client's connection. */
export interface ExchangeClient {
  readonly conn: HttpConn;
  /** Where the client is, and where it connected to. */
  readonly address: ClientAddress;
  /** Gives the request an answer of the balancer's own. */
  answer(requestId: string, status: number): void;
  /** Sends the client to a backend itself. */
  redirect(exchange: Exchange, status: number, location: string): void;
  /** Makes the fields that the backend gets. */
  requestFields(exchange: Exchange, backend: Backend): Fields;
  /** Takes out of trailers what only the balancer may say. */
  requestTrailers(exchange: Exchange, trailers: Fields): Fields;
  /** Makes the fields that the client gets. */
  responseFields(exchange: Exchange, head: ResponseHead): Fields;
  /** The connection becomes a tunnel to the backend. */
  upgrade(exchange: Exchange, attempt: Attempt, head: ResponseHead): void;
  /** Something that the program gave has failed. */
  report(error: unknown): void;
  /** The exchange is over. */
  ended(exchange: Exchange, outcome: Outcome): void;
}

/** What an exchange is made of. */
export interface ExchangeOptions {
  readonly client: ExchangeClient;
  readonly head: RequestHead;
  /** Where it goes, as the client wrote it. */
  readonly asked: RequestTarget;
  readonly route: Route;
  readonly upstream: Upstream;
  readonly clientAddress: string;
  readonly requestId: string;
  readonly wheel: TimerWheel;
  /** When the head came, on the clock. */
  readonly now: number;
}
