/**
 * The `WebSocket` class of browsers, over this module's client.
 *
 * @module
 */

import { ConnError } from "../conn/error.ts";
import { defineAttributes, States } from "./_websocket_attributes.ts";
import {
  parseClose,
  parseOutgoing,
  parseProtocols,
  parseUrl,
  toBinary,
} from "./_websocket_arguments.ts";
import { BufferedSender } from "./_websocket_sender.ts";
import { TaskQueue } from "./_websocket_tasks.ts";
import { toOptions, type WebSocketOptions } from "./_websocket_options.ts";
import { connect } from "./connect.ts";
import type { WsEvent } from "./machine/message.ts";
import type { WsConn } from "./ws_conn.ts";

export type { WebSocketOptions };

/** How a connection ended, as the `close` event says it. */
interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
  readonly error?: ConnError;
}

/** What the class has on its prototype, and types for listeners. */
export interface WebSocket {
  /** The connection is not there yet. */
  readonly CONNECTING: 0;
  /** Messages can be sent. */
  readonly OPEN: 1;
  /** The connection is about to close. */
  readonly CLOSING: 2;
  /** The connection is closed, or could not be made. */
  readonly CLOSED: 3;
  /** Called when the connection is there. */
  onopen: ((this: globalThis.WebSocket, event: Event) => unknown) | null;
  /** Called with each message. */
  onmessage:
    | ((this: globalThis.WebSocket, event: MessageEvent) => unknown)
    | null;
  /** Called before `onclose` if the connection failed. */
  onerror: ((this: globalThis.WebSocket, event: Event) => unknown) | null;
  /** Called last, once. */
  onclose: ((this: globalThis.WebSocket, event: CloseEvent) => unknown) | null;
  /** Adds a listener. */
  addEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (
      this: globalThis.WebSocket,
      event: WebSocketEventMap[K],
    ) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Adds a listener. */
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** Removes a listener. */
  removeEventListener<K extends keyof WebSocketEventMap>(
    type: K,
    listener: (
      this: globalThis.WebSocket,
      event: WebSocketEventMap[K],
    ) => unknown,
    options?: boolean | EventListenerOptions,
  ): void;
  /** Removes a listener. */
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

const { CONNECTING, OPEN, CLOSING, CLOSED } = States;

/**
 * The `WebSocket` class of browsers (WHATWG WebSockets), so that code written
 * for it gains header fields, compression, proxies, time-outs and limits: the
 * second argument may be the options of {@linkcode connect}. Compression is
 * offered unless the options say otherwise.
 *
 * What differs from a browser: the URL must be absolute, all ports are allowed,
 * and an `error` event also has `message` and `error`, a {@linkcode ConnError}.
 *
 * Programs that need back-pressure, pings or fragments use {@linkcode connect}.
 *
 * @example Code for browsers, with a header field
 * ```ts
 * import { serve, WebSocket } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   (event, conn) => {
 *     if (event.type !== "message") return;
 *     conn.send(`${event.data}, ${conn.head.fields.get("x-user")}`);
 *   },
 * );
 * const { port } = server.addr as Deno.NetAddr;
 *
 * const socket = new WebSocket(`ws://127.0.0.1:${port}/`, {
 *   fields: { "x-user": "meerkat" },
 * });
 * const closed = Promise.withResolvers<number>();
 * socket.onopen = () => socket.send("hello");
 * socket.onmessage = ({ data }) => {
 *   assertEquals(data, "hello, meerkat");
 *   socket.close(1000);
 * };
 * socket.onclose = ({ code }) => closed.resolve(code);
 * assertEquals(await closed.promise, 1000);
 * ```
 */
export class WebSocket extends EventTarget {
  /** The connection is not there yet. */
  declare static readonly CONNECTING: 0;
  /** Messages can be sent. */
  declare static readonly OPEN: 1;
  /** The connection is about to close. */
  declare static readonly CLOSING: 2;
  /** The connection is closed, or could not be made. */
  declare static readonly CLOSED: 3;
  readonly #url: string;
  readonly #origin: string;
  readonly #protocols: readonly string[];
  readonly #tasks = new TaskQueue();
  readonly #sender = new BufferedSender();
  readonly #aborter = new AbortController();
  #conn: WsConn | undefined;
  #readyState: number = CONNECTING;
  #binaryType: BinaryType = "blob";
  #extensions = "";
  #protocol = "";
  /** Whether `close` began it. */
  #leaving = false;

  /**
   * Begins to connect.
   *
   * @param url Where to, absolute; `http:` and `https:` stand for `ws:` and
   * `wss:`.
   * @param protocols The subprotocols to offer, best first: the server must take
   * one of them. Or the options of {@linkcode connect}.
   * @throws {DOMException} `"SyntaxError"` if the URL or a subprotocol is
   * invalid.
   */
  constructor(
    url: string | URL,
    protocols?: string | Iterable<string> | WebSocketOptions,
  ) {
    super();
    const options = toOptions(protocols);
    const { href, origin } = parseUrl(url);
    this.#url = href;
    this.#origin = origin;
    this.#protocols = parseProtocols(options.protocols ?? []);
    this.#connect(options);
  }

  /** Where to, in full. */
  get url(): string {
    return this.#url;
  }

  /** How far the connection is: `CONNECTING`, `OPEN`, `CLOSING` or `CLOSED`. */
  get readyState(): number {
    return this.#readyState;
  }

