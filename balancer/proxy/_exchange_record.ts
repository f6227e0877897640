// What is told of an exchange when it is over.

import type { ExchangeRecord, Outcome } from "../telemetry/record.ts";
import type { Exchange } from "./_exchange.ts";

/** What is noted of an exchange on its way. Times are in milliseconds. */
export class ExchangeFigures {
  /** The status that the client gets. */
  status = 0;
  /** Bytes of the response's body. */
  bytesOut = 0;
  /** The code of what went wrong. */
  error: string | undefined = undefined;
  /** Waiting for connections. */
  queueTime = 0;
  /** Of that, connecting. */
  connectTime = 0;
  /** From the head of the request to that of the response. */
  firstByteTime = 0;
}

/** How an exchange ended, besides what it knows itself. */
export interface ExchangeEnd {
  /** When its head came, in milliseconds since the epoch. */
  readonly time: number;
  readonly totalTime: number;
  readonly secure: boolean;
  readonly outcome: Outcome;
}

/** Makes the record of an exchange that is over. */
export function recordOf(exchange: Exchange, end: ExchangeEnd): ExchangeRecord {
  const { figures, attempts } = exchange;
  return {
    time: end.time,
    head: exchange.head,
    clientAddress: exchange.clientAddress,
    secure: end.secure,
    route: exchange.route.name,
    upstream: exchange.upstream.name,
    backend: attempts.backend?.id,
    status: figures.status,
    outcome: end.outcome,
    error: figures.error,
    bytesIn: exchange.bytesIn,
    bytesOut: figures.bytesOut,
    retries: attempts.retries,
    hedged: attempts.hedged,
    requestId: exchange.requestId,
    queueTime: figures.queueTime,
    connectTime: figures.connectTime,
    firstByteTime: figures.firstByteTime,
    totalTime: end.totalTime,
  };
}
