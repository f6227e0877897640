/**
 * What a client wants of a hub, over as many connections as it takes. Pure.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import type {
  ClientMessage,
  ErrorMessage,
  ServerMessage,
} from "../wire/protocol.ts";
import { alreadySubscribed, refused } from "./_errors.ts";
import { parseMessage } from "./_parse_message.ts";
import { type Answer, type Asked, Requests } from "./_requests.ts";
import { type FeedMessage, SubscriptionState } from "./_subscription_state.ts";
import type { QueueLimits } from "./update_queue.ts";
import type { SubscribeOptions } from "./updates.ts";

/** Limits of a {@linkcode Session}. */
export interface SessionLimits extends QueueLimits {
  /** The most bytes of requests that wait for answers. */
  readonly queue: number;
}

/** Where a session puts what it makes. */
export interface SessionOutput {
  /** Sends a message, if there is a connection. Tells whether there is. */
  send(text: string): boolean;
  /** The connection may be read again. */
  readOn(): void;
  /** The hub says goodbye: come back in so many milliseconds. */
  bye(retry: number): void;
  /** What the hub grants ends in so many milliseconds. */
  expires(expiresIn: number): void;
}

/** A message that may say when the grant ends. */
interface Expiring {
  expiresIn?: number;
}

/** A filter, and what the hub was told about it. */
interface Link {
  /** Who wants it. */
  wanted: SubscriptionState | undefined;
  /** Whom the hub serves, or was asked to. */
  served: SubscriptionState | undefined;
  /** What it has not answered: there is one question at a time. */
  asked: "subscribe" | "unsubscribe" | undefined;
}

/**
 * Subscriptions and requests. A connection that opens is told of all of them, the
 * subscriptions first, each from where it is.
 */
export class Session {
  readonly #output: SessionOutput;
  readonly #limits: SessionLimits;
  readonly #links = new Map<string, Link>();
  readonly #requests: Requests;
  /** Subscriptions with so much to give that the connection is not to be read. */
  readonly #full = new Set<SubscriptionState>();
  #isConnected = false;
  #isPaused = false;
  #ended: ConnError | undefined;
  /** The client's id on the connection of the moment. */
  id: string | undefined;

  constructor(output: SessionOutput, limits: SessionLimits) {
    this.#output = output;
    this.#limits = limits;
    this.#requests = new Requests(limits.queue);
  }

  /** There is a connection. */
  opened(): void {
    this.#isConnected = true;
    for (const [filter, link] of this.#links) this.#settle(filter, link);
    this.#requests.sendAll((text) => this.#output.send(text));
  }

  /**
   * The connection is lost.
   *
   * @param tooLarge The hub would not take a message of its length.
   */
  lost(tooLarge = false): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.id = undefined;
    this.#readOn();
    for (const [filter, link] of this.#links) {
      if (link.served !== undefined) link.served.isAccepting = false;
      link.served = link.asked = undefined;
      this.#settle(filter, link);
    }
    if (tooLarge) this.#requests.refuseLongest();
  }

