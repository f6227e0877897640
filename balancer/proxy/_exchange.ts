// One request on its way through the balancer, and its response.

import { ConnError } from "../../conn/error.ts";
import { MAX_COPIED } from "../../conn/machine.ts";
import { type TimerWheel, WheelEntry } from "../../conn/wheel.ts";
import type { Fields } from "../../http/codec/fields.ts";
import type {
  RequestHead,
  ResponseCommand,
  ResponseHead,
} from "../../http/codec/message.ts";
import { reasonOf } from "../../http/codec/reason.ts";
import type { PolicyRequest } from "../policy/policy.ts";
import { redirectLocation } from "../routing/redirect.ts";
import type { RequestTarget } from "../routing/target.ts";
import type { ExchangeRecord, Outcome } from "../telemetry/record.ts";
import { Attempt, type AttemptOwner, type ClientAddress } from "./_attempt.ts";
import type { Backend } from "./backend.ts";
import type { HttpConn } from "./_backend_conn.ts";
import { HeldResponse } from "./_held_response.ts";
import { RequestBody } from "./_request_body.ts";
import { type EndEvent, passableTrailers } from "./_trailers.ts";
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

const NOTHING = new Uint8Array(0);

/** Bytes that were lent, as they can be sent: what is not copied is kept. */
function given(bytes: Uint8Array): Uint8Array {
  return bytes.length > MAX_COPIED ? bytes.slice() : bytes;
}

/** Whether a 101 is to WebSocket, the one protocol that is asked for. */
function isWebSocket({ fields }: ResponseHead): boolean {
  return fields.get("upgrade")?.toLowerCase() === "websocket";
}

/** RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "TRACE",
]);

/** One request on its way through the balancer. */
export class Exchange extends WheelEntry
  implements AttemptOwner, PolicyRequest {
  readonly #client: ExchangeClient;
  readonly head: RequestHead;
  readonly asked: RequestTarget;
  /** The target as the backend gets it. */
  readonly target: string;
  readonly route: Route;
  readonly upstream: Upstream;
  readonly clientAddress: string;
  readonly requestId: string;
  /** When it began, on the clock. */
  readonly startedAt: number;
  /** The backend that was asked last. */
  backend: Backend | undefined = undefined;
  /** `Set-Cookie` values of the policy. */
  cookies: string[] | undefined = undefined;
  /** The status that the client gets. */
  status = 0;
  bytesOut = 0;
  retries = 0;
  hedged = false;

  readonly #wheel: TimerWheel;
  readonly #idempotent: boolean;
  readonly #body: RequestBody;
  #attempt: Attempt | undefined;
  #hedge: Attempt | undefined;
  #tried: Backend[] | undefined;
  /** A kept connection broke before it brought anything: that is forgiven once. */
  #forgiven = false;
  #held: HeldResponse | undefined;
  /** Something of the final response was given to the client. */
  #committed = false;
  /** All of it was. */
  #whole = false;
  #over = false;
  #error: string | undefined;
  #firstByteTime = 0;
  #queueTime = 0;
  #connectTime = 0;

  constructor(options: ExchangeOptions) {
    super();
    const { client, head, route } = options;
    this.#client = client;
    this.head = head;
    this.asked = options.asked;
    this.target = route.targetFor(options.asked);
    this.route = route;
    this.upstream = options.upstream;
    this.clientAddress = options.clientAddress;
    this.requestId = options.requestId;
    this.startedAt = options.now;
    this.#wheel = options.wheel;
    this.#idempotent = IDEMPOTENT.has(head.method);
    this.#body = head.contentLength === 0
      ? RequestBody.NONE
      : new RequestBody(route.settings);
  }

  // What a policy may look at.

  get method(): string {
    return this.head.method;
  }

  get fields(): Fields {
    return this.head.fields;
  }

  setCookie(value: string): void {
    (this.cookies ??= []).push(value);
  }

  get source(): ClientAddress {
    return this.#client.address;
  }

  get headTimeout(): number {
    return this.route.settings.timeouts.head;
  }

  /** Bytes of the request's body. */
  get bytesIn(): number {
    return this.#body.received;
  }

  /** Begins. */
  start(): void {
    const { timeouts, redirect } = this.route.settings;
    if (redirect !== undefined) return this.#redirect(redirect);
    if (timeouts.request !== Infinity) {
      this.#wheel.schedule(this, this.startedAt + timeouts.request);
    }
    const body = this.#body;
    if ((this.head.contentLength ?? 0) > body.max) {
      return this.#refuse(413, "body_too_large");
    }
    if (!body.waitsForAll) return this.#try(this.startedAt);
    if (!this.head.expectContinue) return;
    this.#client.conn.send({ type: "response", status: 100 });
  }

  // What the client sends.

  /** A piece of the request's body. */
  requestBody(bytes: Uint8Array): void | Promise<void> {
    if (this.#over) return;
    if (!this.#body.take(bytes)) return this.#refuse(413, "body_too_large");
    const conn = this.#attempt?.conn?.conn;
    if (conn === undefined) return this.#body.room();
    this.#body.forget();
    if (!conn.send({ type: "body", bytes: given(bytes) })) return conn.drain();
  }

  /** The request is complete. */
  requestEnd(event: EndEvent): void {
    if (this.#over || this.#body.isEmpty) return;
    const trailers = passableTrailers(event);
    this.#body.end(trailers && this.#client.requestTrailers(this, trailers));
    const attempt = this.#attempt;
    if (attempt?.conn !== undefined) this.#sendEnd(attempt);
    else if (this.#body.waitsForAll) this.#try(this.#wheel.now());
  }

  /** The client has left. */
  clientLeft(error: ConnError | undefined): void {
    if (this.#over) return;
    this.status = 499;
    this.#error = error?.code ?? "client_left";
    this.#drop();
    this.#end("client_left");
  }

  // What becomes of an attempt.

  assigned(attempt: Attempt): void {
    const conn = attempt.conn!;
    this.#queueTime += attempt.queueTime;
    this.#connectTime += attempt.connectTime;
    const body = this.#body;
    conn.conn.send({
      type: "request",
      method: this.head.method,
      target: this.target,
      fields: this.#client.requestFields(this, attempt.backend),
      ...(body.isEmpty && { body: "" }),
    });
    if (body.isEmpty) {
      conn.requestSent(attempt, this.#wheel.now());
    } else {
      for (const bytes of body.pieces) conn.conn.send({ type: "body", bytes });
      if (body.isComplete) this.#sendEnd(attempt);
      else body.resume(conn.conn);
    }
  }

  responded(attempt: Attempt, head: ResponseHead): void | Promise<void> {
    if (attempt.over) return;
    if (head.status < 200 && head.status !== 101) return this.#interim(head);
    const now = this.#wheel.now();
    this.#firstByteTime = now - this.startedAt;
    attempt.answered(head, now);
    this.cookies = attempt.cookies;
    if (this.#hedge !== undefined) this.#settleOn(attempt);
    if (head.status === 101) {
      if (!isWebSocket(head)) return this.#wrongProtocol(attempt);
      this.status = 101;
      attempt.succeed();
      attempt.close();
      this.#client.upgrade(this, attempt, head);
      return this.#end("upgraded");
    }
    const { statuses, holdBack } = this.route.settings.retries;
    if (
      statuses.length > 0 && statuses.includes(head.status) &&
      this.#idempotent && this.#mayRetry(attempt)
    ) {
      attempt.succeed();
      attempt.cancel();
      return this.#again(attempt.backend);
    }
    if (HeldResponse.suits(head, holdBack)) {
      this.#held = new HeldResponse(head);
    } else {
      this.#committed = true;
      this.#respond(head, undefined);
    }
  }

  received(attempt: Attempt, bytes: Uint8Array): void | Promise<void> {
    if (attempt.over) return;
    attempt.backend.stats.bytesOut += bytes.length;
    const { conn } = this.#client;
    if (this.#held === undefined) {
      this.bytesOut += bytes.length;
      const sent = conn.send({ type: "body", bytes: given(bytes) });
      return sent ? undefined : conn.drain();
    }
    const { head } = this.#held;
    const body = this.#held.push(bytes);
    if (body === undefined) return;
    this.#held = undefined;
    this.#whole = true;
    this.#respond(head, given(body));
  }

  completed(attempt: Attempt, event: EndEvent): void {
    if (attempt.over) return;
    attempt.succeed();
    attempt.close();
    if (this.#held !== undefined) {
      this.#respond(this.#held.head, NOTHING);
    } else if (!this.#whole) {
      const trailers = passableTrailers(event);
      this.#client.conn.send(
        trailers === undefined ? { type: "end" } : { type: "end", trailers },
      );
    }
    this.#end("complete");
  }

  failed(attempt: Attempt, error: ConnError): void {
    if (attempt.over) return;
    const { conn, backend } = attempt;
    // The backend may have closed a kept connection just when it was used.
    const stale = !this.#forgiven && conn !== undefined && conn.uses > 1 &&
      !conn.answered && error.code !== "head_timeout";
    // The balancer's own limits are no fault of the backend.
    if (!stale && error.side !== "local") attempt.fail(error.code);
    attempt.close();
    if (this.#otherGoesOn(attempt)) return;
    this.#held = undefined;
    this.#error = error.code;
    if (this.#committed) return this.#break(error);
    if (stale && this.#maySendAgain(attempt)) {
      this.#forgiven = true;
      return this.#try(this.#wheel.now(), backend);
    }
    if (this.#mayRetry(attempt)) return this.#again(backend);
    this.#refuse(error.reply ?? 502, error.code);
  }

  /** The request's time is over, or that after which it is hedged. */
  override due(now: number): void {
    const { timeouts } = this.route.settings;
    if (now >= this.startedAt + timeouts.request) {
      if (!this.#committed) return this.#refuse(504, "request_timeout");
      return this.#break(
        new ConnError("The request took too long", {
          code: "request_timeout",
          side: "local",
        }),
      );
    }
    this.#hedgeNow(now);
  }

  /** What is known of it, once it is over. */
  record(time: number, outcome: Outcome): ExchangeRecord {
    return {
      time,
      head: this.head,
      clientAddress: this.clientAddress,
      secure: this.#client.conn.secure,
      route: this.route.name,
      upstream: this.upstream.name,
      backend: this.backend?.id,
      status: this.status,
      outcome,
      error: this.#error,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      retries: this.retries,
      hedged: this.hedged,
      requestId: this.requestId,
      queueTime: this.#queueTime,
      connectTime: this.#connectTime,
      firstByteTime: this.#firstByteTime,
      totalTime: this.#wheel.now() - this.startedAt,
    };
  }

  // Attempts.

  /**
   * Sends the request to a backend.
   *
   * @param again The one to use, by a new connection.
   */
  #try(now: number, again?: Backend): void {
    const backend = again ?? this.#pick(this.#tried);
    if (backend === undefined) {
      // A policy that failed has been heard.
      return this.#over ? undefined : this.#refuse(503, "no_backend");
    }
    this.#attempt = this.#begin(backend, now, again !== undefined);
    const { hedgeAfter, timeouts } = this.route.settings;
    if (hedgeAfter !== Infinity && this.#mayHedge) {
      const at = Math.min(
        now + hedgeAfter,
        this.startedAt + timeouts.request,
      );
      this.#wheel.schedule(this, at);
    }
    backend.pool.acquire(this.#attempt);
  }

  /** Asks the policy; cookies that it sets belong to this choice. */
  #pick(tried: readonly Backend[] | undefined): Backend | undefined {
    this.cookies = undefined;
    try {
      return this.upstream.pick(this, tried);
    } catch (error) {
      this.#client.report(error);
      const reply = error instanceof ConnError ? error.reply : undefined;
      this.#refuse(reply ?? 500, "policy_failed");
      return undefined;
    }
  }

  #begin(backend: Backend, now: number, fresh: boolean): Attempt {
    this.backend = backend;
    const unsafe = !this.#idempotent;
    const { cookies } = this;
    return new Attempt(this, backend, { now, fresh, unsafe, cookies });
  }

  #again(failed: Backend): void {
    (this.#tried ??= []).push(failed);
    this.retries++;
    this.upstream.retries++;
    failed.stats.retries++;
    this.#try(this.#wheel.now());
  }

  /** Whether it is tried on another backend, for what the budget is asked. */
  #mayRetry(attempt: Attempt): boolean {
    const { attempts } = this.route.settings.retries;
    if (this.retries >= attempts || !this.#maySendAgain(attempt)) return false;
    const tried = [...this.#tried ?? [], attempt.backend];
    if (!this.upstream.hasOther(tried)) return false;
    if (this.upstream.budget.take(this.#wheel.now())) return true;
    this.upstream.budgetRefused++;
    return false;
  }

  /** Whether it cannot do harm, RFC 9110 §9.2.2, and all of it is still here. */
  #maySendAgain({ conn }: Attempt): boolean {
    if (!this.#body.isKept) return false;
    return this.#idempotent || conn === undefined || !conn.touched;
  }

  get #mayHedge(): boolean {
    return this.#hedge === undefined && this.#body.isEmpty &&
      (this.method === "GET" || this.method === "HEAD");
  }

  /** Sends the request to a second backend, if there is one. */
  #hedgeNow(now: number): void {
    const { timeouts } = this.route.settings;
    if (timeouts.request !== Infinity) {
      this.#wheel.schedule(this, this.startedAt + timeouts.request);
    }
    const first = this.#attempt;
    if (first === undefined || this.#firstByteTime > 0 || !this.#mayHedge) {
      return;
    }
    const tried = [...this.#tried ?? [], first.backend];
    if (!this.upstream.hasOther(tried)) return;
    if (!this.upstream.budget.take(now)) {
      this.upstream.budgetRefused++;
      return;
    }
    const backend = this.#pick(tried);
    if (backend === undefined) return;
    this.hedged = true;
    this.upstream.hedges++;
    this.#hedge = this.#begin(backend, now, false);
    this.backend = first.backend;
    backend.pool.acquire(this.#hedge);
  }

  /** One of a pair was first: the other one is given up. */
  #settleOn(attempt: Attempt): void {
    const other = attempt === this.#hedge ? this.#attempt : this.#hedge;
    this.#attempt = attempt;
    this.#hedge = undefined;
    this.backend = attempt.backend;
    other?.cancel();
  }

  /** One has failed: whether there is another one that goes on. */
  #otherGoesOn(attempt: Attempt): boolean {
    const other = attempt === this.#hedge ? this.#attempt : this.#hedge;
    this.#attempt = other;
    this.#hedge = undefined;
    if (other === undefined) return false;
    this.backend = other.backend;
    return true;
  }

  #sendEnd(attempt: Attempt): void {
    const conn = attempt.conn!;
    const { trailers } = this.#body;
    conn.conn.send(
      trailers === undefined ? { type: "end" } : { type: "end", trailers },
    );
    conn.requestSent(attempt, this.#wheel.now());
  }

  #drop(): void {
    this.#attempt?.cancel();
    this.#hedge?.cancel();
  }

  // What the client gets.

  #interim(head: ResponseHead): void {
    // A client that does not wait for it may not know what to do with it.
    const waits = this.head.expectContinue && !this.#body.waitsForAll;
    if (head.status === 100 && !waits) return;
    const { conn } = this.#client;
    const fields = this.#client.responseFields(this, head);
    conn.send({ type: "response", status: head.status, fields });
  }

  /** RFC 9110 §7.8: a server must not switch to what it was not asked for. */
  #wrongProtocol(attempt: Attempt): void {
    attempt.fail("unexpected_upgrade");
    this.#refuse(502, "unexpected_upgrade");
  }

  #respond(head: ResponseHead, body: Uint8Array | undefined): void {
    const { status, reason } = head;
    this.status = status;
    const command: ResponseCommand = {
      type: "response",
      status,
      fields: this.#client.responseFields(this, head),
    };
    if (reason !== reasonOf(status)) command.reason = reason;
    if (body !== undefined) {
      command.body = body;
      this.bytesOut += body.length;
    }
    this.#client.conn.send(command);
  }

  /** Sends the client to a backend. */
  #redirect(status: number): void {
    const backend = this.#pick(undefined);
    if (this.#over) return;
    this.backend = backend;
    const location = backend &&
      redirectLocation(backend.settings.endpoint, this.target);
    if (location === undefined) return this.#refuse(503, "no_backend");
    this.status = status;
    this.#client.redirect(this, status, location);
    this.#end("local");
  }

  /** Answers with an error. */
  #refuse(status: number, error: string): void {
    this.#drop();
    this.#error = error;
    this.status = status;
    this.#client.answer(this.requestId, status);
    this.#end("local");
  }

  /** The response cannot be completed: neither can the client's. */
  #break(error: ConnError): void {
    this.#drop();
    this.#error = error.code;
    this.#end("broken");
    this.#client.conn.abort(error);
  }

  #end(outcome: Outcome): void {
    this.#over = true;
    if (!this.#body.isEmpty) this.#body.end(undefined);
    this.#wheel.cancel(this);
    if (this.backend !== undefined) this.backend.stats.bytesIn += this.bytesIn;
    this.#client.ended(this, outcome);
  }
}
