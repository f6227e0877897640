// A server in memory for connections that come again, and what they told.

import type { Conn } from "../conn/conn.ts";
import { attach } from "../conn/loop.ts";
import { type Peer, TestNet } from "./_connect_test_util.ts";
import { WsMachine } from "./machine/machine.ts";
import type { WsCommand, WsEvent } from "./machine/message.ts";
import {
  reconnect,
  type ReconnectEvent,
  type ReconnectHandler,
  type ReconnectingWs,
  type ReconnectOptions,
} from "./reconnect.ts";

/** The server's side of one connection. */
export interface Hosted {
  /** The head of the request. */
  head: string;
  conn: Conn<WsEvent, WsCommand>;
  /** The messages that came. */
  received: (string | Uint8Array)[];
  peer: Peer;
}

/** A client, its server, and their clock. */
export class Bench implements AsyncDisposable {
  readonly net = new TestNet();
  readonly socket: ReconnectingWs;
  /** The events, in short. */
  readonly log: string[] = [];

  /** Without a handler of its own, a client whose events are only logged. */
  constructor(
    options: ReconnectOptions = {},
    handler?: ReconnectHandler | "messages",
  ) {
    const log: ReconnectHandler = (event, socket) => {
      this.log.push(brief(event));
      if (typeof handler === "function") return handler(event, socket);
    };
    this.socket = reconnect(
      "ws://a.test/feed",
      { ...this.net.options, random: () => 0.5, deflate: false, ...options },
      handler === "messages" ? undefined : log,
    );
  }

  /** The next request, which waits for its answer. */
  async request(): Promise<{ peer: Peer; head: string }> {
    const peer = await this.net.next();
    return { peer, head: await peer.head() };
  }

  /** Accepts the next connection. */
  async accept(fields = ""): Promise<Hosted> {
    const peer = await this.net.next();
    const head = await peer.accept({ fields });
    const received: (string | Uint8Array)[] = [];
    const conn = attach<WsEvent, WsCommand>(
      peer.transport,
      new WsMachine("server"),
      (event) => {
        if (event.type === "message") received.push(event.data);
      },
      { clock: this.net.clock },
    );
    await this.settle();
    return { head, conn, received, peer };
  }

  /** Refuses the next connection. */
  async refuse(status: string, fields = ""): Promise<void> {
    const { peer } = await this.request();
    await peer.refuse(status, fields);
    await this.settle();
    peer.transport.close();
  }

  /** Closes in order, from the server. */
  async hangUp(
    { conn }: Hosted,
    code: number,
    reason = "",
  ): Promise<void> {
    conn.send({ type: "close", code, reason });
    await this.settle();
  }

  /** Breaks a connection. */
  async cut({ peer }: Hosted): Promise<void> {
    peer.transport.reset();
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
    this.socket.abort();
    await this.settle();
  }
}

/** An event in a few words. */
export function brief(event: ReconnectEvent): string {
  switch (event.type) {
    case "open":
      return `open ${event.attempt}${event.resumed ? " resumed" : ""}`;
    case "message":
      return `message ${event.data}`;
    case "reconnecting": {
      const { attempt, delay, code, error } = event;
      return `reconnecting ${attempt} in ${delay}: ${error?.code ?? code}`;
    }
    case "close":
      return `close ${event.error?.code ?? event.code}`;
    default:
      return event.type;
  }
}
