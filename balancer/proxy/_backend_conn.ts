// One connection to a backend: carries one attempt after another, and keeps the
// time of the one that it carries.

import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { attach, type AttachOptions } from "../../conn/loop.ts";
import type { Machine } from "../../conn/machine.ts";
import type { Transport } from "../../conn/transport.ts";
import { type TimerWheel, WheelEntry, wheelFor } from "../../conn/wheel.ts";
import { NotedTransport } from "../../http/client/noted_transport.ts";
import { announcedIdle } from "../../http/codec/keep_alive.ts";
import type {
  HttpCommand,
  HttpEvent,
  ResponseHead,
} from "../../http/codec/message.ts";
import type { Attempt } from "./_attempt.ts";
import type { EndEvent } from "./_trailers.ts";

/** An HTTP connection, of either role. */
export type HttpConn = Conn<HttpEvent, HttpCommand>;

/** Whom a connection tells that it is free, or gone. */
export interface ConnOwner {
  /** It can carry another attempt. */
  released(conn: BackendConn, now: number): void;
  /** It carries nothing more; told once. */
  left(conn: BackendConn): void;
}

/** What is known of a connection when it is made. */
export interface BackendConnOptions extends AttachOptions {
  /** The address that it leads to. */
  readonly address: string;
  /** In which of several ways it was made. */
  readonly way: number;
  /** When it gets too old to carry another attempt. */
  readonly retireAt: number;
}

/** A connection to a backend. */
export class BackendConn extends WheelEntry {
  readonly conn: HttpConn;
  /** The address that it leads to. */
  readonly address: string;
  /** In which of several ways it was made. */
  readonly way: number;
  /** When it was put aside. */
  idleSince = 0;
  /** How long the backend says that it keeps it, in milliseconds. */
  announcedIdle = Infinity;
  /** How many attempts it has carried. */
  uses = 0;
  /** What it carries. */
  #attempt: Attempt | undefined;
  #head: ResponseHead | undefined;
  /** All of the request was given to the connection. */
  #sent = false;
  /** The response is waited for. */
  #waits = false;
  /** From when on the response is waited for, or the next piece of it. */
  #since = 0;
  /** Waits for the client to take what has come. */
  #paused = false;
  #idleUntil = Infinity;
  #gone = false;
  readonly #retireAt: number;
  readonly #owner: ConnOwner;
  readonly #transport: NotedTransport;
  readonly #wheel: TimerWheel;

