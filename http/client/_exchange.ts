// What a request and the connection that carries it know of each other.

import type { Clock } from "../../conn/clock.ts";
import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import type { BodyToSend } from "./_body_sender.ts";
import type { FilledBody } from "./_client_body.ts";
import type { ClientConn } from "./_client_conn.ts";
import type {
  HttpCommand,
  HttpEvent,
  RequestCommand,
  ResponseHead,
} from "../codec/message.ts";

/** A connection as the client uses it. */
export type HttpConn = Conn<HttpEvent, HttpCommand>;

/** One request's use of a connection. */
export interface Exchange {
  /** When everything has to be over. */
  readonly totalAt: number;
  /** How long the connection waits, in milliseconds. */
  readonly timeouts: { readonly head: number; readonly bodyIdle: number };
  /** Most bytes of the reply's body. */
  readonly maxResponseSize: number;
  /** Sees every event first. */
  readonly onEvent:
    | ((event: HttpEvent, conn: HttpConn) => void | Promise<void>)
    | undefined;
  /** Opens the body that follows the head, if one does. */
  openBody(): BodyToSend;
  /** Takes an interim response. */
  information(head: ResponseHead): void;
  /** Takes the reply's head; gives the body to fill, if anybody wants it. */
  responded(
    conn: ClientConn,
    head: ResponseHead,
    now: number,
  ): FilledBody | undefined;
  /** Bytes of the reply's body have come. */
  received(count: number): void;
  /** The exchange is over; the connection may be in use again already. */
  ended(now: number): void;
  /** There is no reply, or not all of it. The body, if any, knows already. */
  failed(conn: ClientConn, error: unknown, headSeen: boolean): void;
}

/** How the head goes out, and what follows it. */
export interface OutgoingRequest {
  readonly command: RequestCommand;
  /** Whether a body follows, and after how many milliseconds without `100`. */
  readonly follows: "nothing" | "body" | number;
}

/** Where connections come from and go to: the pool. */
export interface ConnKeeper {
  readonly clock: Clock;
  /** The connection is free. */
  release(conn: ClientConn, now: number): void;
  /** The connection takes no more requests; it closes, or belongs to another. */
  drop(conn: ClientConn, closing: boolean): void;
  /** The connection has closed. */
  closed(conn: ClientConn): void;
}

/** The error of a time-out. */
export function timeout(what: string, code: string): ConnError {
  return new ConnError(what, { code, side: "remote" });
}

/** The error of a reply that is over `maxResponseSize`. */
export function replyTooLarge(maximum: number): ConnError {
  return new ConnError(
    `Cannot take the reply: its body is over ${maximum} bytes`,
    { code: "response_too_large", side: "remote" },
  );
}
