/**
 * A hub that does what the test says, message by message.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { Server } from "../../conn/listen.ts";
import { serve, type ServeInfo } from "../../http/server/serve.ts";
import { asksForWebSocket } from "../../ws/handshake/server.ts";
import { upgrade } from "../../ws/upgrade.ts";
import type { WsConn } from "../../ws/ws_conn.ts";
import {
  type ClientMessage,
  type ServerMessage,
  SUBPROTOCOL,
} from "../wire/protocol.ts";
import type { PushClient } from "./push.js";

/** What is put in comes out in order, now or later. */
class Queue<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];

  get size(): number {
    return this.#items.length;
  }
  put(item: T): void {
    const take = this.#waiting.shift();
    if (take === undefined) this.#items.push(item);
    else take(item);
  }
  take(): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift()!);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** A client's WebSocket, seen by the hub. */
export class ScriptedSocket {
  readonly url: URL;
  readonly commands = new Queue<ClientMessage>();
  readonly closed: Promise<unknown>;
  readonly #conn: WsConn;

  constructor(request: Request, conn: WsConn) {
    this.url = new URL(request.url);
    this.#conn = conn;
    this.closed = conn.closed;
  }
  /** Sends messages. */
  say(...messages: (ServerMessage | Record<string, unknown>)[]): void {
    for (const each of messages) this.#conn.send(JSON.stringify(each));
  }
  /** Says hello. */
  hello(epoch = "e"): this {
    this.say({ type: "hello", client: "c1", epoch });
    return this;
  }
  /** The next command must be this one. */
  async expect(command: Partial<ClientMessage>): Promise<ClientMessage> {
    const got = await this.commands.take();
    assertEquals({ ...got, ...command }, got);
    return got;
  }
  close(code: number): void {
    this.#conn.close(code);
  }
}

/** A request of a client that has no WebSocket. */
export class ScriptedRequest {
  readonly url: URL;
  readonly headers: Headers;
  /** Aborts when the client has given up. */
  readonly signal: AbortSignal;
  readonly #answer: (response: Response) => void;

  constructor(request: Request, answer: (response: Response) => void) {
    this.url = new URL(request.url);
    this.headers = request.headers;
    this.signal = request.signal;
    this.#answer = answer;
  }
  get isStream(): boolean {
    return this.headers.get("accept") === "text/event-stream";
  }
  /** Its query must be this. */
  expect(query: string): this {
    assertEquals(decodeURIComponent(this.url.search), `?${query}`);
    return this;
  }
  /** Answers a poll. */
  json(messages: Partial<ServerMessage>[], cursor: string): void {
    const headers = { etag: `"${cursor}"` };
    this.#answer(Response.json(messages, { headers }));
  }
  /** Answers with a status. */
  status(status: number, headers: HeadersInit = {}): void {
    this.#answer(new Response(null, { status, headers }));
  }
  /** Answers with an event stream. */
  stream(): ScriptedStream {
    const stream = new ScriptedStream();
    const headers = { "content-type": "text/event-stream; charset=utf-8" };
    this.#answer(new Response(stream.body, { headers }));
    return stream;
  }
}

/** An event stream, seen by the hub. */
export class ScriptedStream {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller?: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;

  constructor() {
    this.body = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
    });
  }
  /** Sends text as it is. */
  write(text: string): this {
    this.#controller?.enqueue(new TextEncoder().encode(text));
    return this;
  }
  /** Sends a message. */
  say(message: ServerMessage): this {
    const id = "cursor" in message ? `id: ${message.cursor}\n` : "";
    return this.write(`${id}data: ${JSON.stringify(message)}\n\n`);
  }
  end(): void {
    this.#controller?.close();
  }
}

/** A hub that does what the test says. */
export class ScriptedHub implements AsyncDisposable {
  readonly sockets = new Queue<ScriptedSocket>();
  readonly requests = new Queue<ScriptedRequest>();
  /** How many WebSockets were refused. */
  refused = 0;
  refuseSockets = false;
  readonly #server: Server;

  constructor() {
    this.#server = serve(
      { hostname: "127.0.0.1", port: 0 },
      (request, info) => {
        if (!asksForWebSocket(info.head)) {
          return new Promise((resolve) =>
            this.requests.put(new ScriptedRequest(request, resolve))
          );
        }
        if (this.refuseSockets) {
          this.refused++;
          return new Response("No WebSockets here", { status: 403 });
        }
        return this.#accept(request, info);
      },
    );
  }
  #accept(request: Request, info: ServeInfo): Response {
    let socket: ScriptedSocket | undefined;
    const options = { protocols: [SUBPROTOCOL] };
    return upgrade(request, info, options, (event, conn) => {
      if (event.type === "open") {
        this.sockets.put(socket = new ScriptedSocket(request, conn));
      } else if (event.type === "message") {
        socket?.commands.put(JSON.parse(`${event.data}`));
      }
    });
  }

  /** Where it is. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.addr as Deno.NetAddr).port}/push`;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
  }
}

/** Takes so many updates. */
export async function take(
  updates: AsyncIterable<unknown>,
  count: number,
): Promise<unknown[]> {
  const iterator = updates[Symbol.asyncIterator]();
  const taken: unknown[] = [];
  while (taken.length < count) taken.push((await iterator.next()).value);
  return taken;
}

/** Waits until the client is in this state. */
export async function state(client: PushClient, state: string): Promise<void> {
  while (client.state !== state) {
    await new Promise((resolve) => client.onstate = resolve);
  }
}

/** Keeps time-outs of so many milliseconds or more until they are to ring. */
export class StoppedClock implements Disposable {
  readonly #setTimeout = globalThis.setTimeout;
  readonly #alarms = new Map<number, () => void>();

  constructor(least: number) {
    const keep = (callback: () => void, delay = 0) => {
      if (delay < least) return this.#setTimeout(callback, delay);
      this.#alarms.set(delay, callback);
      return 0;
    };
    globalThis.setTimeout = keep as typeof setTimeout;
  }
  /** The time-out of this delay that was set last is over. */
  ring(delay: number): void {
    this.#alarms.get(delay)?.();
  }
  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#setTimeout;
  }
}
