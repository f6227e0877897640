/**
 * What clients ask for over a WebSocket.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { MessageRate } from "../../ws/machine/message_rate.ts";
import { checkPublish, checkSubscribe } from "../access.ts";
import type { HubCore } from "../core.ts";
import type { HubClient } from "../delivery/client.ts";
import { checkFilter, checkTopic } from "../model/topic_name.ts";
import type { Grant } from "../options.ts";
import {
  type AuthorizeCommand,
  type ClientMessage,
  type ErrorMessage,
  FORBIDDEN,
  type PresenceCommand,
  type PublishCommand,
  type ServerMessage,
  type SubscribeCommand,
  type UnsubscribeCommand,
} from "../wire/protocol.ts";
import { CommandRate } from "./command_rate.ts";
import { parseSince } from "./query.ts";

/** The longest that a client is not read from for asking too much. */
const MAX_PAUSE = 1000;

/** What an answer is about. */
type About = Pick<ErrorMessage, "ref" | "filter">;

/** Where answers go. */
export interface Answers {
  /** Sends an answer to the client. */
  reply(message: ServerMessage): void;
}

/** Does what a client asks for, and answers. */
export class Commands {
  readonly #core: HubCore;
  readonly #client: HubClient;
  readonly #answers: Answers;
  readonly #commands: CommandRate;
  #values: MessageRate | undefined;
  /** What the command under way costs. */
  #cost = 1;
  /** Ends a pause. */
  #goOn: (() => void) | undefined;

  constructor(
    core: HubCore,
    client: HubClient,
    answers: Answers,
  ) {
    this.#core = core;
    this.#client = client;
    this.#answers = answers;
    const { commandRate } = core.settings;
    this.#commands = new CommandRate(commandRate, core.wheel.now());
  }

  /**
   * Does what a command says.
   *
   * @returns A promise if what follows has to wait: for a hook, or because the
   * client asks for too much.
   */
  do(command: ClientMessage): void | Promise<void> {
    this.#cost = 1;
    const done = this.#do(command);
    const { wheel } = this.#core;
    const wait = this.#commands.spend(this.#cost, wheel.now());
    if (wait === 0) return done;
    const pause = this.#pause(Math.min(wait, MAX_PAUSE));
    return Promise.all([done, pause]).then(() => {});
  }

