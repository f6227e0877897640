// One sending of a request to one backend. A request that is tried again, or
// hedged, has several.

import type { ConnError } from "../../conn/error.ts";
import type { ResponseHead } from "../../http/codec/message.ts";
import type { Backend } from "./backend.ts";
import type { BackendConn } from "./_backend_conn.ts";
import type { EndEvent } from "./_trailers.ts";

/** Where a client is, and where it connected to. */
export interface ClientAddress {
  readonly source: Deno.Addr;
  readonly destination: Deno.Addr;
}

/** What an attempt tells, and whom. */
export interface AttemptOwner {
  /** Who it is for. */
  readonly source: ClientAddress;
  /** How long the head of the response may take. */
  readonly headTimeout: number;
  /** How long the body of the response may pause. */
  readonly bodyTimeout: number;
  /** It has a connection: the request is to be sent. */
  assigned(attempt: Attempt): void;
  /** A head, also an interim one. */
  responded(attempt: Attempt, head: ResponseHead): void | Promise<void>;
  /** A piece of the body. */
  received(attempt: Attempt, bytes: Uint8Array): void | Promise<void>;
  /** The response is complete. */
  completed(attempt: Attempt, event: EndEvent): void;
  /** There was no connection, or it broke. */
  failed(attempt: Attempt, error: ConnError): void;
}

/** How an attempt is made. */
export interface AttemptOptions {
  readonly now: number;
  readonly fresh: boolean;
  readonly unsafe: boolean;
  readonly cookies: string[] | undefined;
}

/** One sending of a request to one backend. */
export class Attempt {
  readonly owner: AttemptOwner;
  readonly backend: Backend;
  /** When it was begun, on the clock. */
  readonly startedAt: number;
  /** Must be a new connection. */
  readonly fresh: boolean;
  /** Must not be sent twice. */
  readonly unsafe: boolean;
  /** Values of `Set-Cookie` for the client, if this one's response is used. */
  readonly cookies: string[] | undefined;
  /** The connection, once there is one. */
  conn: BackendConn | undefined = undefined;
  /** How long that took to open, if it was opened for this. */
  connectTime = 0;
  /** How long it took to get the connection. */
  queueTime = 0;
  /** The status of the response. */
  status = 0;
  /** How long its head took, if the request was complete before. */
  latency: number | undefined = undefined;
  /** The backend's health knows what became of it. */
  judged = false;
  /** It counts no more. */
  over = false;
  /** What it began with at the backend. */
  readonly #ticket: number;

  constructor(
    owner: AttemptOwner,
    backend: Backend,
    options: AttemptOptions,
  ) {
    this.owner = owner;
    this.backend = backend;
    this.startedAt = options.now;
    this.fresh = options.fresh;
    this.unsafe = options.unsafe;
    this.cookies = options.cookies;
    this.#ticket = backend.begin();
  }

  /** The head of the response is there. */
  answered(head: ResponseHead, now: number): void {
    this.status = head.status;
    const sentAt = this.conn!.requestSentAt;
    if (sentAt !== undefined) this.latency = now - sentAt;
    this.backend.answered(this.status, this.latency);
    // A trial must not last as long as a response that may never end.
    const endless = head.contentLength === undefined;
    if (endless && this.backend.isOnTrial) this.succeed();
  }

  /** It has its response. */
  succeed(): void {
    if (this.judged) return;
    this.judged = true;
    this.backend.succeeded(this.status, this.latency, this.#ticket);
  }

  /** It failed, and that is the backend's fault. */
  fail(code: string): void {
    this.judged = true;
    this.backend.failed(code, this.#ticket);
  }

  /** It counts no more. */
  close(): void {
    this.over = true;
    this.backend.end();
    if (!this.judged) this.backend.dropped(this.#ticket);
  }

  /** It is given up. */
  cancel(): void {
    if (this.over) return;
    this.close();
    if (this.conn === undefined) this.backend.pool.leave(this);
    else this.conn.abort();
  }
}
