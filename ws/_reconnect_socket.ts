/**
 * What a program holds of a WebSocket that connects again.
 *
 * @module
 */

import { type Clock, systemClock } from "../conn/clock.ts";
import { ConnError } from "../conn/error.ts";
import { EventQueue } from "../conn/event_queue.ts";
import type {
  ReconnectEvent,
  ReconnectHandler,
  ReconnectOptions,
  ReconnectState,
} from "./_reconnect_options.ts";
import { aborted } from "./_client_handshake.ts";
import {
  asConnError,
  handlerFailed,
  hasHandler,
  notConnected,
  prepareFailed,
  refusalOf,
} from "./_reconnect_errors.ts";
import { type ReconnectCause, ReconnectPolicy } from "./_reconnect_policy.ts";
import { Outbox } from "./_reconnect_queue.ts";
import { writeClose } from "./codec/close_frame.ts";
import { connect } from "./connect.ts";
import type { WsEvent } from "./machine/message.ts";
import type { PreparedMessage } from "./machine/prepared.ts";
import type { WsConn } from "./ws_conn.ts";

/** What {@linkcode ReconnectingWs.messages} is made of. */
type MessageEvents = Extract<ReconnectEvent, { type: "message" | "close" }>;

const GONE = { code: 1006, reason: "", wasClean: false };

/**
 * A WebSocket over as many connections as it takes. `reconnect` makes one.
 */
export class ReconnectingWs implements AsyncDisposable {
  readonly #url: string | URL;
  readonly #options: ReconnectOptions;
  readonly #handler: ReconnectHandler;
  readonly #clock: Clock;
  readonly #policy: ReconnectPolicy;
  readonly #outbox: Outbox;
  readonly #messages: EventQueue<MessageEvents> | undefined;
  readonly #closed = Promise.withResolvers<ConnError | undefined>();
  #state: ReconnectState = "connecting";
  #conn: WsConn | undefined;
  /** Ends the attempt under way. */
  #aborter = new AbortController();
  #resumed = false;
  #timer: unknown;