  #pause(delay: number): Promise<void> {
    const { clock } = this.#core;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.setTimeout(resolve, delay);
    this.#goOn = () => {
      clock.clearTimeout(timer);
      resolve();
    };
    return promise;
  }

  /** The client has left. */
  close(): void {
    this.#goOn?.();
  }

  #do(command: ClientMessage): void | Promise<void> {
    switch (command.type) {
      case "subscribe":
        return this.#try(command, () => this.#subscribe(command));
      case "unsubscribe":
        return this.#try(command, () => this.#unsubscribe(command));
      case "publish":
        return this.#try(command, () => this.#publish(command));
      case "presence":
        return this.#try(command, () => this.#presence(command));
      case "authorize":
        return this.#try(command, () => this.#authorize(command));
    }
  }

  /** Answers with the error, if there is one. */
  #try(
    about: About,
    run: () => void | Promise<void>,
  ): void | Promise<void> {
    try {
      return run()?.catch((error) => this.#refuse(about, error));
    } catch (error) {
      this.#refuse(about, error);
    }
  }

  #refuse({ ref, filter }: About, error: unknown): void {
    const isKnown = error instanceof ConnError;
    // What fails behind the hub is not for the client to see.
    const isTheirs = isKnown && error.side === "remote";
    if (!isTheirs) this.#core.report(error);
    this.#answers.reply({
      type: "error",
      ...(ref === undefined ? {} : { ref }),
      ...(filter === undefined ? {} : { filter }),
      code: isKnown ? error.code : "internal",
      message: isTheirs ? error.message : "The hub cannot do this now",
    });
  }

  #subscribe(command: SubscribeCommand): void | Promise<void> {
    const { filter, since } = command;
    checkFilter(filter);
    this.#checkCount(filter);
    if (since !== undefined) parseSince(since);
    const checked = checkSubscribe(this.#core.options, this.#client, filter);
    if (checked === undefined) return this.#begin(command);
    return checked.then(() => this.#begin(command));
  }

  #checkCount(filter: string): void {
    const { subscriptions } = this.#client;
    if (this.#client.find(filter) !== undefined) {
      throw refusal("already_subscribed", `"${filter}" is subscribed to`);
    }
    const most = this.#core.settings.subscriptions;
    if (subscriptions.length < most) return;
    throw refusal(
      "too_many_subscriptions",
      `Cannot subscribe to "${filter}": a client may have ${most} subscriptions`,
    );
  }

  #begin(command: SubscribeCommand): void {
    const { filter, mode = "latest", since, delta = false, presence = false } =
      command;
    if (this.#client.hasLeft) return;
    this.#cost = this.#core.subscribe(this.#client, filter, [filter], {
      mode,
      since: since === undefined ? "newest" : parseSince(since),
      delta,
      presence,
      begun: (cursor) =>
        this.#answers.reply({
          type: "subscribed",
          filter,
          ...(cursor === undefined ? {} : { cursor }),
        }),
    });
  }

  #unsubscribe({ filter }: UnsubscribeCommand): void {
    if (!this.#core.unsubscribe(this.#client, filter)) {
      throw refusal("not_subscribed", `"${filter}" is not subscribed to`);
    }
    this.#answers.reply({ type: "unsubscribed", filter });
  }

  #publish(command: PublishCommand): void | Promise<void> {
    const { topic, value } = command;
    this.#values ??= new MessageRate(this.#core.settings.publishRate);
    if (!this.#values.take(this.#core.wheel.now())) {
      throw refusal(
        "rate_limited",
        `Cannot publish to "${topic}": expected at most ${this.#values.perSecond} values a second`,
      );
    }
    checkTopic(topic);
    const checked = checkPublish(
      this.#core.options,
      this.#client,
      topic,
      value,
    );
    if (checked === undefined) this.#send(command);
    else return checked.then(() => this.#send(command));
  }

  /** Publishes; what the client sends next does not wait for the engine. */
  #send({ ref, topic, value, key }: PublishCommand): void {
    if (this.#client.hasLeft) return;
    this.#core.publish(topic, JSON.stringify(value), key).then(
      (published) =>
        this.#answers.reply({ type: "published", ref, ...published }),
      (error) => this.#refuse({ ref }, error),
    );
  }

  #presence({ ref, topic }: PresenceCommand): void | Promise<void> {
    checkTopic(topic);
    if (!this.#core.rules.for(topic).presence) {
      throw refusal("no_presence", `"${topic}" has no presence`);
    }
    const answer = () => {
      const members = this.#core.presence.members(topic);
      this.#answers.reply({ type: "presence", ref, topic, members });
    };
    const checked = checkSubscribe(this.#core.options, this.#client, topic);
    if (checked === undefined) answer();
    else return checked.then(answer);
  }

  async #authorize({ ref, token }: AuthorizeCommand): Promise<void> {
    const core = this.#core;
    const client = this.#client;
    const grant = await core.options.onAuthorize?.(token, client);
    const expiresIn = grant && core.expiresIn(grant);
    if (!grant || expiresIn === 0) {
      throw refusal("forbidden", "The token is refused");
    }
    const isEnough = await this.#covers(grant);
    if (client.hasLeft) return;
    if (!isEnough) {
      const reason = "A subscription is no longer granted";
      return client.outlet.close(FORBIDDEN, reason);
    }
    client.grant = grant;
    core.watchExpiry(client);
    this.#answers.reply({
      type: "authorized",
      ref,
      ...(expiresIn === undefined ? {} : { expiresIn }),
    });
  }

  /** Whether a client may go on with its subscriptions. */
  async #covers(grant: Grant): Promise<boolean> {
    const { id, remoteAddr, transport, subscriptions } = this.#client;
    const client = { id, remoteAddr, transport, grant };
    const filters = subscriptions.flatMap(({ subscription }) =>
      subscription.feed.filters
    );
    try {
      for (const filter of filters) {
        await checkSubscribe(this.#core.options, client, filter);
      }
      return true;
    } catch (error) {
      if (error instanceof ConnError && error.code === "forbidden") {
        return false;
      }
      throw error;
    }
  }
}

function refusal(code: string, message: string): ConnError {
  return new ConnError(message, { code, side: "remote", reply: 403 });
}
