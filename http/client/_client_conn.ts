// One connection of the client: carries one exchange after another, and keeps
// their time-outs.

import { ConnError } from "../../conn/error.ts";
import { attach, type AttachOptions } from "../../conn/loop.ts";
import type { Machine } from "../../conn/machine.ts";
import type { Transport } from "../../conn/transport.ts";
import { type TimerWheel, WheelEntry, wheelFor } from "../../conn/wheel.ts";
import type { BodyOwner, FilledBody } from "./_client_body.ts";
import {
  type ConnKeeper,
  type Exchange,
  type HttpConn,
  type OutgoingRequest,
  replyTooLarge,
  timeout,
} from "./_exchange.ts";
import type { Fields } from "../codec/fields.ts";
import { announcedIdle } from "../codec/keep_alive.ts";
import type { HttpCommand, HttpEvent, ResponseHead } from "../codec/message.ts";
import type { Origin } from "./_origin.ts";
import { NotedTransport } from "./noted_transport.ts";
import { Upload, type UploadOwner } from "./_upload.ts";

/** A reply that is not handed out is read so far, to keep its connection. */
const DISCARD_MAX = 64 * 1024;

/** How a pooled connection is made. */
export interface ClientConnOptions extends AttachOptions {
  /** Where it leads. */
  readonly origin: Origin;
  /** When it gets too old to take another request. */
  readonly retireAt: number;
  /** What took how long to open it, in milliseconds. */
  readonly opened: { readonly connect: number; readonly tls: number };
}

/** A pooled connection. */
export class ClientConn extends WheelEntry implements BodyOwner, UploadOwner {
  /** Where it leads. */
  readonly origin: Origin;
  /** How long the server says that it keeps the connection, in milliseconds. */
  announcedIdle: number | undefined;
  /** The connection itself. */
  readonly conn: HttpConn;
  /** What took how long to open it, in milliseconds. */
  readonly opened: { readonly connect: number; readonly tls: number };
  /** When it gets too old to take another request. */
  readonly retireAt: number;
  /** Requests that it carried, or carries. */
  uses = 0;
  /** When it was last put aside. */
  idleSince = 0;
  #idleUntil = Infinity;
  /** Whether it keeps the process alive. */
  #refed = true;

  readonly #keeper: ConnKeeper;
  readonly #transport: NotedTransport;
  readonly #wheel: TimerWheel;
  #exchange: Exchange | undefined;
  #head: ResponseHead | undefined;
  #body: FilledBody | undefined;
  readonly #upload = new Upload(this);
  /** Whether all of the reply is here. */
  #replied = false;
  #received = 0;
  /** Whether reading waits for the program. */
  #paused = false;
  /** When the present phase began, or the last piece came. */
  #since = 0;
  /** How long the present phase may take. */
  #patience = Infinity;
  #gone = false;
  /** Whether it belongs to the program, which speaks another protocol over it. */
  #given = false;

  constructor(
    keeper: ConnKeeper,
    transport: Transport,
    machine: Machine<HttpEvent, HttpCommand>,
    options: ClientConnOptions,
  ) {
    super();
    this.#keeper = keeper;
    this.#wheel = wheelFor(keeper.clock);
    this.origin = options.origin;
    this.opened = options.opened;
    this.retireAt = options.retireAt;
    this.#transport = new NotedTransport(transport);
    this.conn = attach(
      this.#transport,
      machine,
      (event, conn) => this.#handle(event, conn),
      options,
    );
  }

  /** Whether it takes no more requests. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Whether bytes of the present request may have left this machine. */
  get touched(): boolean {
    return this.#transport.touched;
  }

