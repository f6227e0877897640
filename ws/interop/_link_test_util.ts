// Connections between this implementation and another one, opened by either.

import {
  type AcceptOptions,
  connect,
  type ConnectOptions,
  serve,
  type WsConn,
  type WsEvent,
  WsRefusedError,
} from "../mod.ts";
import type { Answer, Ending, Peer, Question } from "./_peer_test_util.ts";

type EventOf<T extends WsEvent["type"]> = Extract<WsEvent, { type: T }>;

/** Our end: keeps events until the test asks for them. */
export class Inbox {
  readonly #opened = Promise.withResolvers<WsConn>();
  #events: WsEvent[] = [];
  #change = Promise.withResolvers<void>();
  #ended = false;

  /** The handler to give to the connection. */
  readonly handler = (event: WsEvent, conn: WsConn): void => {
    if (event.type === "open") this.#opened.resolve(conn);
    this.#events.push(event);
    this.#ended = event.type === "close";
    this.#change.resolve();
    this.#change = Promise.withResolvers();
  };

  /** The connection, once it is open. */
  get conn(): Promise<WsConn> {
    return this.#opened.promise;
  }

  /** The next event of a type; those of others stay. */
  async take<T extends WsEvent["type"]>(type: T): Promise<EventOf<T>> {
    for (;;) {
      const at = this.#events.findIndex((event) => event.type === type);
      if (at >= 0) return this.#events.splice(at, 1)[0] as EventOf<T>;
      if (this.#ended) {
        throw new Error(`The connection closed, without an event "${type}"`);
      }
      await this.#change.promise;
    }
  }

  /** The data of the next message. */
  async message(): Promise<string | Uint8Array> {
    return (await this.take("message")).data;
  }
}

/** A connection, seen from both ends. */
export interface Link extends AsyncDisposable {
  /** Our end. */
  readonly conn: WsConn;
  /** What comes to our end. */
  readonly inbox: Inbox;
  /** How the other end sees the opening, if that is a client. */
  readonly answer: Answer;
  /** How the other end sees the end. */
  ended(): Promise<Ending>;
}

/** What both ends want. */
export interface LinkOptions {
  /** Our options, as a server or as a client. */
  ours?: AcceptOptions & ConnectOptions & { protocols?: readonly string[] };
  /** The peer's. */
  theirs?: Question;
}

/** What a refused peer, or our client, has seen. */
export type Refused = NonNullable<Answer["refused"]>;

/** One of the two roles. */
export interface Way {
  /** Ours. */
  readonly role: "server" | "client";
  /** Opens a connection. */
  open(options?: LinkOptions): Promise<Link>;
  /** Tries to open one that the server refuses with 401 and a body. */
  refused(): Promise<Refused>;
}

const LOCAL = { hostname: "127.0.0.1", port: 0 };
let links = 0;

/** The peer is a client of our server. */
export function peerConnects(peer: Peer): Way {
  return {
    role: "server",
    async open({ ours = {}, theirs = {} } = {}) {
      const inbox = new Inbox();
      const server = serve({ ...LOCAL, ...ours }, inbox.handler);
      const { port } = server.addr as Deno.NetAddr;
      const path = `/${++links}`;
      try {
        const url = `ws://127.0.0.1:${port}${path}`;
        const answer = await peer.connect(url, theirs);
        if (answer.refused) throw new Error("The peer could not connect");
        const conn = await inbox.conn;
        const end = () => server.shutdown();
        return link(
          { conn, inbox, answer, ended: () => peer.ended(path) },
          end,
        );
      } catch (error) {
        await server.close();
        throw error;
      }
    },
    async refused() {
      const verify = () => ({ status: 401, body: "Who are you?" });
      await using server = serve({ ...LOCAL, verify }, () => {});
      const { port } = server.addr as Deno.NetAddr;
      const url = `ws://127.0.0.1:${port}/refuse`;
      const { refused } = await peer.connect(url, {});
      if (!refused) throw new Error("The peer is connected");
      return refused;
    },
  };
}

/** The peer is a server for our client. */
export function peerListens(peer: Peer): Way {
  return {
    role: "client",
    async open({ ours = {}, theirs = {} } = {}) {
      const inbox = new Inbox();
      const port = await peer.listen(theirs);
      const path = `/${++links}`;
      const url = `ws://127.0.0.1:${port}${path}`;
      const conn = await connect(url, ours, inbox.handler);
      const ended = () => peer.ended(path);
      return link({ conn, inbox, answer: {}, ended });
    },
    async refused() {
      const port = await peer.listen({});
      try {
        const conn = await connect(`ws://127.0.0.1:${port}/refuse`);
        conn.abort();
      } catch (error) {
        if (!(error instanceof WsRefusedError)) throw error;
        const body = new TextDecoder().decode(error.body);
        return { status: error.head.status, body };
      }
      throw new Error("Our client is connected");
    },
  };
}

function link(
  ends: Omit<Link, typeof Symbol.asyncDispose>,
  after?: () => Promise<void>,
): Link {
  return {
    ...ends,
    async [Symbol.asyncDispose]() {
      ends.conn.close();
      await ends.conn.closed;
      await after?.();
    },
  };
}
