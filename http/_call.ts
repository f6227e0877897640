// One request of the program, through queue, attempts and redirects.

import type { Conn } from "../conn/conn.ts";
import { ConnError } from "../conn/error.ts";
import { WheelEntry, wheelFor } from "../conn/wheel.ts";
import type { BodyToSend } from "./_body_sender.ts";
import { byteLength, FilledBody } from "./_client_body.ts";
import type { ClientConn } from "./_client_conn.ts";
import type { ClientBody } from "./client_body.ts";
import type { RequestOptions, RequestTimeouts } from "./client_options.ts";
import {
  ClientResponse,
  type RequestTimings,
  type ResponseSource,
} from "./client_response.ts";
import { decodeContent } from "./content_decoding.ts";
import { DecodedBody } from "./_decoded_body.ts";
import { type Exchange, timeout } from "./_exchange.ts";
import { Fields } from "./fields.ts";
import { Hop } from "./_hop.ts";
import type { HttpCommand, HttpEvent, ResponseHead } from "./message.ts";
import type { Origin, Waiter } from "./_origin.ts";
import type { Pool } from "./pool.ts";
import { isRedirect, redirectStep, RedirectTrail } from "./redirect.ts";
import { isIdempotent, type RetryPolicy } from "./retry.ts";
import type { Router } from "./_route.ts";
import { mergeTimeouts, type Settings } from "./_settings.ts";

/** What all requests of a client share. */
export interface CallHost {
  readonly settings: Settings;
  readonly pool: Pool;
  readonly router: Router;
  readonly policy: RetryPolicy;
  /** For who does not want retries. */
  readonly strictPolicy: RetryPolicy;
  /** A request begins. */
  began(): void;
  /** It is over, its reply's body included. */
  ended(): void;
}

/** How the program gets its answer. */
export interface Settle {
  resolve(response: ClientResponse): void;
  reject(error: unknown): void;
}

/** After so many stale connections in a row it is no bad luck any more. */
const MAX_STALE = 3;

type State = "waiting" | "exchange" | "pausing" | "over";

