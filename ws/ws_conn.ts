/**
 * What a program holds of a WebSocket connection.
 *
 * @module
 */

import type { Conn, ConnStats, Handler } from "../conn/conn.ts";
import { ConnError } from "../conn/error.ts";
import { EventQueue, iterate } from "../conn/event_queue.ts";
import type { Machine } from "../conn/machine.ts";
import type { RequestHead, ResponseHead } from "../http/codec/message.ts";
import type { DeflateParams } from "./deflate/params.ts";
import { type AwaitedPing, DRAINED } from "./machine/internal.ts";
import type { WsMachine } from "./machine/machine.ts";
import type {
  MessageKind,
  WholeCommand,
  WsCommand,
  WsEvent,
} from "./machine/message.ts";
import { messageOpen } from "./machine/misuse.ts";
import { failedStream, messageStream, pipeMessage } from "./_message_stream.ts";
import { failedPing, Pings } from "./_pings.ts";
import { connClosed, Turns } from "./_turns.ts";

/**
 * The user's function. If it returns a promise, reading pauses until that
 * settles, also for pings and pongs: as {@linkcode Handler}. Once the program has
 * closed, the peer's answer, which is `closing`, does not wait either.
 */
export type WsHandler = (event: WsEvent, conn: WsConn) => void | Promise<void>;

/** What the opening handshake came to. */
export interface WsHandshake {
  /** What the peer said: the request on a server, the response on a client. */
  readonly head: RequestHead | ResponseHead;
  /** The subprotocol that was agreed on, empty for none. */
  readonly subprotocol: string;
  /** What was agreed of permessage-deflate, RFC 7692; `undefined` if it is off. */
  readonly deflate: DeflateParams | undefined;
}

type WsInnerConn = Conn<WsEvent, WsCommand>;

/**
 * A WebSocket connection.
 *
 * Messages come as events to the handler or, if there is none, from
 * {@linkcode WsConn.messages}, or event by event from `for await`.
 */
export class WsConn implements Conn<WsEvent, WsCommand> {
  readonly #machine: WsMachine;
  readonly #handshake: WsHandshake;
  readonly #handler: WsHandler;
  readonly #events: EventQueue<WsEvent> | undefined;
  #conn: WsInnerConn | undefined;
  #pings: Pings | undefined;
  /** There is one while a message is sent as a stream. */
  #turns: Turns | undefined;
  #close: { code: number; reason: string } | undefined;

  /** Use {@linkcode wsConn}. */
  constructor(
    machine: WsMachine,
    handshake: WsHandshake,
    handler: WsHandler | undefined,
  ) {
    this.#machine = machine;
    this.#handshake = handshake;
    if (handler === undefined) this.#events = new EventQueue();
    this.#handler = handler ?? this.#events!.handler as unknown as WsHandler;
  }

  /** Sees each event before the program does. */
  static handle(
    ws: WsConn,
    event: WsEvent,
    conn: WsInnerConn,
  ): void | Promise<void> {
    if (event.type === "open") ws.#conn = conn;
    else if (event.type === "close") ws.#closed(event);
    return ws.#handler(event, ws);
  }