  /**
   * Bytes of payload that were given to `send` and have not left yet. What is
   * sent too late counts for ever.
   */
  get bufferedAmount(): number {
    return this.#sender.bufferedAmount;
  }

  /** The extensions that the server agreed to. */
  get extensions(): string {
    return this.#extensions;
  }

  /** The subprotocol that the server chose. */
  get protocol(): string {
    return this.#protocol;
  }

  /**
   * What binary messages come as.
   *
   * @default {"blob"}
   */
  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  /** Anything else than `"blob"` and `"arraybuffer"` is ignored. */
  set binaryType(value: BinaryType) {
    const text = `${value}`;
    if (text === "blob" || text === "arraybuffer") this.#binaryType = text;
  }

  /**
   * Sends a message; bytes are copied. After `close` it only counts them.
   *
   * @param data Text, or bytes for a binary message.
   * @throws {DOMException} `"InvalidStateError"` while connecting.
   */
  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    if (arguments.length === 0) {
      throw new TypeError("Cannot send nothing: expected one argument");
    }
    const message = parseOutgoing(data);
    if (this.#readyState === CONNECTING) {
      throw new DOMException(
        "Cannot send: the connection is not open yet",
        "InvalidStateError",
      );
    }
    if (this.#readyState === OPEN) this.#sender.send(message);
    else this.#sender.drop(message.size);
  }

  /**
   * Closes, after all that was sent; while connecting, gives up.
   *
   * @param code 1000, or 3000 to 4999. Left out: none is sent, or 1000 with a
   * reason.
   * @param reason At most 123 bytes of UTF-8.
   * @throws {DOMException} `"InvalidAccessError"` for another code,
   * `"SyntaxError"` for a longer reason.
   */
  close(code?: number, reason?: string): void {
    const close = parseClose(code, reason);
    if (this.#readyState >= CLOSING) return;
    const connecting = this.#readyState === CONNECTING;
    this.#readyState = CLOSING;
    if (connecting) return this.#fail("it was closed while connecting");
    this.#leaving = true;
    this.#sender.close(close);
  }

  #connect(options: WebSocketOptions): void {
    const { signal, headers, ...rest } = options;
    const own = this.#aborter.signal;
    connect(this.#url, {
      redirects: 0,
      ...rest,
      ...(headers && { fields: new Headers(headers) }),
      protocols: this.#protocols,
      fragments: false,
      signal: signal === undefined ? own : AbortSignal.any([own, signal]),
    }, (event, conn) => this.#receive(event, conn)).catch((error) => {
      const ending = { code: 1006, reason: "", wasClean: false, error };
      this.#tasks.push(() => this.#closed(ending));
    });
  }

  /** Ends the connection, or the attempt, without a closing handshake. */
  #fail(why: string): void {
    const error = new ConnError(`Connection failed: ${why}`, {
      code: "failed",
      side: "local",
    });
    if (this.#conn === undefined) this.#aborter.abort(error);
    else this.#conn.abort(error);
  }

  #receive(event: WsEvent, conn: WsConn): void | Promise<void> {
    switch (event.type) {
      case "open":
        this.#conn = conn;
        if (this.#protocols.length > 0 && conn.subprotocol === "") {
          return this.#fail("the server took no subprotocol");
        }
        return this.#tasks.push(() => this.#opened(conn));
      case "message": {
        const { data } = event;
        return this.#tasks.push(() => this.#deliver(data), data.length);
      }
      case "closing":
        return this.#tasks.push(() => {
          this.#readyState = CLOSING;
        });
      case "close":
        this.#tasks.push(() => this.#closed(event));
        return;
      default:
        return;
    }
  }

  #opened(conn: WsConn): void {
    if (this.#readyState !== CONNECTING) return;
    this.#readyState = OPEN;
    this.#sender.open(conn);
    this.#extensions = conn.head.fields.get("sec-websocket-extensions") ?? "";
    this.#protocol = conn.subprotocol;
    this.dispatchEvent(new Event("open"));
  }

  #deliver(message: string | Uint8Array): void {
    // The standard drops what comes after `close` was called.
    if (this.#readyState !== OPEN) return;
    const data = typeof message === "string"
      ? message
      : toBinary(message, this.#binaryType);
    const init = { data, origin: this.#origin };
    this.dispatchEvent(new MessageEvent("message", init));
  }

  #closed({ code, reason, wasClean, error }: Ending): void {
    if (this.#readyState === CLOSED) return;
    this.#readyState = CLOSED;
    this.#sender.closed();
    // A transport that is lost is a failure (RFC 6455 §7.2.1), but not to a
    // program that wanted to leave.
    const close = new CloseEvent("close", { code, reason, wasClean });
    if (this.#leaving || (error === undefined && wasClean)) {
      this.dispatchEvent(close);
      return;
    }
    const message = error?.message ?? "Connection was lost";
    this.dispatchEvent(Object.assign(new Event("error"), { error, message }));
    // In a task of its own: who has awaited the error can then await this.
    this.#tasks.push(() => this.dispatchEvent(close));
  }
}

defineAttributes(WebSocket, ["open", "message", "error", "close"]);
Object.defineProperty(WebSocket.prototype, Symbol.toStringTag, {
  value: "WebSocket",
  configurable: true,
});
