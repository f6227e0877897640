/**
 * Clients over WebSocket.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { ServeInfo } from "../../http/server/serve.ts";
import type { AcceptOptions } from "../../ws/accept.ts";
import type { WsEvent } from "../../ws/machine/message.ts";
import { upgrade } from "../../ws/upgrade.ts";
import type { WsConn } from "../../ws/ws_conn.ts";
import type { HubCore } from "../core.ts";
import { HubClient } from "../delivery/client.ts";
import type { Outlet } from "../delivery/encoding.ts";
import type { ClientInfo } from "../options.ts";
import { parseCommand } from "../wire/parse.ts";
import { type ServerMessage, SUBPROTOCOL } from "../wire/protocol.ts";
import { type Answers, Commands } from "./commands.ts";
import type { SubscriptionQuery } from "./query.ts";
import type { WsPayload } from "./ws_encoding.ts";

/** A client that asks to be let in. */
export interface Arrival {
  readonly request: Request;
  readonly info: ServeInfo;
  readonly client: ClientInfo;
  readonly query: SubscriptionQuery;
  /** Whether it subscribes by the query, and not only by commands. */
  readonly subscribes: boolean;
}

/**
 * Answers a request to open a WebSocket.
 *
 * @param core The hub.
 * @param arrival Who asks, and for what.
 * @param options Origins and compression.
 */
export function acceptWebSocket(
  core: HubCore,
  arrival: Arrival,
  options: AcceptOptions,
): Response {
  const { message, highMark } = core.settings;
  const session = new WebSocketSession(core, arrival);
  return upgrade(arrival.request, arrival.info, {
    ...options,
    protocols: [SUBPROTOCOL],
    // Characters of a value may be three bytes, and it has a command around it.
    maxMessage: message * 3 + 4096,
    highMark,
    keepFields: false,
  }, (event, conn) => session.handle(event, conn));
}

/** One connection. */
class WebSocketSession implements Outlet, Answers {
  readonly #core: HubCore;
  #arrival: Arrival | undefined;
  #conn: WsConn | undefined;
  #client: HubClient | undefined;
  /** There are none for a client that speaks no subprotocol. */
  #commands: Commands | undefined;
  /** A field, as it is asked for with each version. */
  needsDrain = false;

  constructor(core: HubCore, arrival: Arrival) {
    this.#core = core;
    this.#arrival = arrival;
  }

  send(payload: unknown): void {
    try {
      if (!this.#conn!.send(payload as WsPayload)) this.needsDrain = true;
    } catch (error) {
      // A connection that takes no more must not keep it from others.
      this.#core.report(error);
    }
  }

  close(code: number, reason: string, retry?: number): void {
    if (retry !== undefined && this.#commands !== undefined) {
      this.reply({ type: "bye", retry });
    }
    this.#conn!.close(code, reason);
  }

  /** The connection's handler. */
  handle(event: WsEvent, conn: WsConn): void | Promise<void> {
    switch (event.type) {
      case "open":
        return this.#open(conn);
      case "message":
        return this.#take(event.data);
      case "drain":
        this.needsDrain = false;
        return this.#client && this.#core.drained(this.#client);
      case "close":
        this.#commands?.close();
        if (this.#client !== undefined) this.#core.leave(this.#client);
    }
  }

  #open(conn: WsConn): void {
    const core = this.#core;
    const { client: info, query, subscribes } = this.#arrival!;
    this.#arrival = undefined;
    this.#conn = conn;
    const speaks = conn.subprotocol === SUBPROTOCOL ||
      query.format === "envelope";
    const client = this.#client = new HubClient(info, {
      outlet: this,
      encodings: core.encodings.websocket[speaks ? "envelope" : "value"],
    });
    if (speaks) {
      this.#commands = new Commands(core, client, this);
      this.reply(this.#hello(info));
    } else this.#greet(client);
    core.join(client);
    if (!subscribes) return;
    const { filters, since = "newest" } = query;
    const [first = "", ...others] = filters;
    const filter = others.length === 0 ? first : filters.join(",");
    core.subscribe(client, filter, filters, {
      ...query,
      since,
      begun: (cursor) => {
        if (!speaks) return;
        const where = cursor === undefined ? {} : { cursor };
        this.reply({ type: "subscribed", filter, ...where });
      },
    });
  }

  #hello({ id: client, grant }: ClientInfo): ServerMessage {
    const { epoch } = this.#core.store;
    const hello = { type: "hello", client, epoch } as const;
    const expiresIn = this.#core.expiresIn(grant);
    return expiresIn === undefined ? hello : { ...hello, expiresIn };
  }

  #greet(client: HubClient): void {
    const greeting = this.#core.options.greeting?.(client);
    if (greeting === undefined) return;
    this.#conn!.send(
      typeof greeting === "string" ? greeting : JSON.stringify(greeting),
    );
  }

  reply(message: ServerMessage): void {
    const conn = this.#conn!;
    if (conn.state !== "open") return;
    if (!conn.send(JSON.stringify(message))) this.needsDrain = true;
  }

  #take(data: string | Uint8Array): void | Promise<void> {
    // A bare client has nothing to say.
    if (this.#commands === undefined) return;
    if (typeof data !== "string") {
      throw new ConnError("A command came as bytes: expected text", {
        code: "command_invalid",
        side: "remote",
        reply: 1003,
      });
    }
    const done = this.#commands.do(parseCommand(data));
    // Who does not take answers gets no more of them.
    if (done !== undefined) return done.then(() => this.#room());
    if (this.needsDrain) return this.#room();
  }

  #room(): Promise<void> {
    return this.#conn!.drain();
  }
}