  /**
   * Begins to connect.
   *
   * @param url Where to.
   * @param options See {@linkcode ReconnectOptions}.
   * @param handler Gets the events. Left out: `messages` gives the messages.
   * @throws {RangeError} If an option is out of its range.
   */
  constructor(
    url: string | URL,
    options: ReconnectOptions = {},
    handler?: ReconnectHandler,
  ) {
    this.#url = url;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { queue = 1024 * 1024, signal } = options;
    this.#policy = new ReconnectPolicy(options);
    this.#outbox = new Outbox(queue, () => this.#tell({ type: "drain" }));
    if (handler === undefined) this.#messages = new EventQueue();
    this.#handler = handler ?? keep(this.#messages!);
    signal?.addEventListener("abort", this.#onAbort);
    // Not before the program has what this makes.
    Promise.resolve().then(() => {
      if (signal?.aborted) this.#onAbort();
      else this.#connect();
    });
  }

  /** What it is doing. */
  get state(): ReconnectState {
    return this.#state;
  }

  /** The connection of the moment. What is sent on it passes the queue by. */
  get conn(): WsConn | undefined {
    return this.#conn;
  }

  /** Milliseconds that the last ping of this connection took to be answered. */
  get latency(): number | undefined {
    return this.#conn?.latency;
  }

  /** Settles when it is over, with the `close` event's error or `undefined`. */
  get closed(): Promise<ConnError | undefined> {
    return this.#closed.promise;
  }

  /**
   * Sends a message, or queues it while there is no connection. Messages keep
   * their order. What was handed to a connection that then broke is lost, unless
   * the program sends it again: only the peer knows what has arrived. Does
   * nothing once it closes.
   *
   * @param message A string for a text message, bytes for a binary one, which
   * are given away.
   * @returns `false` if it was queued, or if the connection's send queue is over
   * its high mark: wait for the `drain` event, or for `drain()`.
   * @throws {ConnError} With code `"send_queue_full"`; or `"not_connected"` if
   * the options say `"reject"`.
   */
  send(message: string | Uint8Array | PreparedMessage): boolean {
    if (this.#state === "closing" || this.#state === "closed") return false;
    return this.#outbox.send(message);
  }

  /**
   * Resolves when there is a connection, what was queued is sent, and the
   * connection's send queue is below its low mark; or when it is over.
   *
   * While the handler of `open` is at work, what was queued is sent at once: the
   * handler may wait for this, too. Who has something to send before that says it
   * before the handler's first `await`.
   *
   * @throws {ConnError} With code `"message_open"` if the program has begun a
   * message on the connection; what was queued goes on waiting.
   */
  drain(): Promise<void> {
    return this.#outbox.drain();
  }

  /**
   * Pings the peer.
   *
   * @param payload At most 125 bytes.
   * @returns The latency in milliseconds.
   * @throws {ConnError} With code `"not_connected"`, or if the connection closes.
   */
  async ping(payload?: Uint8Array): Promise<number> {
    if (this.#conn === undefined) throw notConnected("ping");
    return await this.#conn.ping(payload);
  }

  /**
   * The messages of all connections, one by one, if there is no handler. The
   * connection is not read while the loop's body runs.
   *
   * @throws {ConnError} At the end, if that came with an error; or with code
   * `"has_handler"`.
   */
  async *messages(): AsyncGenerator<string | Uint8Array, void, void> {
    if (this.#messages === undefined) throw hasHandler();
    while (true) {
      const { value } = await this.#messages.next();
      if (value?.type === "message") yield value.data;
      else if (value?.error === undefined) return;
      else throw value.error;
    }
  }

  /**
   * Closes for good: after the queued messages if there is a connection, at once
   * if there is none.
   *
   * @param code The close code, 1000 by default, or why.
   * @param reason At most 123 bytes of UTF-8.
   * @throws {ConnError} With code `"close_invalid"`, whatever the state is.
   */
  close(code: number | ConnError = 1000, reason?: string): void {
    // Not only if there is a connection that says so.
    if (typeof code === "number") writeClose(code, reason);
    if (this.#state === "closing" || this.#state === "closed") return;
    const conn = this.#conn;
    if (conn === undefined) {
      const error = code instanceof ConnError ? { error: code } : {};
      return this.#finish({ ...GONE, ...error });
    }
    this.#outbox.flush(conn);
    conn.close(code, reason);
    this.#state = "closing";
  }

  /** Closes for good, without a closing handshake; what is queued is lost. */
  abort(error?: ConnError): void {
    if (this.#state === "closed") return;
    if (this.#conn === undefined) {
      return this.#finish({ ...GONE, ...(error && { error }) });
    }
    this.#state = "closing";
    this.#conn.abort(error);
  }

  /** Closes for good, and waits for the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  readonly #onAbort = (): void => {
    this.abort(aborted(this.#options.signal!));
  };

  async #connect(): Promise<void> {
    if (this.#state === "closed") return;
    this.#timer = undefined;
    this.#state = "connecting";
    const { signal } = this.#aborter = new AbortController();
    try {
      const target = await this.#prepare();
      if (signal.aborted) return;
      const { url = this.#url, ...rest } = target ?? {};
      const options = { ...this.#options, ...rest, signal };
      await connect(url, options, (event, conn) => this.#receive(event, conn));
    } catch (error) {
      // If it is over, nobody cares.
      if (this.#state !== "connecting") return;
      this.#lost({ ...GONE, error: asConnError(error) });
    }
  }

  async #prepare() {
    try {
      return await this.#options.prepare?.(
        this.#policy.attempt,
        this.#policy.last,
      );
    } catch (cause) {
      throw prepareFailed(cause);
    }
  }

  #receive(event: WsEvent, conn: WsConn): void | Promise<void> {
    // The attempt was given up a moment ago.
    if (this.#state === "closed") return conn.abort();
    switch (event.type) {
      case "open":
        return this.#opened(conn);
      case "close":
        return this.#lost(event);
      default:
        return this.#call(event, conn);
    }
  }

  /** Calls the handler; if it fails, the connection closes for it, and is last. */
  #call(event: ReconnectEvent, conn: WsConn): void | Promise<void> {
    try {
      const result = this.#handler(event, this);
      if (result === undefined) return;
      return result.catch((error) => this.#failed(error, conn));
    } catch (error) {
      this.#failed(error, conn);
    }
  }

  #failed(error: unknown, conn: WsConn): never {
    if (conn === this.#conn) this.#state = "closing";
    // That one has closed while the handler was at work.
    else this.abort(handlerFailed("an earlier event", error));
    throw error;
  }

  #opened(conn: WsConn): void | Promise<void> {
    this.#conn = conn;
    this.#state = "open";
    this.#policy.opened(this.#clock.now());
    this.#outbox.opened(conn);
    const { attempt } = this.#policy;
    const resumed = this.#resumed;
    this.#resumed = true;
    this.#outbox.ahead = true;
    let result: void | Promise<void>;
    try {
      const event: ReconnectEvent = { type: "open", conn, attempt, resumed };
      result = this.#call(event, conn);
    } finally {
      this.#outbox.ahead = false;
    }
    if (result === undefined) return this.#outbox.flush(conn);
    return result.then(() => this.#outbox.flush(conn));
  }

  /** A connection has closed, or could not be made. */
  #lost({ code, reason, wasClean, error }: ReconnectCause): void {
    const told = { code, reason, ...(error && { error }) };
    const cause = { ...told, wasClean };
    const wanted = this.#state === "closing";
    this.#conn = undefined;
    this.#outbox.lost();
    const now = this.#clock.now();
    const delay = this.#policy.lost(cause, refusalOf(error), now);
    if (wanted || delay === undefined) return this.#finish(cause);
    this.#state = "waiting";
    this.#timer = this.#clock.setTimeout(() => this.#connect(), delay);
    const { attempt } = this.#policy;
    this.#tell({ type: "reconnecting", attempt, delay, ...told });
  }

  #finish(cause: ReconnectCause): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#conn = undefined;
    this.#aborter.abort();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    // Not from inside a call of `close`: the event is a call of its own.
    Promise.resolve().then(() => {
      this.#outbox.ended();
      this.#tell({ type: "close", ...cause });
      this.#closed.resolve(cause.error);
    });
  }

  /** Tells the handler what belongs to no connection, which could fail for it. */
  async #tell(event: ReconnectEvent): Promise<void> {
    try {
      await this.#handler(event, this);
    } catch (cause) {
      console.error(cause);
      if (this.#state === "closed") return;
      this.abort(handlerFailed(`"${event.type}"`, cause));
    }
  }
}

/** A handler for who has none. */
function keep(events: EventQueue<MessageEvents>): ReconnectHandler {
  const put = events.handler as (event: MessageEvents) => void | Promise<void>;
  return (event) => {
    if (event.type === "message" || event.type === "close") return put(event);
  };
}
