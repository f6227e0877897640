// A hub behind a server, on a clock that stands still, and clients of it.

import { assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import type { Server } from "../../conn/listen.ts";
import { serve } from "../../http/server/serve.ts";
import { connect, type ConnectOptions } from "../../ws/connect.ts";
import type { WsConn } from "../../ws/ws_conn.ts";
import { type HandlerOptions, type Hub, openHub } from "../hub.ts";
import type { HubOptions } from "../options.ts";
import {
  type ClientMessage,
  type ServerMessage,
  SUBPROTOCOL,
} from "../wire/protocol.ts";

/** Options of a {@linkcode Site}. */
export interface SiteOptions extends HubOptions {
  handler?: HandlerOptions;
}

/** A hub that is served. */
export class Site implements AsyncDisposable {
  readonly hub: Hub;
  readonly clock: TestClock;
  readonly server: Server;
  readonly port: number;
  /** What the hub has reported. */
  readonly errors: unknown[];
  readonly #resources: AsyncDisposableStack;

  private constructor(
    hub: Hub,
    clock: TestClock,
    server: Server,
    errors: unknown[],
    resources: AsyncDisposableStack,
  ) {
    this.hub = hub;
    this.clock = clock;
    this.server = server;
    this.port = (server.addr as Deno.NetAddr).port;
    this.errors = errors;
    this.#resources = resources;
  }

  static async open(options: SiteOptions = {}): Promise<Site> {
    const { handler = {}, ...rest } = options;
    const clock = new TestClock();
    const errors: unknown[] = [];
    const resources = new AsyncDisposableStack();
    const hub = await openHub({
      clock,
      onError: (error) => errors.push(error),
      ...rest,
    });
    const server = serve(
      { hostname: "127.0.0.1", port: 0, clock },
      hub.handler(handler),
    );
    // At last what clients have left behind.
    resources.defer(() => server.close());
    resources.defer(() => hub.shutdown());
    return new Site(hub, clock, server, errors, resources);
  }

  /** What is at a path. */
  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url(path), init);
  }

  /** The status and the body of what is at a path. */
  async get(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<[status: number, body: string, etag: string | null]> {
    const response = await this.fetch(path, { headers });
    return [
      response.status,
      await response.text(),
      response.headers.get("etag"),
    ];
  }

  /** A client that speaks the protocol; `hello` was read. */
  async client(
    path = "/push",
    options: ConnectOptions = {},
  ): Promise<WsClient> {
    const client = await this.bare(path, {
      protocols: [SUBPROTOCOL],
      ...options,
    });
    const hello = await client.next();
    assertEquals(hello.type, "hello");
    client.id = (hello as ServerMessage & { type: "hello" }).client;
    return client;
  }

  /** A client over WebSocket that speaks no subprotocol. */
  async bare(path = "/push", options: ConnectOptions = {}): Promise<WsClient> {
    const client = new WsClient(
      await connect(`ws://127.0.0.1:${this.port}${path}`, options),
    );
    this.#resources.defer(() => client.leave());
    return client;
  }

  /** An event stream. */
  async stream(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<EventStream> {
    const response = await this.fetch(path, {
      headers: { accept: "text/event-stream", ...headers },
    });
    const stream = new EventStream(response);
    this.#resources.defer(() => stream.leave());
    return stream;
  }

  /** A connection, bytes of which the test writes and reads. */
  async raw(request: string): Promise<RawLine> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const line = new RawLine(conn);
    this.#resources.defer(() => line.leave());
    await line.write(request);
    return line;
  }

  /** Lets the hub see what clients have done. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

/** A client over WebSocket. */
export class WsClient {
  readonly conn: WsConn;
  readonly #texts: AsyncGenerator<string | Uint8Array, void, void>;
  id = "";

  constructor(conn: WsConn) {
    this.conn = conn;
    this.#texts = conn.messages();
  }

  send(...commands: ClientMessage[]): void {
    for (const command of commands) this.conn.send(JSON.stringify(command));
  }

  /** The next text; `undefined` at the end. */
  async text(): Promise<string | undefined> {
    const { value } = await this.#texts.next();
    return value as string | undefined;
  }

  /** The next message. */
  async next(): Promise<ServerMessage> {
    const text = await this.text();
    if (text === undefined) throw new Error(`Closed: ${this.conn.closeCode}`);
    return JSON.parse(text);
  }

  /** So many messages. */
  async take(count: number): Promise<ServerMessage[]> {
    const messages: ServerMessage[] = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }

  /** The next messages in short: `value t 3`. */
  async brief(count: number): Promise<string[]> {
    return (await this.take(count)).map(brief);
  }

  /** Reads to the end, and gives the code. */
  async closeCode(): Promise<number | undefined> {
    try {
      while (await this.text() !== undefined);
    } catch {
      // It did not close in order, which the code says.
    }
    return this.conn.closeCode;
  }

  async leave(): Promise<void> {
    this.conn.abort();
    await this.conn.closed;
  }
}

/** A message in short. */
export function brief(message: ServerMessage): string {
  switch (message.type) {
    case "value":
      return `value ${message.topic} ${JSON.stringify(message.value)}`;
    case "patch":
      return `patch ${message.topic} ${JSON.stringify(message.patch)}`;
    case "reset":
      return `reset ${message.topic ?? message.filter} ${message.reason}`;
    case "gap":
      return `gap ${message.filter} ${message.missed}`;
    case "error":
      return `error ${message.code}`;
    case "subscribed":
    case "unsubscribed":
      return `${message.type} ${message.filter}`;
    default:
      return message.type;
  }
}

/** An event of a stream. */
export interface StreamEvent {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
  comment?: string;
}

/** A client of an event stream, with a reader of its own. */
export class EventStream {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<string> | undefined;
  #text = "";

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body?.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** The next event, comment or retry; `undefined` at the end. */
  async any(): Promise<StreamEvent | undefined> {
    while (!this.#text.includes("\n\n")) {
      const { value, done } = await this.#reader!.read();
      if (done) return undefined;
      this.#text += value;
    }
    const end = this.#text.indexOf("\n\n");
    const lines = this.#text.slice(0, end).split("\n");
    this.#text = this.#text.slice(end + 2);
    const event: Record<string, string> = {};
    for (const line of lines) {
      const [, name = "", value = ""] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
      const key = name === "" ? "comment" : name;
      event[key] = key in event ? `${event[key]}\n${value}` : value;
    }
    return event;
  }

  /** The next event that has data. */
  async next(): Promise<StreamEvent | undefined> {
    let event: StreamEvent | undefined;
    do event = await this.any(); while (
      event !== undefined && event.data === undefined
    );
    return event;
  }

  async leave(): Promise<void> {
    await this.#reader?.cancel().catch(() => {});
  }
}

/** A connection whose bytes are characters. */
export class RawLine {
  readonly conn: Deno.TcpConn;
  #isOpen = true;

  constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  async write(text: string): Promise<void> {
    let bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    while (bytes.length > 0) {
      bytes = bytes.subarray(await this.conn.write(bytes));
    }
  }

  /** Reads until the text ends so, or to the end of the stream. */
  async read(end?: string): Promise<string> {
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(65536);
    let text = "";
    while (end === undefined || !text.includes(end)) {
      const count = await this.conn.read(buffer);
      if (count === null) break;
      text += decoder.decode(buffer.subarray(0, count), { stream: true });
    }
    return text;
  }

  leave(): void {
    if (this.#isOpen) this.conn.close();
    this.#isOpen = false;
  }
}