  /**
   * It is over.
   *
   * @param error What answers and requests fail with.
   * @param wanted The program has ended it: subscriptions just end.
   */
  end(error: ConnError, wanted: boolean): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#isConnected = false;
    this.id = undefined;
    for (const { wanted: state } of this.#links.values()) {
      state?.queue.end(wanted ? undefined : error);
    }
    this.#links.clear();
    this.#full.clear();
    this.#requests.failAll(error);
    this.#readOn();
  }

  /**
   * Begins a subscription.
   *
   * @throws {ConnError} With code `"already_subscribed"` or `"closed"`.
   */
  subscribe(filter: string, options: SubscribeOptions): SubscriptionState {
    if (this.#ended !== undefined) throw this.#ended;
    const link = this.#links.get(filter) ??
      { wanted: undefined, served: undefined, asked: undefined };
    if (link.wanted !== undefined) throw alreadySubscribed(filter);
    const state: SubscriptionState = new SubscriptionState(
      filter,
      options,
      this.#limits,
      () => this.#taken(state),
    );
    link.wanted = state;
    // At the end of the order in which they are restored.
    this.#links.delete(filter);
    this.#links.set(filter, link);
    this.#settle(filter, link);
    return state;
  }

  /** Ends a subscription. */
  unsubscribe(state: SubscriptionState): void {
    state.queue.end();
    this.#release(state);
    const link = this.#links.get(state.filter);
    if (link?.wanted !== state) return;
    link.wanted = undefined;
    this.#settle(state.filter, link);
  }

  /** Asks the hub something; again whenever the connection was lost meanwhile. */
  ask(asked: Asked): Promise<Answer> {
    if (this.#ended !== undefined) {
      const failed = Promise.reject(this.#ended);
      failed.catch(() => {});
      return failed;
    }
    const answer = this.#requests.add(asked, (text) => this.#send(text));
    // Who waits for the answer might be who takes updates.
    if (this.#requests.count > 0) this.#readOn();
    return answer;
  }

  /**
   * Takes a message of the hub.
   *
   * @returns Whether to read on; if not, wait for {@linkcode SessionOutput.readOn}.
   * @throws {ConnError} With code `"message_invalid"`.
   */
  receive(text: string): boolean {
    this.#dispatch(parseMessage(text), text.length);
    this.#isPaused = this.#full.size > 0 && this.#requests.count === 0;
    return !this.#isPaused;
  }

  #dispatch(message: ServerMessage, size: number): void {
    switch (message.type) {
      case "hello":
        this.id = message.client;
        return this.#expires(message as Expiring);
      case "value":
      case "patch":
        return this.#feed(message.filter ?? message.topic, message, size);
      case "gap":
      case "reset":
        return this.#feed(message.filter, message, size);
      case "members":
        return this.#feed(message.topic, message, size);
      case "subscribed":
        return this.#subscribed(message);
      case "unsubscribed":
        return this.#unsubscribed(message.filter);
      case "error":
        return this.#error(message);
      case "authorized":
        this.#requests.answer(message);
        return this.#expires(message);
      case "published":
      case "presence":
        return this.#requests.answer(message);
      case "bye":
        return this.#output.bye(message.retry);
      default:
        // Of a later version.
    }
  }

  #expires({ expiresIn }: Expiring): void {
    if (expiresIn !== undefined) this.#output.expires(expiresIn);
  }

  #feed(filter: string, message: FeedMessage, size: number): void {
    const link = this.#links.get(filter);
    const state = link?.wanted;
    if (link?.served !== state || !state?.isAccepting) return;
    state.accept(message, size);
    if (state.queue.isFull) this.#full.add(state);
    if (state.queue.isOverfull) {
      state.isParked = true;
      state.isAccepting = false;
    }
    if (!state.isAccepting) this.#settle(filter, link!);
  }

  #subscribed({ filter, cursor }: { filter: string; cursor?: string }): void {
    const link = this.#links.get(filter);
    if (link?.asked !== "subscribe") return;
    link.asked = undefined;
    if (link.served?.isAccepting) link.served.begun(cursor);
    this.#settle(filter, link);
  }

  #unsubscribed(filter: string): void {
    const link = this.#links.get(filter);
    if (link?.asked !== "unsubscribe") return;
    link.served = link.asked = undefined;
    this.#settle(filter, link);
  }

  #error({ ref, filter, code, message }: ErrorMessage): void {
    const error = refused({ code, message });
    if (ref !== undefined) this.#requests.refuse(ref, error);
    const link = filter === undefined ? undefined : this.#links.get(filter);
    if (link === undefined) return;
    if (code === "not_subscribed") return this.#unsubscribed(filter!);
    const { served, wanted } = link;
    link.served = link.asked = undefined;
    if (served !== undefined && served === wanted) {
      link.wanted = undefined;
      this.#release(served);
      served.queue.end(error);
    }
    this.#settle(filter!, link);
  }

  /** Makes what the hub knows about a filter what is wanted. */
  #settle(filter: string, link: Link): void {
    const { wanted, served } = link;
    if (wanted === undefined && served === undefined) {
      this.#links.delete(filter);
    } else if (this.#isConnected && link.asked === undefined) {
      if (served === undefined) this.#serve(link);
      else if (served !== wanted || !served.isAccepting) {
        link.asked = "unsubscribe";
        this.#command({ type: "unsubscribe", filter });
      }
    }
  }

  #serve(link: Link): void {
    const state = link.wanted!;
    if (state.isParked) return;
    link.asked = "subscribe";
    link.served = state;
    state.isAccepting = true;
    this.#command(state.command());
  }

  /** Somebody has taken an update. */
  #taken(state: SubscriptionState): void {
    if (!state.queue.isLow) return;
    this.#release(state);
    if (!state.isParked) return;
    state.isParked = false;
    const link = this.#links.get(state.filter);
    if (link?.wanted === state) this.#settle(state.filter, link);
  }

  /** It holds up the connection no more. */
  #release(state: SubscriptionState): void {
    if (this.#full.delete(state) && this.#full.size === 0) this.#readOn();
  }

  #readOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#output.readOn();
  }

  #command(command: ClientMessage): void {
    this.#output.send(JSON.stringify(command));
  }

  #send(text: string): boolean {
    return this.#isConnected && this.#output.send(text);
  }
}
