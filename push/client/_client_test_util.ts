// A client in memory, and a server that speaks the protocol as the test says.

import { assertEquals, assertInstanceOf } from "@std/assert";
import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { attach } from "../../conn/loop.ts";
import { FakeNet, type Peer } from "../../http/client/client_test_util.ts";
import { acceptKey } from "../../ws/handshake/accept_key.ts";
import { WsMachine } from "../../ws/machine/machine.ts";
import type { WsCommand, WsEvent } from "../../ws/machine/message.ts";
import {
  type ClientMessage,
  type ServerMessage,
  SUBPROTOCOL,
} from "../wire/protocol.ts";
import {
  connect,
  type PushClient,
  type PushClientOptions,
  type Subscription,
} from "./connect.ts";
import type { Update } from "./updates.ts";

/** The hub's side of one connection. */
export class Hosted {
  /** The head of the request. */
  readonly head: string;
  readonly peer: Peer;
  readonly conn: Conn<WsEvent, WsCommand>;
  readonly #settle: () => Promise<void>;
  #commands: ClientMessage[] = [];
  /** The code of the client's close frame. */
  closing: number | undefined;

  constructor(
    head: string,
    peer: Peer,
    net: FakeNet,
    settle: () => Promise<void>,
  ) {
    this.head = head;
    this.peer = peer;
    this.#settle = settle;
    this.conn = attach<WsEvent, WsCommand>(
      peer.transport,
      new WsMachine("server", { pingInterval: Infinity }),
      (event) => {
        if (event.type === "closing") this.closing = event.code;
        if (event.type !== "message") return;
        this.#commands.push(JSON.parse(event.data as string));
      },
      { clock: net.clock },
    );
  }

  /** The commands that came since the last look. */
  commands(): ClientMessage[] {
    return this.#commands.splice(0);
  }

  /** The same in short: `subscribe a/#`, `publish 1`. */
  brief(): string[] {
    return this.commands().map((command) => {
      if ("filter" in command) {
        const { type, filter } = command;
        return type === "subscribe" && command.since !== undefined
          ? `${type} ${filter} ${command.since}`
          : `${type} ${filter}`;
      }
      return `${command.type} ${command.ref}`;
    });
  }

  /** Sends messages. */
  async say(...messages: ServerMessage[]): Promise<void> {
    for (const message of messages) this.conn.send(JSON.stringify(message));
    await this.#settle();
  }

  /** Sends something else. */
  async sayRaw(message: string | Uint8Array): Promise<void> {
    this.conn.send(message);
    await this.#settle();
  }

  /** Answers `subscribe`, and gives values of topic `t` with these offsets. */
  async serve(filter: string, ...offsets: number[]): Promise<void> {
    const values = offsets.map((offset) => value("t", offset, filter));
    await this.say({ type: "subscribed", filter }, ...values);
  }

  /** Closes in order. */
  async hangUp(code: number, reason = ""): Promise<void> {
    this.conn.send({ type: "close", code, reason });
    await this.#settle();
  }

  /** Breaks the connection. */
  async cut(): Promise<void> {
    this.peer.transport.reset();
    await this.#settle();
  }
}

/** A value whose number is its offset. */
export function value(
  topic: string,
  offset: number,
  filter: string = topic,
  epoch = "e",
): ServerMessage {
  return {
    type: "value",
    topic,
    ...(filter !== topic && { filter }),
    cursor: `${epoch}.${offset}`,
    value: offset,
  };
}

/** A client, and the network that it is in. */
export class Bench implements AsyncDisposable {
  readonly net = new FakeNet();
  readonly client: PushClient;

  constructor(options: PushClientOptions = {}) {
    this.client = connect("ws://hub.test/push", {
      connect: this.net,
      clock: this.net.clock,
      random: () => 0,
      deflate: false,
      pingInterval: Infinity,
      ...options,
    });
  }

  /** Accepts the next connection, and says hello. */
  async accept(
    options: { subprotocol?: string; hello?: Record<string, unknown> } = {},
  ): Promise<Hosted> {
    const { subprotocol = SUBPROTOCOL, hello } = options;
    const peer = await this.net.next();
    const head = await peer.head();
    const key = /^Sec-WebSocket-Key: (.*)\r$/im.exec(head)![1]!;
    const offered = /^Sec-WebSocket-Protocol: (.*)\r$/im.exec(head)?.[1];
    assertEquals(offered, SUBPROTOCOL);
    await peer.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
        `Connection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n` +
        (subprotocol && `Sec-WebSocket-Protocol: ${subprotocol}\r\n`) + "\r\n",
    );
    const hosted = new Hosted(head, peer, this.net, () => this.settle());
    await hosted.say(
      { type: "hello", client: "c1", epoch: "e", ...hello } as ServerMessage,
    );
    return hosted;
  }

  /** Refuses the next connection. */
  async refuse(status: string): Promise<void> {
    const peer = await this.net.next();
    await peer.head();
    await peer.reply("", "", status);
    await this.settle();
    peer.transport.close();
    await this.settle();
  }

  /** Lets happen all that can happen without time. */
  async settle(): Promise<void> {
    for (let i = 0; i < 8; i++) await this.net.clock.advance(0);
  }

  /** Lets time pass. */
  async pass(delay: number): Promise<void> {
    await this.net.clock.advance(delay);
    await this.settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = this.client.close();
    await this.settle();
    await this.pass(20_000);
    await closed;
  }
}

/** What a promise has come to by now, without waiting for it. */
export async function outcome<T>(
  promise: Promise<T>,
): Promise<T | "pending" | Error> {
  const pending = new Promise<"pending">((resolve) =>
    setImmediate(() => resolve("pending"))
  );
  return await Promise.race([
    promise.catch((error: Error) => error),
    pending,
  ]);
}

/** The code of the error that a promise is rejected with by now. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await outcome(promise);
  assertInstanceOf(error, ConnError);
  return error.code;
}

/** Takes one update. */
export async function take(subscription: Subscription): Promise<Update> {
  const { value } = await subscription[Symbol.asyncIterator]().next();
  return value!;
}

/** Takes values in short, as many as asked for. */
export async function takeValues(
  subscription: Subscription,
  count: number,
): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const update = await take(subscription);
    taken.push(
      update.type === "value"
        ? `${update.topic} ${JSON.stringify(update.value)}`
        : update.type,
    );
  }
  return taken;
}