  /** Sends a request; what becomes of it, the exchange is told. */
  begin(exchange: Exchange, request: OutgoingRequest, now: number): void {
    this.#exchange = exchange;
    this.#head = undefined;
    this.#replied = false;
    this.#received = 0;
    this.uses++;
    this.#transport.touched = false;
    this.#since = now;
    this.#patience = exchange.timeouts.head;
    try {
      this.conn.send(request.command);
      if (request.follows !== "nothing") this.#follow(request.follows);
    } catch (error) {
      return this.break(error);
    }
    this.#arm();
  }

  /** Gives the exchange up and closes the connection at once. */
  break(error: unknown): void {
    const exchange = this.#finish();
    const body = this.#body;
    this.#body = undefined;
    this.#leave();
    this.conn.abort(error instanceof ConnError ? error : undefined);
    body?.fail(error);
    exchange?.failed(this, error, this.#head !== undefined);
  }

  /** Closes the connection in order; it carries nothing. */
  close(): void {
    this.#leave();
    this.conn.unref();
    this.conn.close();
  }

  /** Takes the connection out of the client's hands. */
  give(): HttpConn {
    this.#finish();
    this.#leave(false);
    this.#given = true;
    return this.conn;
  }

  /** Puts it aside until it is needed, or until its time is over. */
  idle(now: number, until: number): void {
    this.idleSince = now;
    this.#idleUntil = until;
    this.#wheel.schedule(this, until);
  }

  /** Takes it back; tells whether it may still be used. */
  wake(now: number): boolean {
    if (this.#gone || now >= this.#idleUntil) return false;
    // It has ended, and the news is on its way.
    if (this.conn.state !== "open") return false;
    this.#idleUntil = Infinity;
    if (!this.#refed) this.conn.ref();
    this.#refed = true;
    return true;
  }

  /** Lets the process end, if it is put aside. */
  rest(): void {
    if (this.#gone || this.#idleUntil === Infinity) return;
    this.#refed = false;
    this.conn.unref();
  }

  /** The program does not want the rest of the body. */
  cancelled(reason: unknown): void {
    this.#body = undefined;
    this.break(reason);
  }

  override due(now: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      if (now >= this.#idleUntil) this.close();
    } else if (now >= exchange.totalAt) {
      this.break(timeout("The request took too long", "total_timeout"));
    } else {
      if (this.#paused) this.#since = now;
      if (now >= this.#since + this.#patience) this.#phaseOver(now);
      this.#arm();
    }
  }

  /** What a callback of the program throws fails its request with it. */
  #handle(event: HttpEvent, conn: HttpConn): void | Promise<void> {
    const exchange = this.#exchange;
    try {
      if (exchange?.onEvent === undefined) return this.#take(event, exchange);
      const wait = exchange.onEvent(event, conn);
      const held = this.#take(event, this.#exchange);
      if (held !== undefined) return held;
      return wait === undefined ? undefined : this.#pause(wait);
    } catch (error) {
      this.break(error);
    }
  }

  #take(
    event: HttpEvent,
    exchange: Exchange | undefined,
  ): void | Promise<void> {
    if (event.type === "close") return this.#closed(event.error);
    if (exchange === undefined) return;
    if (event.type === "response") return this.#response(event.head, exchange);
    if (event.type === "body") return this.#piece(event.bytes, exchange);
    if (event.type === "end") return this.#end(event.trailers, exchange);
  }

  #response(head: ResponseHead, exchange: Exchange): void | Promise<void> {
    if (head.status < 200 && head.status !== 101) {
      if (head.status === 100 && this.#upload.waits) {
        this.#startBody();
        this.#arm();
      }
      return exchange.information(head);
    }
    this.#head = head;
    // It hardly ever changes, so it is not looked up each time.
    if ((this.uses & 15) === 1) this.announcedIdle = announcedIdle(head.fields);
    this.#since = this.#keeper.clock.now();
    this.#patience = exchange.timeouts.bodyIdle;
    this.#body = exchange.responded(this, head, this.#since);
    // Input waits for `become`: HTTP would take the end of the stream for its own.
    if (this.#given) return new Promise(() => {});
    if (this.#exchange !== exchange) return;
    const length = head.contentLength ?? 0;
    if (this.#body === undefined) {
      if (length > DISCARD_MAX) this.break(undefined);
    } else if (length > exchange.maxResponseSize) {
      return this.break(replyTooLarge(exchange.maxResponseSize));
    }
    this.#arm();
  }

  #piece(bytes: Uint8Array, exchange: Exchange): void | Promise<void> {
    this.#since = this.#keeper.clock.now();
    this.#received += bytes.length;
    if (this.#body === undefined) {
      if (this.#received > DISCARD_MAX) this.break(undefined);
      return;
    }
    if (this.#received > exchange.maxResponseSize) {
      return this.break(replyTooLarge(exchange.maxResponseSize));
    }
    exchange.received(bytes.length);
    if (exchange.onEvent !== undefined) return;
    const wait = this.#body?.push(bytes);
    return wait === undefined ? undefined : this.#pause(wait);
  }

  #end(trailers: Fields, exchange: Exchange): void {
    this.#replied = true;
    this.#body?.end(trailers);
    this.#body = undefined;
    // A success may want the rest of the request; a failure has no use for it.
    const { sent, waits } = this.#upload;
    if (!sent && !waits && this.#head!.status < 300) {
      this.#patience = Infinity;
    } else this.#over(exchange);
  }

  /** The exchange is over, on this side and on the other. */
  #over(exchange: Exchange): void {
    // A body of known length has ended with its last piece.
    const known = this.#head!.contentLength !== undefined;
    const now = known ? this.#since : this.#keeper.clock.now();
    this.#finish();
    if (!this.#upload.sent) {
      this.#leave();
      this.conn.abort();
    } else if (this.#head!.keepAlive && now < this.retireAt) {
      this.#keeper.release(this, now);
    } else this.close();
    exchange.ended(now);
  }

  #closed(error: ConnError | undefined): void {
    this.#leave();
    this.#keeper.closed(this);
    if (this.#exchange === undefined) return;
    this.break(
      error ??
        new ConnError("The server closed the connection without a reply", {
          code: "no_response",
          side: "remote",
        }),
    );
  }

  /** Sends what follows the head, now or when the server asks for it. */
  #follow(when: "body" | number): void {
    this.#upload.begin(this.#exchange!);
    if (typeof when === "number") this.#patience = when;
    else this.#startBody();
  }

  #startBody(): void {
    this.#patience = Infinity;
    this.#upload.start();
  }

  /** All of the request is out that will be. */
  uploaded(): void {
    const exchange = this.#exchange!;
    if (this.#replied) return this.#over(exchange);
    if (this.#head !== undefined) return;
    this.#since = this.#keeper.clock.now();
    this.#patience = exchange.timeouts.head;
    this.#arm();
  }

  #phaseOver(now: number): void {
    if (this.#head === undefined && this.#upload.waits) {
      this.#startBody();
    } else if (this.#head !== undefined) {
      this.break(timeout("The server stopped in its reply", "body_timeout"));
    } else if (this.conn.buffered > 0) {
      // The request is still on its way; the connection has a time-out for that.
      this.#since = now;
    } else {
      this.break(timeout("The server did not answer in time", "head_timeout"));
    }
  }

  /** Does not count the time that the program takes. */
  #pause(wait: Promise<void>): Promise<void> {
    this.#paused = true;
    return wait.then(() => {
      this.#paused = false;
      this.#since = this.#keeper.clock.now();
    }, (error) => this.break(error));
  }

  #arm(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    const at = this.#since + this.#patience;
    this.#wheel.schedule(this, Math.min(at, exchange.totalAt));
  }

  /** Ends the exchange's hold on the connection. */
  #finish(): Exchange | undefined {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#paused = false;
    this.#upload.stop();
    return exchange;
  }

  #leave(closing = true): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#wheel.cancel(this);
    this.#keeper.drop(this, closing);
  }
}
