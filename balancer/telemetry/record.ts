/**
 * What is known of a request when it is over.
 *
 * @module
 */

import type { RequestHead } from "../../http/codec/message.ts";

/** How a request ended. */
export type Outcome =
  /** The response is complete. */
  | "complete"
  /** The balancer answered itself: no route, a limit, no backend, a redirect. */
  | "local"
  /** The client left before the response was complete. */
  | "client_left"
  /** The response broke in the middle, and the client's with it. */
  | "broken"
  /** It became a tunnel; told when that begins. */
  | "upgraded";

/** What is known of a request when it is over. Times are in milliseconds. */
export interface ExchangeRecord {
  /** When its head came, since the epoch. */
  readonly time: number;
  /** The request. */
  readonly head: RequestHead;
  /** The client's address, behind proxies that are trusted. */
  readonly clientAddress: string;
  /** Whether the client spoke TLS. */
  readonly secure: boolean;
  /** The route's name, if there was one. */
  readonly route: string | undefined;
  /** The upstream's name, if there was one. */
  readonly upstream: string | undefined;
  /** The backend that answered, or was asked last. */
  readonly backend: string | undefined;
  /** The status that the client got; 499 if it left before. */
  readonly status: number;
  /** How it ended. */
  readonly outcome: Outcome;
  /** The code of what went wrong, if something did. */
  readonly error: string | undefined;
  /** Bytes of the request's body. */
  readonly bytesIn: number;
  /** Bytes of the response's body. */
  readonly bytesOut: number;
  /** How often it was sent again. */
  readonly retries: number;
  /** Whether it was sent to two backends at the same time. */
  readonly hedged: boolean;
  /** Its id. */
  readonly requestId: string;
  /** Waiting for a connection. */
  readonly queueTime: number;
  /** Of that, connecting: 0 if a kept connection was used. */
  readonly connectTime: number;
  /** From the head to the response's head; 0 if there was none. */
  readonly firstByteTime: number;
  /** From the head to the end. */
  readonly totalTime: number;
}
