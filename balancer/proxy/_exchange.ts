// One request on its way through the balancer, and its response.

import { ConnError } from "../../conn/error.ts";
import { type TimerWheel, WheelEntry } from "../../conn/wheel.ts";
import { checkFieldValue } from "../../http/codec/field_rules.ts";
import type { Fields } from "../../http/codec/fields.ts";
import type {
  RequestCommand,
  RequestHead,
  ResponseCommand,
  ResponseHead,
} from "../../http/codec/message.ts";
import { reasonOf } from "../../http/codec/reason.ts";
import type { RouteSettings } from "../config/settings.ts";
import { redirectLocation } from "../routing/redirect.ts";
import type { RequestTarget } from "../routing/target.ts";
import type { Outcome } from "../telemetry/record.ts";
import type { Attempt, ClientAddress } from "./_attempt.ts";
import { Attempts, type Dispatched } from "./_attempts.ts";
import type { Backend } from "./backend.ts";
import type { ExchangeClient, ExchangeOptions } from "./_exchange_client.ts";
import { ExchangeFigures } from "./_exchange_record.ts";
import {
  given,
  isIdempotent,
  isWebSocket,
  statusOf,
} from "./_exchange_rules.ts";
import { HeldResponse } from "./_held_response.ts";
import { RequestBody } from "./_request_body.ts";
import { endCommand, type EndEvent, passableTrailers } from "./_trailers.ts";
import type { Route } from "./route.ts";
import type { Upstream } from "./upstream.ts";

const NOTHING = new Uint8Array(0);

/** One request on its way through the balancer. */
export class Exchange extends WheelEntry implements Dispatched {
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
  cookies: string[] | undefined = undefined;
  /** What is told of it when it is over. */
  readonly figures: ExchangeFigures = new ExchangeFigures();
  readonly isIdempotent: boolean;

