// One request of the program, through queue, attempts and redirects.

import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { WheelEntry, wheelFor } from "../../conn/wheel.ts";
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
import { Fields } from "../codec/fields.ts";
import { Figures } from "./_figures.ts";
import { Hop } from "./_hop.ts";
import type { HttpCommand, HttpEvent, ResponseHead } from "../codec/message.ts";
import { NextStep, type StepHost } from "./_next_step.ts";
import type { Origin, Waiter } from "./_origin.ts";
import type { Pool } from "./_pool.ts";
import { mergeTimeouts } from "./_settings.ts";

/** What all requests of a client share. */
export interface CallHost extends StepHost {
  readonly pool: Pool;
  /** Requests that wait for their next attempt. */
  readonly pausing: Set<Call>;
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

type State = "waiting" | "exchange" | "pausing" | "over";

/** One request. */
export class Call extends WheelEntry
  implements Exchange, Waiter, ResponseSource {
  readonly totalAt: number;
  readonly timeouts: Required<RequestTimeouts>;
  readonly maxResponseSize: number;
  readonly onEvent: Exchange["onEvent"];
  fresh = false;
  upgraded: Conn<HttpEvent, HttpCommand> | undefined;

  readonly #host: CallHost;
  readonly #options: RequestOptions;
  readonly #settle: Settle;
  readonly #hop: Hop;
  readonly #step: NextStep;
  readonly #decode: boolean;
  #state: State = "waiting";
  #settled = false;
  #origin: Origin | undefined;
  #conn: ClientConn | undefined;
  /** Milliseconds until the next attempt, once the present reply is over. */
  #next: number | undefined;
  #timer: unknown;
  #onAbort: (() => void) | undefined;
  readonly #figures: Figures;
  /** Whether the present connection had carried a request before. */
  #reused = false;

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
    const now = settings.clock.now();
    this.#figures = new Figures(now);
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
    this.#step = new NextStep(host, options, this.#hop, this.totalAt);
    host.policy.countRequest(now);
    host.began();
    if (options.signal !== undefined) this.#listen(options.signal);
    this.#acquire(now);
  }

  // What the pool asks and tells.

  get repeatable(): boolean {
    return this.#step.repeatable;
  }

  assigned(conn: ClientConn, now: number): void {
    const { pool, settings } = this.#host;
    if (this.#state !== "waiting") return pool.release(conn, now);
    if (this.wheelNext !== undefined) wheelFor(settings.clock).cancel(this);
    this.#state = "exchange";
    this.#conn = conn;
    this.#reused = conn.uses > 0;
    this.#figures.assignedAt = now;
    conn.begin(this, this.#hop.outgoing, now);
  }

  unassigned(error: unknown): void {
    if (this.#state !== "waiting") return;
    this.#tryAgain(error, { neverSent: true, reused: false });
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
        this.#figures.sent += byteLength(piece);
        this.#progress();
      },
    };
  }

  information(head: ResponseHead): void {
    this.#options.onInformation?.(head);
  }

  received(count: number): void {
    this.#figures.received += count;
    if (this.#options.onProgress !== undefined) this.#progress();
  }

  responded(
    conn: ClientConn,
    head: ResponseHead,
    now: number,
  ): FilledBody | undefined {
    const { status } = head;
    this.#figures.headAt = now;
    this.#figures.length = head.contentLength;
    const tunnel = status === 101 ||
      (this.#hop.method === "CONNECT" && status < 300);
    try {
      this.#next = this.#step.afterReply(head, now);
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
    if (this.#next !== undefined) return undefined;
    const { maxBufferedSize = this.#host.settings.maxBufferedSize } =
      this.#options;
    const body = new FilledBody(conn, maxBufferedSize);
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
    this.#figures.endedAt = now;
    if (this.#next !== undefined) this.#proceed(now);
    else this.#over();
  }

  failed(conn: ClientConn, error: unknown, headSeen: boolean): void {
    if (this.#next !== undefined && !isFinal(error)) {
      return this.#proceed(this.#host.settings.clock.now());
    }
    if (this.#settled || headSeen) return this.#reject(error);
    this.#tryAgain(error, { neverSent: !conn.touched, reused: conn.uses > 1 });
  }

  // What the program asks, through the response.

  get url(): string {
    return this.#hop.route.target.url;
  }

  get redirects(): readonly string[] {
    return this.#step.redirects;
  }

  get attempts(): number {
    return this.#step.attempts;
  }

  get reused(): boolean {
    return this.#reused;
  }

  get timings(): RequestTimings {
    return this.#figures.timings(this.#reused ? undefined : this.#conn);
  }

  // From one attempt to the next.

  #acquire(now: number): void {
    this.#state = "waiting";
    this.#figures.queuedAt = now;
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

  #tryAgain(
    error: unknown,
    failed: { neverSent: boolean; reused: boolean },
  ): void {
    const now = this.#host.settings.clock.now();
    this.#next = this.#step.afterFailure(error, failed, now);
    if (this.#next === undefined) return this.#reject(error);
    this.fresh = failed.reused;
    this.#proceed(now);
  }

  #proceed(now: number): void {
    const delay = this.#next!;
    this.#next = undefined;
    if (delay === 0) return this.#acquire(now);
    this.#state = "pausing";
    const { pausing, settings: { clock } } = this.#host;
    pausing.add(this);
    this.#timer = clock.setTimeout(() => {
      pausing.delete(this);
      this.#timer = undefined;
      this.#acquire(clock.now());
    }, delay);
  }

  // The end.

  /** Gives the request up, whatever it is doing. */
  cancel(error: ConnError): void {
    if (this.#state === "exchange") return this.#conn!.break(error);
    if (this.#state === "waiting") this.#host.pool.leave(this.#origin!, this);
    this.#reject(error);
  }

  #listen(signal: AbortSignal): void {
    this.#onAbort = () => this.cancel(aborted(signal));
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
    if (this.wheelNext !== undefined) wheelFor(clock).cancel(this);
    if (this.#timer !== undefined) {
      clock.clearTimeout(this.#timer);
      this.#host.pausing.delete(this);
    }
    if (this.#onAbort === undefined) return;
    this.#options.signal!.removeEventListener("abort", this.#onAbort);
    this.#onAbort = undefined;
  }

  #progress(): void {
    this.#options.onProgress?.(this.#figures.progress());
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