/** One request. */
export class Call extends WheelEntry
  implements Exchange, Waiter, ResponseSource {
  readonly totalAt: number;
  readonly timeouts: Required<RequestTimeouts>;
  readonly maxResponseSize: number;
  readonly onEvent: Exchange["onEvent"];
  fresh = false;
  attempts = 0;
  upgraded: Conn<HttpEvent, HttpCommand> | undefined;

  readonly #host: CallHost;
  readonly #options: RequestOptions;
  readonly #settle: Settle;
  readonly #hop: Hop;
  readonly #decode: boolean;
  #state: State = "waiting";
  #settled = false;
  #origin: Origin | undefined;
  #conn: ClientConn | undefined;
  #trail: RedirectTrail | undefined;
  #stale = 0;
  /** Milliseconds until the next attempt, once the present reply is over. */
  #next: number | undefined;
  #timer: unknown;
  #onAbort: (() => void) | undefined;
  readonly #startedAt: number;
  #queuedAt = 0;
  #assignedAt = 0;
  #headAt = 0;
  #endedAt: number | undefined;
  #sent = 0;
  #received = 0;
  #length: number | undefined;

  constructor(
    host: CallHost,
    url: string,
    options: RequestOptions,
    settle: Settle,
  ) {
    super();
    const { settings } = host;
    this.#host = host;
    this.#options = options;
    this.#settle = settle;
    const now = this.#startedAt = settings.clock.now();
    this.timeouts = mergeTimeouts(settings.timeouts, options.timeouts);
    this.totalAt = now + this.timeouts.total;
    this.maxResponseSize = options.maxResponseSize ?? settings.maxResponseSize;
    this.onEvent = options.onEvent;
    this.#decode = options.decode ?? settings.decode;
    if (options.signal?.aborted) throw aborted(options.signal);
    this.#hop = new Hop(
      host.router.find(url, options.unix),
      options,
      this.#decode ? settings.defaults : settings.plainDefaults,
      this.#decode,
    );
    host.policy.countRequest(now);
    host.began();
    if (options.signal !== undefined) this.#listen(options.signal);
    this.#acquire(now);
  }

  // What the pool asks and tells.

  get repeatable(): boolean {
    return this.#options.idempotent ?? isIdempotent(this.#hop.method);
  }

  assigned(conn: ClientConn, now: number): void {
    const { pool, settings } = this.#host;
    if (this.#state !== "waiting") return pool.release(conn, now);
    wheelFor(settings.clock).cancel(this);
    this.#state = "exchange";
    this.#conn = conn;
    this.#assignedAt = now;
    conn.begin(this, this.#hop.outgoing, now);
  }

  unassigned(error: unknown): void {
    if (this.#state !== "waiting") return;
    this.attempts++;
    this.#tryAgain(error, true, false);
  }

  /** It has waited too long. */
  override due(now: number): void {
    if (this.#state !== "waiting") return;
    const origin = this.#origin!;
    const { pool } = this.#host;
    const late = now >= this.totalAt;
    // Opening a connection has time-outs of its own.
    if (!late && pool.isOpening(origin, this)) return this.#armQueue(now);
    pool.leave(origin, this);
    this.#reject(
      late
        ? timeout("The request took too long", "total_timeout")
        : new ConnError("No connection got free in time", {
          code: "queue_timeout",
          side: "local",
        }),
    );
  }

  // What the connection asks and tells.

  openBody(): BodyToSend {
    const { trailers, onProgress } = this.#options;
    return {
      source: this.#hop.open(),
      trailers: typeof trailers === "function" ? trailers : () => trailers,
      onSent: (piece) => {
        if (onProgress === undefined) return;
        this.#sent += byteLength(piece);
        this.#progress();
      },
    };
  }

  information(head: ResponseHead): void {
    this.#options.onInformation?.(head);
  }

  received(count: number): void {
    this.#received += count;
    if (this.#options.onProgress !== undefined) this.#progress();
  }

  responded(
    conn: ClientConn,
    head: ResponseHead,
    now: number,
  ): FilledBody | undefined {
    const { status } = head;
    this.#headAt = now;
    this.attempts++;
    this.#length = head.contentLength;
    const tunnel = status === 101 ||
      (this.#hop.method === "CONNECT" && status < 300);
    if (!tunnel && status >= 300 && this.#goesOn(head, now)) return undefined;
    const { maxBufferedSize } = this.#options;
    const body = new FilledBody(
      conn,
      maxBufferedSize ?? this.#host.settings.maxBufferedSize,
    );
    if (this.onEvent !== undefined) body.use();
    if (tunnel) {
      this.upgraded = conn.give();
      body.end(new Fields());
      this.ended(now);
    }
    this.#settled = true;
    this.#settle.resolve(
      new ClientResponse(this, head, body, this.#readable(head, body)),
    );
    return tunnel ? undefined : body;
  }

  ended(now: number): void {
    this.#endedAt = now;
    if (this.#next !== undefined) this.#proceed(now);
    else this.#over();
  }

  failed(conn: ClientConn, error: unknown, headSeen: boolean): void {
    if (this.#next !== undefined && !isFinal(error)) {
      return this.#proceed(this.#host.settings.clock.now());
    }
    if (this.#settled || headSeen) return this.#reject(error);
    this.attempts++;
    this.#tryAgain(error, !conn.touched, conn.uses > 1);
  }

  // What the program asks, through the response.

  get url(): string {
    return this.#hop.route.target.url;
  }

  get redirects(): readonly string[] {
    return this.#trail?.urls ?? [];
  }

  get reused(): boolean {
    return (this.#conn?.uses ?? 1) > 1;
  }

  get timings(): RequestTimings {
    const opened = this.reused ? undefined : this.#conn?.opened;
    const { connect, tls } = opened ?? { connect: 0, tls: 0 };
    const waited = this.#assignedAt - this.#queuedAt;
    return {
      queue: Math.max(0, waited - connect - tls),
      connect,
      tls,
      firstByte: this.#headAt - this.#assignedAt,
      total: this.#endedAt === undefined
        ? undefined
        : this.#endedAt - this.#startedAt,
    };
  }

  // From one attempt to the next.

  #acquire(now: number): void {
    this.#state = "waiting";
    this.#queuedAt = now;
    try {
      // Now, so that what is wrong with the head costs no connection.
      this.#hop.outgoing;
    } catch (error) {
      return this.#reject(error);
    }
    this.#origin = this.#hop.route.origin;
    this.#host.pool.acquire(this.#origin, this, now);
    if (this.#state === "waiting") this.#armQueue(now);
  }

  #armQueue(now: number): void {
    const at = Math.min(now + this.timeouts.queue, this.totalAt);
    wheelFor(this.#host.settings.clock).schedule(this, at);
  }

  /** Whether the reply is not for the program: it is redirected, or repeated. */
  #goesOn(head: ResponseHead, now: number): boolean {
    const { status, fields } = head;
    const hop = this.#hop;
    if (status === 417 && hop.expectsContinue && hop.replayable) {
      hop.expectNothing();
      this.#next = 0;
    } else if (isRedirect(status)) {
      const location = fields.get("location");
      const mode = this.#options.redirect ?? this.#host.settings.redirect;
      if (mode === "manual" || location === undefined) return false;
      this.#redirect(status, location, mode === "error");
      return true;
    } else if (status === 429 || status >= 500) {
      this.#next = this.#delay({
        status,
        now,
        retryAfter: fields.get("retry-after"),
      });
    }
    return this.#next !== undefined;
  }

  #redirect(status: number, location: string, forbidden: boolean): void {
    const hop = this.#hop;
    const { url, method } = { url: this.url, method: hop.method };
    try {
      if (forbidden) throw redirectForbidden(url, location);
      const step = redirectStep({ method, url }, { status, location });
      this.#trail ??= new RedirectTrail(
        { method, url },
        this.#options.maxRedirects ?? this.#host.settings.maxRedirects,
      );
      this.#trail.add(step);
      hop.redirect(step, this.#host.router.find(step.url, this.#options.unix));
      this.attempts = 0;
      this.#stale = 0;
      this.#next = 0;
    } catch (error) {
      this.#fail(error);
    }
  }

  #tryAgain(error: unknown, neverSent: boolean, reused: boolean): void {
    // What this program did wrong does not get better.
    const passing = error instanceof ConnError && error.side !== "local";
    const code = passing ? error.code : "";
    const stale = reused && ++this.#stale <= MAX_STALE;
    const now = this.#host.settings.clock.now();
    this.#next = this.#delay({ code, now, neverSent, stale });
    if (this.#next === undefined) return this.#reject(error);
    this.fresh = reused;
    this.#proceed(now);
  }

  #delay(
    failure: {
      now: number;
      status?: number;
      retryAfter?: string | undefined;
      code?: string;
      neverSent?: boolean;
      stale?: boolean;
    },
  ): number | undefined {
    const { now, stale, neverSent, ...rest } = failure;
    const { policy, strictPolicy } = this.#host;
    const delay = (this.#options.retry === false ? strictPolicy : policy).delay(
      {
        attempts: this.attempts,
        idempotent: this.repeatable,
        neverSent: neverSent ?? false,
        reused: stale ?? false,
        replayable: this.#hop.replayable,
        ...rest,
      },
      now,
    );
    if (delay === undefined || now + delay >= this.totalAt) return undefined;
    return delay;
  }

  #proceed(now: number): void {
    const delay = this.#next!;
    this.#next = undefined;
    if (delay === 0) return this.#acquire(now);
    this.#state = "pausing";
    const { clock } = this.#host.settings;
    this.#timer = clock.setTimeout(() => this.#acquire(clock.now()), delay);
  }

  // The end.

  #listen(signal: AbortSignal): void {
    this.#onAbort = () => {
      const error = aborted(signal);
      const state = this.#state;
      if (state === "exchange") return this.#conn!.break(error);
      if (state === "waiting") this.#host.pool.leave(this.#origin!, this);
      this.#reject(error);
    };
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  #reject(error: unknown): void {
    this.#fail(error);
    this.#over();
  }

  /** Tells the program; the exchange may still have to end. */
  #fail(error: unknown): void {
    this.#next = undefined;
    if (this.#settled) return;
    this.#settled = true;
    this.#settle.reject(error);
  }

  #over(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#host.ended();
    const { clock } = this.#host.settings;
    wheelFor(clock).cancel(this);
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    if (this.#onAbort === undefined) return;
    this.#options.signal!.removeEventListener("abort", this.#onAbort);
    this.#onAbort = undefined;
  }

  #progress(): void {
    this.#options.onProgress?.({
      sent: this.#sent,
      received: this.#received,
      total: this.#length,
    });
  }

  /** The body as the program reads it. */
  #readable(head: ResponseHead, body: FilledBody): ClientBody {
    if (!this.#decode || head.contentLength === 0) return body;
    const coding = head.fields.get("content-encoding");
    if (coding === undefined) return body;
    const { maxBufferedSize = this.#host.settings.maxBufferedSize } =
      this.#options;
    const maxBytes = this.maxResponseSize;
    return new DecodedBody(
      body,
      maxBufferedSize,
      (source) => decodeContent(source, coding, { maxBytes }),
    );
  }
}

/** Whether a failure ends the request even if its next step is known. */
function isFinal(error: unknown): boolean {
  return error instanceof ConnError &&
    (error.code === "aborted" || error.code === "total_timeout" ||
      error.code === "client_closed");
}

function aborted(signal: AbortSignal): ConnError {
  return new ConnError("The request was aborted", {
    code: "aborted",
    side: "local",
    cause: signal.reason,
  });
}

function redirectForbidden(url: string, location: string): ConnError {
  return new ConnError(
    `Cannot follow the redirect from "${url}" to "${location}": redirects are not allowed`,
    { code: "redirect_refused", side: "remote" },
  );
}