  readonly #wheel: TimerWheel;
  readonly #body: RequestBody;
  /** Where it is sent. */
  readonly attempts: Attempts;
  #held: HeldResponse | undefined;
  /** The head of a final response has come. */
  #answered = false;
  /** Something of the final response was given to the client. */
  #committed = false;
  /** All of it was. */
  #whole = false;
  #over = false;

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
    this.isIdempotent = isIdempotent(head.method);
    this.attempts = new Attempts(this);
    this.#body = head.contentLength === 0
      ? RequestBody.NONE
      : new RequestBody(route.settings);
  }

  // What a policy may look at, and what the attempts go by.

  get method(): string {
    return this.head.method;
  }

  get fields(): Fields {
    return this.head.fields;
  }

  setCookie(value: string): void {
    (this.cookies ??= []).push(checkFieldValue(value));
  }

  get settings(): RouteSettings {
    return this.route.settings;
  }

  get isKept(): boolean {
    return this.#body.isKept;
  }

  get mayHedge(): boolean {
    return !this.#answered && this.#body.isEmpty &&
      this.head.upgrade === undefined &&
      (this.method === "GET" || this.method === "HEAD");
  }

  get source(): ClientAddress {
    return this.#client.address;
  }

  get bodyTimeout(): number {
    return this.route.settings.timeouts.body;
  }

  get headTimeout(): number {
    return this.route.settings.timeouts.head;
  }

  /** The backend that was asked last. */
  get backend(): Backend | undefined {
    return this.attempts.backend;
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
    if (!body.waitsForAll) return this.#send(this.startedAt);
    if (!this.head.expectContinue) return;
    this.#client.conn.send({ type: "response", status: 100 });
  }

  // What the client sends.

  /** A piece of the request's body. */
  requestBody(bytes: Uint8Array): void | Promise<void> {
    if (this.#over) return;
    if (!this.#body.take(bytes)) return this.#tooLarge();
    const backendConn = this.attempts.current?.conn;
    if (backendConn === undefined) return this.#body.room();
    this.#body.forget();
    backendConn.bodyBegun();
    const { conn } = backendConn;
    if (!conn.send({ type: "body", bytes: given(bytes) })) return conn.drain();
  }

  #tooLarge(): void {
    if (!this.#committed) return this.#refuse(413, "body_too_large");
    this.#break(
      new ConnError(
        `The request's body is over ${this.#body.max} bytes`,
        { code: "body_too_large", side: "remote" },
      ),
    );
  }

  /** The request is complete. */
  requestEnd(event: EndEvent): void {
    if (this.#over || this.#body.isEmpty) return;
    const trailers = passableTrailers(event);
    this.#body.end(trailers && this.#client.requestTrailers(this, trailers));
    const attempt = this.attempts.current;
    if (attempt?.conn !== undefined) this.#sendEnd(attempt);
    else if (this.#body.waitsForAll) this.#send(this.#wheel.now());
  }

  /** The client has left, or was given up: then the error says with which answer. */
  clientLeft(error: ConnError | undefined): void {
    if (this.#over) return;
    const { code = "client_left", reply } = error ?? {};
    const answered = reply !== undefined && !this.#committed;
    this.figures.status = answered ? reply : 499;
    this.figures.error = code;
    this.attempts.cancel();
    this.#end(answered ? "local" : "client_left");
  }

  // What becomes of an attempt.

  assigned(attempt: Attempt): void {
    const conn = attempt.conn!;
    this.figures.queueTime += attempt.queueTime;
    this.figures.connectTime += attempt.connectTime;
    const body = this.#body;
    if (!this.#sendHead(attempt)) return;
    if (body.isEmpty) return conn.requestSent(attempt, this.#wheel.now());
    for (const bytes of body.pieces) conn.conn.send({ type: "body", bytes });
    if (body.isComplete) return this.#sendEnd(attempt);
    // A client that waits for 100 Continue sends nothing before the response.
    if (this.head.expectContinue && body.received === 0) {
      conn.awaitContinue(attempt, this.#wheel.now());
    }
    body.resume(conn.conn);
  }

  responded(attempt: Attempt, head: ResponseHead): void | Promise<void> {
    if (attempt.over) return;
    if (head.status < 200 && head.status !== 101) {
      // From here on it is the client who lets wait.
      if (head.status === 100) attempt.conn!.bodyBegun();
      return this.#interim(head);
    }
    const now = this.#wheel.now();
    attempt.answered(head, now);
    if (this.#isDiscarded(attempt, head, now)) return;
    this.#answered = true;
    this.figures.firstByteTime = now - this.startedAt;
    this.cookies = attempt.cookies;
    this.attempts.settle(attempt);
    if (head.status === 101) {
      const early = !this.#body.isEmpty && !this.#body.isComplete;
      if (early || !isWebSocket(head)) return this.#wrongProtocol(attempt);
      this.figures.status = 101;
      attempt.succeed();
      attempt.close();
      this.#client.upgrade(this, attempt, head);
      return this.#end("upgraded");
    }
    const { holdBack } = this.route.settings.retries;
    if (HeldResponse.suits(head, holdBack)) {
      this.#held = new HeldResponse(head);
    } else {
      this.#committed = true;
      this.#respond(head, undefined);
    }
  }

  /** Whether a response is left for another one, which is on its way. */
  #isDiscarded(attempt: Attempt, head: ResponseHead, now: number): boolean {
    const { statuses } = this.route.settings.retries;
    if (statuses.length === 0 || !this.isIdempotent) return false;
    if (!statuses.includes(head.status)) return false;
    try {
      return this.attempts.discard(attempt, now);
    } catch (error) {
      this.#client.report(error);
      return false;
    }
  }

  received(attempt: Attempt, bytes: Uint8Array): void | Promise<void> {
    if (attempt.over) return;
    attempt.backend.stats.bytesOut += bytes.length;
    const { conn } = this.#client;
    if (this.#held === undefined) {
      this.figures.bytesOut += bytes.length;
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
      const passable = passableTrailers(event);
      const trailers = passable && this.route.responseRelay.trailers(passable);
      this.#client.conn.send(endCommand(trailers));
    }
    this.#end("complete");
  }

  failed(attempt: Attempt, error: ConnError): void {
    if (attempt.over) return;
    this.figures.error = error.code;
    if (this.#committed) {
      this.attempts.fail(attempt, error);
      return this.#break(error);
    }
    this.#held = undefined;
    this.#answered = false;
    this.figures.firstByteTime = 0;
    const now = this.#wheel.now();
    this.#guarded(
      () => this.attempts.replace(attempt, error, now),
      statusOf(error),
      error.code,
    );
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
    if (timeouts.request !== Infinity) {
      this.#wheel.schedule(this, this.startedAt + timeouts.request);
    }
    try {
      this.attempts.hedge(now);
    } catch (error) {
      // The first attempt goes on.
      this.#client.report(error);
    }
  }

  // What the backend gets.

  #send(now: number): void {
    const { hedgeAfter, timeouts } = this.route.settings;
    if (hedgeAfter !== Infinity && this.mayHedge) {
      const end = this.startedAt + timeouts.request;
      this.#wheel.schedule(this, Math.min(now + hedgeAfter, end));
    }
    try {
      if (this.attempts.send(now)) return;
    } catch (error) {
      return this.#policyFailed(error);
    }
    this.#refuse(503, "no_backend");
  }

  /**
   * Does what asks the policy, which may be the program's own.
   *
   * @param step Returns whether the request goes on.
   * @param status The answer if it does not.
   * @param code What is wrong then.
   */
  #guarded(step: () => boolean, status = 503, code = "no_backend"): void {
    try {
      if (step()) return;
    } catch (error) {
      return this.#policyFailed(error);
    }
    this.#refuse(status, code);
  }

  #policyFailed(error: unknown): void {
    this.#client.report(error);
    const reply = error instanceof ConnError ? error.reply : undefined;
    this.#refuse(reply ?? 500, "policy_failed");
  }

  #sendHead(attempt: Attempt): boolean {
    const command: RequestCommand = {
      type: "request",
      method: this.head.method,
      target: this.target,
      fields: this.#client.requestFields(this, attempt.backend),
    };
    if (this.#body.isEmpty) command.body = "";
    try {
      attempt.conn!.conn.send(command);
      return true;
    } catch (error) {
      // What came in and cannot be sent is not what this end would have sent.
      this.#client.report(error);
      this.#refuse(400, "unsendable");
      return false;
    }
  }

  #sendEnd(attempt: Attempt): void {
    const conn = attempt.conn!;
    const { trailers } = this.#body;
    conn.conn.send(endCommand(trailers));
    conn.requestSent(attempt, this.#wheel.now());
  }

  // What the client gets.

  #interim(head: ResponseHead): void | Promise<void> {
    // A client that does not wait for it may not know what to do with it.
    const waits = this.head.expectContinue && !this.#body.waitsForAll;
    if (head.status === 100 && !waits) return;
    const { conn } = this.#client;
    const fields = this.#client.responseFields(this, head);
    const sent = conn.send({ type: "response", status: head.status, fields });
    return sent ? undefined : conn.drain();
  }

  /**
   * RFC 9110 §7.8: a server must not switch to what it was not asked for, nor
   * before it has all of the request.
   */
  #wrongProtocol(attempt: Attempt): void {
    attempt.fail("unexpected_upgrade");
    this.#refuse(502, "unexpected_upgrade");
  }

  #respond(head: ResponseHead, body: Uint8Array | undefined): void {
    const { status, reason } = head;
    this.figures.status = status;
    const command: ResponseCommand = {
      type: "response",
      status,
      fields: this.#client.responseFields(this, head),
    };
    if (reason !== reasonOf(status)) command.reason = reason;
    if (body !== undefined) {
      command.body = body;
      this.figures.bytesOut += body.length;
    }
    this.#client.conn.send(command);
  }

  /** Sends the client to a backend. */
  #redirect(status: number): void {
    this.#guarded(() => {
      const backend = this.attempts.pick();
      const location = backend &&
        redirectLocation(backend.settings.endpoint, this.target);
      if (location === undefined) return false;
      this.figures.status = status;
      this.#client.redirect(this, status, location);
      this.#end("local");
      return true;
    });
  }

  /** Answers with an error. */
  #refuse(status: number, error: string): void {
    this.attempts.cancel();
    this.figures.error = error;
    this.figures.status = status;
    this.#client.answer(this.requestId, status);
    this.#end("local");
  }

  /** The response cannot be completed: neither can the client's. */
  #break(error: ConnError): void {
    this.attempts.cancel();
    this.figures.error = error.code;
    this.#end("broken");
    this.#client.conn.abort(error);
  }

  #end(outcome: Outcome): void {
    this.#over = true;
    if (!this.#body.isEmpty) this.#body.end(undefined);
    this.#wheel.cancel(this);
    const { backend } = this.attempts;
    if (backend !== undefined) backend.stats.bytesIn += this.bytesIn;
    this.#client.ended(this, outcome);
  }
}