  constructor(
    owner: ConnOwner,
    transport: Transport,
    machine: Machine<HttpEvent, HttpCommand>,
    options: BackendConnOptions,
  ) {
    super();
    this.#owner = owner;
    this.#wheel = wheelFor(options.clock);
    this.#retireAt = options.retireAt;
    this.address = options.address;
    this.way = options.way;
    this.#transport = new NotedTransport(transport);
    this.conn = attach(this.#transport, machine, this.#handle, options);
  }

  /** Whether bytes of the present request may have left this machine. */
  get touched(): boolean {
    return this.#transport.touched;
  }

  /** Whether something of a response has come. */
  get answered(): boolean {
    return this.#head !== undefined;
  }

  /**
   * When the present request was complete; `undefined` if it is not, or something
   * of the response has come. A client's slow upload is not the backend's time.
   */
  get requestSentAt(): number | undefined {
    return this.#sent ? this.#since : undefined;
  }

  /** Takes an attempt on; its owner sends the request. */
  begin(attempt: Attempt, now: number): void {
    this.#attempt = attempt;
    attempt.conn = this;
    this.#head = undefined;
    this.#sent = this.#waits = false;
    this.#since = now;
    this.#idleUntil = Infinity;
    this.#transport.touched = false;
    this.uses++;
  }

  /** All of the request was sent: the response is waited for from now on. */
  requestSent(attempt: Attempt, now: number): void {
    this.#sent = true;
    this.awaitContinue(attempt, now);
  }

  /** The rest of the request comes only after a response, if at all. */
  awaitContinue(attempt: Attempt, now: number): void {
    this.#waits = true;
    this.#since = now;
    this.#wheel.schedule(this, now + attempt.owner.headTimeout);
  }

  /** The body is on its way: the response may take its time again. */
  bodyBegun(): void {
    this.#waits = false;
  }

  /** Puts it aside until it is needed, or its time is over. */
  idle(now: number, until: number): void {
    this.idleSince = now;
    this.#idleUntil = Math.min(until, this.#retireAt);
    this.#wheel.schedule(this, this.#idleUntil);
  }

  /** Whether it can be taken from where it was put aside. */
  isUsable(now: number): boolean {
    return !this.#gone && now < this.#idleUntil && this.conn.state === "open";
  }

  /** Closes it in order; it carries nothing. */
  close(): void {
    this.#leave();
    this.conn.close();
  }

  /** Closes it at once, whatever it carries. */
  abort(): void {
    this.#attempt = undefined;
    this.#leave();
    this.conn.abort();
  }

  /** Gives it away: it speaks another protocol from now on. */
  give(): HttpConn {
    this.#attempt = undefined;
    this.#leave();
    return this.conn;
  }

  override due(now: number): void {
    const attempt = this.#attempt;
    if (attempt === undefined) {
      if (now >= this.#idleUntil) this.close();
      return;
    }
    const { headTimeout, bodyTimeout } = attempt.owner;
    const inBody = this.#head !== undefined;
    // What the backend has not taken yet is a matter of the send time-out.
    const waits = inBody
      ? !this.#paused
      : this.#waits && this.conn.buffered === 0;
    if (!waits) this.#since = now;
    const timeout = inBody ? bodyTimeout : headTimeout;
    const at = this.#since + timeout;
    if (now < at) return this.#wheel.schedule(this, at);
    this.#break(
      new ConnError(
        `Backend "${attempt.backend.id}" sent nothing for ${timeout} ms`,
        {
          code: inBody ? "body_timeout" : "head_timeout",
          side: "remote",
          reply: 504,
        },
      ),
    );
  }

  readonly #handle = (event: HttpEvent): void | Promise<void> => {
    if (event.type === "close") return this.#closed(event.error);
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    switch (event.type) {
      case "response":
        return this.#response(event.head, attempt);
      case "body":
        return this.#body(event.bytes, attempt);
      case "end":
        this.#end(event, attempt);
    }
  };

  #response(head: ResponseHead, attempt: Attempt): void | Promise<void> {
    if (head.status >= 200) {
      this.#head = head;
      // It hardly ever changes, so it is not looked up each time.
      if ((this.uses & 15) === 1) {
        this.announcedIdle = announcedIdle(head.fields) ?? Infinity;
      }
    }
    const wait = attempt.owner.responded(attempt, head);
    if (head.status >= 200 && this.#attempt === attempt) {
      this.#since = this.#wheel.now();
      this.#wheel.schedule(this, this.#since + attempt.owner.bodyTimeout);
    }
    return wait;
  }

  #body(bytes: Uint8Array, attempt: Attempt): void | Promise<void> {
    this.#since = this.#wheel.now();
    const wait = attempt.owner.received(attempt, bytes);
    if (wait === undefined) return;
    this.#paused = true;
    return wait.then(() => {
      this.#paused = false;
      this.#since = this.#wheel.now();
    });
  }

  #end(event: EndEvent, attempt: Attempt): void {
    this.#attempt = undefined;
    const now = this.#wheel.now();
    if (!this.#sent) {
      this.#leave();
      this.conn.abort();
    } else if (this.#head!.keepAlive && now < this.#retireAt) {
      this.#owner.released(this, now);
    } else {
      this.close();
    }
    attempt.owner.completed(attempt, event);
  }

  #closed(error: ConnError | undefined): void {
    this.#break(
      error ??
        new ConnError("The backend closed the connection without a response", {
          code: "no_response",
          side: "remote",
        }),
    );
  }

  #break(error: ConnError): void {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    this.#leave();
    this.conn.abort(error);
    attempt?.owner.failed(attempt, error);
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#wheel.cancel(this);
    this.#owner.left(this);
  }
}