  get #inner(): WsInnerConn {
    return this.#conn!;
  }

  /** Unique in this thread; that of the HTTP connection before. */
  get id(): number {
    return this.#inner.id;
  }
  /** `"websocket"`. */
  get protocol(): string {
    return this.#inner.protocol;
  }
  /** Whether the bytes travel inside TLS. */
  get secure(): boolean {
    return this.#inner.secure;
  }
  /** `"closing"` from the moment on in which a close frame was sent. */
  get state(): "open" | "closing" | "closed" {
    const { state } = this.#inner;
    return state === "open" && this.#machine.closing ? "closing" : state;
  }
  /** The address of this end. */
  get localAddr(): Deno.Addr {
    return this.#inner.localAddr;
  }
  /** The address of the peer. */
  get remoteAddr(): Deno.Addr {
    return this.#inner.remoteAddr;
  }
  /** Aborts when the connection has closed, or the peer has left. */
  get signal(): AbortSignal {
    return this.#inner.signal;
  }
  /** Bytes that were accepted and not yet given to the kernel. */
  get buffered(): number {
    return this.#inner.buffered + (this.#turns?.size ?? 0);
  }
  /** Whether the send queue has grown over its high mark. */
  get needsDrain(): boolean {
    return (this.#turns?.size ?? 0) > 0 || this.#inner.needsDrain;
  }
  /** Counters. */
  get stats(): ConnStats {
    return this.#inner.stats;
  }
  /** Settles with the `close` event's error, or `undefined`, once that was sent. */
  get closed(): Promise<ConnError | undefined> {
    return this.#inner.closed;
  }

  /** What the peer said in the opening handshake. */
  get head(): RequestHead | ResponseHead {
    return this.#handshake.head;
  }
  /** The subprotocol that was agreed on, empty for none. */
  get subprotocol(): string {
    return this.#handshake.subprotocol;
  }
  /** What was agreed of permessage-deflate, `undefined` if it is off. */
  get deflate(): DeflateParams | undefined {
    return this.#handshake.deflate;
  }
  /** Milliseconds that the last answered ping took, those by themselves too. */
  get latency(): number | undefined {
    return this.#machine.latency;
  }
  /** The code of the `close` event, once there was one. */
  get closeCode(): number | undefined {
    return this.#close?.code;
  }
  /** The reason of the `close` event. */
  get closeReason(): string {
    return this.#close?.reason ?? "";
  }

  /**
   * Sends a message: a string as text, an array as binary. A large array is sent
   * from where it is, so it must not be changed until it is sent. After
   * {@linkcode WsConn.close} nothing is sent.
   *
   * While a message is sent by {@linkcode WsConn.stream}, others wait for its
   * end.
   *
   * @returns `false` if the send queue is over its high mark: wait for the
   * `drain` event, or for {@linkcode WsConn.drain}.
   * @throws {ConnError} If the command is invalid or out of place.
   */
  send(message: WsCommand): boolean {
    const turns = this.#turns;
    if (turns === undefined) return this.#inner.send(message);
    if (!turns.isOpen) return false;
    if (isWhole(message)) {
      turns.hold(message);
      return false;
    }
    // The message under way is the stream's.
    if (message.type === "fragment") throw messageOpen(message.kind);
    return this.#inner.send(message);
  }

  /** Resolves when the send queue is below its low mark. */
  async drain(): Promise<void> {
    await this.#turns?.finished;
    await this.#inner.drain();
  }

  /**
   * Sends a ping, ahead of what waits in the send queue.
   *
   * The pong is a part of the input: it is not read while the handler, or the
   * iteration, has paused.
   *
   * @param payload At most 125 bytes. By default one that no other ping has.
   * @returns Milliseconds until the pong came. Rejects when the connection closes
   * first; who does not wait for it need not care.
   * @throws {ConnError} With code `"control_too_long"`.
   */
  ping(payload?: Uint8Array): Promise<number> {
    if (this.state !== "open") return failedPing();
    this.#pings ??= new Pings();
    const { promise, onPong } = this.#pings.add();
    const ping: AwaitedPing = { type: "ping", onPong };
    if (payload !== undefined) ping.payload = payload;
    this.#inner.send(ping);
    return promise;
  }

  /**
   * Begins the closing handshake, RFC 6455 §7: what was sent before goes out
   * first, messages that come are dropped, and the peer has a bounded time to
   * answer. A message that is being sent as a stream is cut short, and those that
   * wait for it to end are lost.
   *
   * @param code The code, or an error: its `reply` is the code then, and the
   * `close` event carries it.
   * @param reason At most 123 bytes of UTF-8.
   * @throws {ConnError} With code `"close_invalid"`.
   */
  close(code: number | ConnError = 1000, reason = ""): void {
    if (typeof code !== "number") return this.#inner.close(code);
    if (this.#inner.state !== "open") return;
    this.#inner.send({ type: "close", code, reason });
  }

  /** Cuts the connection; the peer sees no close frame, which is 1006. */
  abort(error?: ConnError): void {
    this.#inner.abort(error);
  }

  /**
   * Sends a message of unknown length, in a fragment for each piece, with
   * back-pressure. Other messages wait meanwhile.
   *
   * Aborting the stream closes the connection, with 1011: a message that has
   * begun cannot be taken back.
   *
   * @param kind What the pieces are: strings for `"text"`, arrays for `"binary"`.
   * @returns A stream; closing it ends the message.
   */
  stream(
    kind: MessageKind,
  ): WritableStream<string | Uint8Array>;
  /**
   * Sends the pieces that a source gives as one message.
   *
   * @param kind What the pieces are.
   * @param source Gives the pieces.
   * @returns Resolves when all of it is in the send queue; rejects if the source
   * fails, or the connection closes.
   */
  stream(
    kind: MessageKind,
    source: AsyncIterable<string | Uint8Array>,
  ): Promise<void>;
  stream(
    kind: MessageKind,
    source?: AsyncIterable<string | Uint8Array>,
  ): WritableStream<string | Uint8Array> | Promise<void> {
    const stream = this.#stream(kind);
    return source === undefined ? stream : pipeMessage(source, stream);
  }

  #stream(kind: MessageKind): WritableStream<string | Uint8Array> {
    if (this.state !== "open") return failedStream(connClosed());
    const { sending } = this.#machine;
    if (this.#turns === undefined && sending !== undefined) {
      return failedStream(messageOpen(sending));
    }
    this.#turns ??= new Turns(this.#inner, {
      isOpen: () => this.state === "open",
      over: (held) => {
        this.#turns = undefined;
        // Who was told to wait is told to go on.
        const open = held && this.state === "open";
        if (open && !this.#inner.needsDrain) this.#inner.send(DRAINED);
      },
    });
    return messageStream(kind, this.#turns);
  }

  /**
   * Whole messages, one by one. The connection is not read while the loop's body
   * runs.
   *
   * @throws {ConnError} At the end, if the connection did not close in order; or
   * with code `"has_handler"`.
   */
  async *messages(): AsyncGenerator<string | Uint8Array, void, void> {
    for await (const event of this) {
      if (event.type === "message") yield event.data;
      else if (event.type === "close" && event.error !== undefined) {
        throw event.error;
      }
    }
  }

  /** All events, one by one, for a connection that has no handler. */
  [Symbol.asyncIterator](): AsyncIterator<WsEvent, undefined> {
    return iterate(this.#events);
  }

  /** See {@linkcode Conn.become}. */
  become<E2, C2>(
    machine: Machine<E2, C2>,
    handler?: Handler<E2, C2>,
    unread?: Uint8Array,
  ): Conn<E2, C2> {
    const conn = this.#inner.become(machine, handler, unread);
    const error = new ConnError(
      `Connection ${conn.id} speaks another protocol now: use what "become" returned`,
      { code: "detached", side: "local" },
    );
    this.#events?.end(error);
    this.#pings?.fail();
    this.#turns?.cancel(error);
    return conn;
  }

  /** Ends this side of the stream, without a close frame. */
  closeWrite(): void {
    this.#inner.closeWrite();
  }

  /** Lets the connection keep the process alive again. */
  ref(): void {
    this.#inner.ref();
  }

  /** Stops the connection from keeping the process alive. */
  unref(): void {
    this.#inner.unref();
  }

  /** Closes with 1000, and waits until the connection has closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  #closed({ code, reason, error }: WsEvent & { type: "close" }): void {
    this.#close = { code, reason };
    this.#pings?.fail();
    this.#turns?.cancel(error ?? connClosed());
  }
}

function isWhole(command: WsCommand): command is WholeCommand {
  return typeof command === "string" || !("type" in command);
}

/**
 * Makes the connection's {@linkcode WsConn}, and the handler through which it
 * sees events: that goes to {@linkcode Conn.become} together with the machine.
 */
export function wsConn(
  machine: WsMachine,
  handshake: WsHandshake,
  handler: WsHandler | undefined,
): { ws: WsConn; handler: Handler<WsEvent, WsCommand> } {
  const ws = new WsConn(machine, handshake, handler);
  return { ws, handler: (event, conn) => WsConn.handle(ws, event, conn) };
}
