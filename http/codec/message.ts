/**
 * The parts of an HTTP message, and the events and commands that carry them.
 *
 * @module
 */

import type { LifeEvent } from "../../conn/conn.ts";
import type { Fields, FieldsInit } from "./fields.ts";

/** The protocol versions that are spoken here. */
export type HttpVersion = "1.0" | "1.1";

/** A request without its body. */
export interface RequestHead {
  /** The method, in the case it was sent in: `"GET"`. */
  readonly method: string;
  /**
   * The request target as it was sent: `"/path?query"`, `"http://host/path"`
   * (absolute-form), `"host:port"` (CONNECT) or `"*"` (OPTIONS), RFC 9112 §3.2.
   */
  readonly target: string;
  /** The version of the request line. */
  readonly version: HttpVersion;
  /** The header fields, in the order and case they were sent in. */
  readonly fields: Fields;
  /**
   * The length of the body in bytes: 0 if there is none, `undefined` if it is
   * chunked and so not known yet.
   */
  readonly contentLength: number | undefined;
  /** Whether the peer wants to keep the connection after the answer. */
  readonly keepAlive: boolean;
  /**
   * Whether the peer waits for `100 Continue` before it sends the body, RFC 9110
   * §10.1.1.
   */
  readonly expectContinue: boolean;
  /**
   * What the request asks to turn the connection into: the value of `Upgrade` if
   * `Connection` lists it and the version is 1.1, RFC 9110 §7.8. `undefined` if
   * it asks for nothing. A CONNECT request is told by its method.
   */
  readonly upgrade: string | undefined;
}

/** A response without its body. */
export interface ResponseHead {
  /** The status code, 100 to 999. */
  readonly status: number;
  /** The reason phrase; may be empty. */
  readonly reason: string;
  /** The version of the status line. */
  readonly version: HttpVersion;
  /** The header fields, in the order and case they were sent in. */
  readonly fields: Fields;
  /**
   * The length of the body in bytes: 0 if there is none, `undefined` if it is
   * chunked or ends with the connection.
   */
  readonly contentLength: number | undefined;
  /** Whether the connection can carry another request after this response. */
  readonly keepAlive: boolean;
}

/** What an HTTP connection tells its handler. */
export type HttpEvent =
  | LifeEvent
  /**
   * Server role: a request begins. One `end` follows, after its `body` events,
   * unless the connection closes first: a request that has its answer before it
   * was received completely may lack some or all of them.
   */
  | { type: "request"; head: RequestHead }
  /**
   * Client role: a response begins. One `end` follows, after its `body` events,
   * unless the connection closes first; but for an interim response (1xx) and one
   * that makes the connection a tunnel (101, and 2xx to CONNECT), which have none.
   */
  | { type: "response"; head: ResponseHead }
  /** A piece of the message's body. The handler owns the bytes. */
  | { type: "body"; bytes: Uint8Array }
  /**
   * The message is complete. A request is also told complete if its answer closes
   * the connection: the close comes after this event then.
   */
  | { type: "end"; trailers: Fields };

/** Client role: sends a request. */
export interface RequestCommand {
  /** Which command this is. */
  type: "request";
  /** The method: `"GET"`. */
  method: string;
  /** The request target, RFC 9112 §3.2. */
  target: string;
  /** The header fields; there must be one `Host`. */
  fields?: FieldsInit;
  /**
   * The whole body: nothing follows. Left out: `body` commands and one `end`
   * follow, with the `Content-Length` that the fields give, or chunked.
   */
  body?: string | Uint8Array;
}

/** Server role: answers the oldest request that has no answer yet. */
export interface ResponseCommand {
  /** Which command this is. */
  type: "response";
  /**
   * The status code. 1xx is an interim response: it has no body, no `end`
   * follows, and the final response is still to come.
   */
  status: number;
  /** The reason phrase, by default the usual one of the status. */
  reason?: string;
  /** The header fields. */
  fields?: FieldsInit;
  /**
   * The whole body: nothing follows. Left out: `body` commands and one `end`
   * follow, also where no body is sent (HEAD, 204, 304), with the
   * `Content-Length` that the fields give, or chunked, or until the connection
   * closes if the peer speaks HTTP/1.0.
   */
  body?: string | Uint8Array;
}

/** Sends a piece of the body of the message that was begun without one. */
export interface BodyCommand {
  /** Which command this is. */
  type: "body";
  /** The piece. A string is sent as UTF-8; an array is given away. */
  bytes: Uint8Array | string;
}

/** Ends the message that was begun without a body. */
export interface EndCommand {
  /** Which command this is. */
  type: "end";
  /** Trailer fields, RFC 9110 §6.5. They are sent only if the body is chunked. */
  trailers?: FieldsInit;
}

/** What a program tells an HTTP connection. */
export type HttpCommand =
  | RequestCommand
  | ResponseCommand
  | BodyCommand
  | EndCommand;
