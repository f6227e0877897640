/**
 * A client of a hub.
 *
 * @module
 */

import { type Clock, systemClock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { Fields } from "../../http/codec/fields.ts";
import {
  reconnect,
  type ReconnectEvent,
  type ReconnectingWs,
  type ReconnectTarget,
} from "../../ws/reconnect.ts";
import type { Published, PublishOptions } from "../published.ts";
import {
  type AuthorizedMessage,
  type Member,
  type PresenceMessage,
  type PublishedMessage,
  SUBPROTOCOL,
} from "../wire/protocol.ts";
import {
  type PushClientOptions,
  resolveSession,
  STOP_CODES,
} from "./_client_options.ts";
import {
  clientClosed,
  closedByHub,
  messageInvalid,
  notAHub,
} from "./_errors.ts";
import { Refresh } from "./_refresh.ts";
import { Session } from "./_session.ts";
import { Wait } from "./_wait.ts";
import { type Subscription, subscriptionOf } from "./subscription.ts";
import type { SubscribeOptions } from "./updates.ts";

/** What a {@linkcode PushClient} is doing; `"connecting"` also between attempts. */
export type PushClientState = "connecting" | "open" | "closed";

/** The hub closed over a message that is too long, RFC 6455 §7.4.1. */
const TOO_LARGE = 1009;

/** A client of a hub. {@linkcode connect} makes one. */
export class PushClient implements AsyncDisposable {
  readonly #options: PushClientOptions;
  readonly #session: Session;
  readonly #socket: ReconnectingWs;
  readonly #clock: Clock;
  readonly #refresh: Refresh;
  readonly #comeBack: Wait;
  readonly #closed = Promise.withResolvers<ConnError | undefined>();
  /** Of the keys that it makes. */
  readonly #name = crypto.randomUUID();
  #keys = 0;
  /** The token that the program has shown itself. */
  #token: string | undefined;
  /** Lets the connection be read on. */
  #gate: PromiseWithResolvers<void> | undefined;
  #isClosed = false;

  /** Use {@linkcode connect}. */
  constructor(url: string | URL, options: PushClientOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#comeBack = new Wait(this.#clock);
    this.#refresh = new Refresh(this.#clock, () => this.#showToken());
    const { maxRetryAfter = 600_000 } = options;
    this.#session = new Session({
      send: (text) => this.#send(text),
      readOn: () => this.#readOn(),
      bye: (retry) => this.#comeBack.set(Math.min(retry, maxRetryAfter)),
      expires: (expiresIn) => {
        if (typeof options.token === "function") {
          this.#refresh.expires(expiresIn);
        }
      },
    }, resolveSession(options));
    const { token: _, queue: __, ...rest } = options;
    this.#socket = reconnect(url, {
      stopCodes: STOP_CODES,
      ...rest,
      protocols: SUBPROTOCOL,
      queue: "reject",
      prepare: () => this.#prepare(),
    }, (event) => this.#receive(event));
  }

  /** What it is doing. */
  get state(): PushClientState {
    if (this.#isClosed) return "closed";
    const { state } = this.#socket;
    if (state === "closing") return "closed";
    return state === "waiting" ? "connecting" : state;
  }

  /** The client's id at the hub; `undefined` while there is no connection. */
  get id(): string | undefined {
    return this.#session.id;
  }

  /**
   * Settles when it is over: with `undefined` if the program has closed it, with
   * an error if it cannot go on. Never rejects.
   */
  get closed(): Promise<ConnError | undefined> {
    return this.#closed.promise;
  }

  /**
   * Subscribes to the topics that a filter matches. The subscription begins at
   * once; with no connection, when there is one.
   *
   * @typeParam T What the values are; they are not checked.
   * @param filter A topic, or a pattern with `+` for one level and `#` for the rest.
   * @param options Mode, where to begin, differences, presence.
   * @throws {ConnError} With code `"already_subscribed"` if there is a
   * subscription by this filter, or that of {@linkcode PushClient.closed} if it is
   * over. What the hub has against it ends the iteration.
   */
  subscribe<T = unknown>(
    filter: string,
    options: SubscribeOptions = {},
  ): Subscription<T> {
    const state = this.#session.subscribe(filter, options);
    return subscriptionOf<T>(
      filter,
      state.queue,
      () => this.#session.unsubscribe(state),
    );
  }

  /**
   * Publishes a value, once: if the connection is lost before the hub has
   * answered, it is sent again on the next one, with the same key.
   *
   * @param topic Where to.
   * @param value Anything that JSON can say, as it is now.
   * @param options A key of the program's own, so that also another client can
   * publish the value again.
   * @returns What became of it. Who does not wait for it need not care.
   * @throws {ConnError} What the hub has against it: `"forbidden"`,
   * `"rate_limited"`, `"topic_invalid"`, `"engine_unavailable"`; or with code
   * `"value_invalid"`, `"message_too_large"`, `"send_queue_full"`, or that of
   * {@linkcode PushClient.closed}: it may have been published then.
   */
  publish(
    topic: string,
    value: unknown,
    options: PublishOptions = {},
  ): Promise<Published> {
    const { key = `${this.#name}-${++this.#keys}` } = options;
    const answer = this.#session.ask({ type: "publish", topic, key, value });
    return quietly(answer.then((answer) => {
      const { cursor, duplicate } = answer as PublishedMessage;
      // Nobody else has a key that was made here.
      return { cursor, duplicate: duplicate && options.key !== undefined };
    }));
  }

  /**
   * Asks who subscribes to a topic that has presence.
   *
   * @throws {ConnError} What the hub has against it: `"no_presence"`,
   * `"forbidden"`; or that of {@linkcode PushClient.closed}.
   */
  presence(topic: string): Promise<Member[]> {
    const answer = this.#session.ask({ type: "presence", topic });
    return quietly(
      answer.then((answer) => (answer as PresenceMessage).members),
    );
  }

  /**
   * Shows a token in place of the one from before, also on later connections
   * unless the options have a function for that.
   *
   * @returns Milliseconds until the next one must be shown; `undefined` for never.
   * @throws {ConnError} What the hub has against it, or that of
   * {@linkcode PushClient.closed}.
   */
  authorize(token: string): Promise<number | undefined> {
    const before = this.#token;
    this.#token = token;
    const answer = this.#session.ask({ type: "authorize", token });
    answer.catch(() => {
      // One that the hub has refused is not shown again.
      if (this.#token === token) this.#token = before;
    });
    return quietly(
      answer.then((answer) => (answer as AuthorizedMessage).expiresIn),
    );
  }

  /**
   * Closes for good: iterations end, and what the hub has not answered fails with
   * code `"closed"`.
   *
   * @returns Resolves when the connection has closed.
   */
  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#end(clientClosed(), true);
      this.#socket.close();
    }
    await this.#socket.closed;
  }

  /** The same as {@linkcode PushClient.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Before each attempt to connect. */
  async #prepare(): Promise<ReconnectTarget | void> {
    await this.#comeBack.over();
    const token = await this.#nextToken();
    if (token === undefined) return;
    const fields = new Fields(this.#options.fields);
    fields.set("Authorization", `Bearer ${token}`);
    return { fields };
  }

  async #nextToken(): Promise<string | undefined> {
    const { token } = this.#options;
    return typeof token === "function" ? await token() : this.#token ?? token;
  }

  async #showToken(): Promise<void> {
    const token = await this.#nextToken();
    if (token !== undefined) {
      await this.#session.ask({ type: "authorize", token });
    }
  }

  #receive(event: ReconnectEvent): void | Promise<void> {
    switch (event.type) {
      case "open":
        return this.#opened(event.conn.subprotocol);
      case "message":
        return this.#message(event.data);
      case "reconnecting":
        return this.#lost(event.code, event.error);
      case "close": {
        const { code, reason, error } = event;
        this.#end(error ?? closedByHub(code, reason), false);
      }
    }
  }

  #opened(subprotocol: string): void {
    if (subprotocol === SUBPROTOCOL) this.#session.opened();
    else this.#socket.close(notAHub(subprotocol));
  }

  #message(data: string | Uint8Array): void | Promise<void> {
    if (this.#isClosed) return;
    try {
      if (typeof data !== "string") throw messageInvalid();
      if (this.#session.receive(data)) return;
    } catch (error) {
      const known = error instanceof ConnError;
      return this.#socket.close(known ? error : messageInvalid(error));
    }
    this.#gate = Promise.withResolvers();
    return this.#gate.promise;
  }

  #lost(code: number, error: ConnError | undefined): void {
    this.#refresh.stop();
    // With an error, the code is this side's word.
    this.#session.lost(error === undefined && code === TOO_LARGE);
  }

  #send(text: string): boolean {
    const { conn } = this.#socket;
    if (conn?.state !== "open") return false;
    conn.send(text);
    return true;
  }

  #readOn(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  #end(error: ConnError, wanted: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#refresh.stop();
    this.#comeBack.cancel();
    this.#session.end(error, wanted);
    this.#readOn();
    this.#closed.resolve(wanted ? undefined : error);
  }
}

/** Who does not look at a promise has no failure to handle. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
