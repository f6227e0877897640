/**
 * What both directions of a WebSocket connection share: its end, pings, and time.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { Sink } from "../../conn/machine.ts";
import {
  ABNORMAL,
  type CloseStatus,
  fitReason,
  isCloseCode,
  readClose,
  writeClose,
} from "../codec/close_frame.ts";
import { overLimit } from "../codec/failure.ts";
import { Opcode } from "../codec/frame.ts";
import { DeflateContexts } from "../deflate/contexts.ts";
import type { DeflateAgreement } from "../deflate/params.ts";
import { Closing } from "./_closing.ts";
import { Heartbeat } from "./_heartbeat.ts";
import type { WsSettings } from "./limits.ts";
import type {
  MessageKind,
  WholeCommand,
  WsCommand,
  WsEvent,
} from "./message.ts";
import { type AwaitedPing, DRAINED } from "./internal.ts";
import { MessageRate } from "./message_rate.ts";
import { misuse } from "./misuse.ts";
import { PreparedMessage } from "./prepared.ts";
import { PreparedBatch } from "./prepared_batch.ts";
import type { WsRole } from "./machine.ts";
import { type FrameTarget, Receiver } from "./_receiver.ts";
import { Sender } from "./_sender.ts";

const NOTHING = new Uint8Array(0);

/** A connection's state, and the target of what its receiver finds. */
export class Session implements FrameTarget {
  readonly #role: WsRole;
  readonly #settings: WsSettings;
  readonly #watchesIdle: boolean;
  readonly #deflate: DeflateContexts | undefined;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  readonly #heartbeat: Heartbeat;
  readonly #closing: Closing;
  readonly #rate: MessageRate | undefined;
  #started = false;
  #sentClose = false;
  /** The sink of the call that runs. */
  #sink: Sink<WsEvent> | undefined;
  #lastMessageAt = 0;
  /** How much of messages had come, and by when the rest must. */
  #progress = 0;
  #restBy = Infinity;

  constructor(
    role: WsRole,
    settings: WsSettings,
    deflate: DeflateAgreement | undefined,
  ) {
    this.#role = role;
    this.#settings = settings;
    this.#watchesIdle = settings.idleTimeout !== Infinity;
    this.#deflate = deflate && new DeflateContexts(role, deflate);
    this.#receiver = new Receiver(role, settings, this.#deflate);
    this.#sender = new Sender(role, this.#deflate);
    this.#heartbeat = new Heartbeat(settings);
    this.#closing = new Closing(settings.closeTimeout);
    if (settings.maxMessageRate !== Infinity) {
      this.#rate = new MessageRate(settings.maxMessageRate);
    }
  }

  /** See {@linkcode Heartbeat.latency}. */
  get latency(): number | undefined {
    return this.#heartbeat.latency;
  }

  /** See {@linkcode Machine.receive}. */
  receive(bytes: Uint8Array, sink: Sink<WsEvent>): number {
    this.#sink = sink;
    this.#heartbeat.received(sink.now);
    // What follows a close frame is not for us (§5.5.1).
    if (this.#closing.received !== undefined) return bytes.length;
    try {
      const count = this.#receiver.receive(bytes, this);
      this.#noteProgress(sink);
      if (sink.paused) this.#rate?.paused(sink.now);
      return this.#closing.received === undefined ? count : bytes.length;
    } catch (error) {
      if (!(error instanceof ConnError)) throw error;
      this.#failAndClose(error, sink);
      return bytes.length;
    }
  }

  /** See {@linkcode Machine.resume}. */
  resume(sink: Sink<WsEvent>): void {
    this.#heartbeat.resumed(sink.now);
    this.#rate?.resumed(sink.now);
  }

  /** See {@linkcode Machine.receiveEnd}. */
  receiveEnd(sink: Sink<WsEvent>): void {
    if (this.#closing.received !== undefined) return sink.close();
    sink.close(
      new ConnError("The peer ended the connection without a close frame", {
        code: "no_close_frame",
        side: "remote",
      }),
    );
  }

  /**
   * Sends a message or a control frame. After a close frame nothing is sent.
   *
   * @throws {ConnError} With code `"message_open"`, `"fragment_invalid"`,
   * `"control_too_long"` or `"close_invalid"`.
   */
  send(command: WsCommand, sink: Sink<WsEvent>): boolean {
    if (this.#sentClose) return false;
    if (typeof command === "string") this.#sender.text(command, sink);
    else if (command instanceof Uint8Array) this.#sender.binary(command, sink);
    else if (command instanceof PreparedMessage) {
      this.#sender.prepared(command, sink);
    } else if (command instanceof PreparedBatch) {
      this.#sender.batch(command, sink);
    } else {
      this.#sendOther(command, sink);
      return true;
    }
    this.#noteMessage(sink);
    return true;
  }

  #sendOther(
    command: Exclude<WsCommand, WholeCommand>,
    sink: Sink<WsEvent>,
  ): void {
    switch (command.type) {
      case "fragment":
        this.#sender.fragment(command, sink);
        return this.#noteMessage(sink);
      case "ping":
        return this.#ping(command, sink);
      case "pong":
        return this.#sender.control(
          Opcode.PONG,
          command.payload ?? NOTHING,
          sink,
        );
      case "close":
        return this.#close(writeClose(command.code, command.reason), sink);
      default:
        if (command === DRAINED) sink.emit({ type: "drain" });
        else throw misuse("command_invalid", "Cannot send what is no command");
    }
  }

  /** Sends the close frame that belongs to the error, if none was sent. */
  fail(error: ConnError, sink: Sink<WsEvent>): void {
    if (this.#sentClose) return;
    const { reply = 0 } = error;
    const payload = isCloseCode(reply)
      ? writeClose(reply, fitReason(error.message))
      // What went wrong is not for the peer to read.
      : writeClose(error.side === "local" ? 1011 : 1001);
    this.#sendClose(payload, sink);
  }

  /** Begins the closing handshake. */
  close(code: number, sink: Sink<WsEvent>): void {
    this.#close(writeClose(code), sink);
  }

  /** See {@linkcode Sender.sending}. */
  get sending(): MessageKind | undefined {
    return this.#sender.sending;
  }

  /** Whether nothing can be sent any more. */
  get closing(): boolean {
    return this.#sentClose;
  }

  /** The next ping, or the end of some patience; at first 0, to be started. */
  deadline(): number {
    if (!this.#started) return 0;
    return Math.min(
      this.#heartbeat.deadline,
      this.#closing.deadline,
      this.#restBy,
      this.#lastMessageAt + this.#settings.idleTimeout,
    );
  }

  /** Pings, or closes a connection that takes too long. */
  tick(sink: Sink<WsEvent>): void {
    const { now } = sink;
    if (!this.#started) return this.#start(now);
    if (now >= this.#closing.deadline) return this.#checkClose(sink);
    const beat = this.#heartbeat.beat(now, sink.paused);
    if (beat === "ping") this.#ping({}, sink);
    else if (beat !== undefined) return sink.abort(beat.dead);
    if (now >= this.#restBy) {
      if (!sink.paused) {
        return this.#failAndClose(halfMessage(this.#settings), sink);
      }
      this.#restBy = now + this.#settings.messageTimeout;
    }
    if (now < this.#lastMessageAt + this.#settings.idleTimeout) return;
    if (!sink.paused) {
      return this.#failAndClose(idle(this.#settings), sink);
    }
    this.#lastMessageAt = now;
  }

  #start(now: number): void {
    this.#started = true;
    if (this.#sentClose) return;
    this.#lastMessageAt = now;
    this.#heartbeat.start(now);
  }

  /** The `close` event, with what the peer's close frame said. */
  closeEvent(error: ConnError | undefined): WsEvent & { type: "close" } {
    const { code, reason } = this.#closing.received ??
      { code: ABNORMAL, reason: "" };
    const wasClean = this.#sentClose && this.#closing.received !== undefined;
    const event = { type: "close", code, reason, wasClean } as const;
    // After both close frames, how the transport ends does not matter.
    const lost = wasClean && error?.side === "transport";
    return error === undefined || lost ? event : { ...event, error };
  }

  /** Gives the memory of the compression contexts back. */
  release(): void {
    this.#deflate?.close();
  }

  // What the receiver finds.

  /** A message begins. */
  begun(): void {
    if (this.#rate === undefined || this.#rate.take(this.#sink!.now)) return;
    const { maxMessageRate } = this.#settings;
    throw overLimit(
      "too_many_messages",
      `the peer sends more than ${maxMessageRate} messages a second`,
    );
  }

  /** A message is complete. */
  message(data: string | Uint8Array): boolean {
    // Nobody is there to hear it: the program has closed.
    if (this.#sentClose) return true;
    this.#noteMessage(this.#sink!);
    return this.#sink!.emit({ type: "message", data });
  }

  /** A piece of a message came. */
  fragment(
    kind: MessageKind,
    data: string | Uint8Array,
    final: boolean,
  ): boolean {
    if (this.#sentClose) return true;
    this.#noteMessage(this.#sink!);
    return this.#sink!.emit({ type: "fragment", kind, data, final });
  }

  /** A control frame came. */
  control(opcode: number, payload: Uint8Array): boolean {
    const sink = this.#sink!;
    switch (opcode) {
      case Opcode.PING:
        this.#sender.control(Opcode.PONG, payload, sink);
        return this.#tell({ type: "ping", payload }, sink);
      case Opcode.PONG: {
        const latency = this.#heartbeat.ponged(payload, sink.now);
        const event = { type: "pong", payload } as const;
        return this.#tell(
          latency === undefined ? event : { ...event, latency },
          sink,
        );
      }
      default:
        this.#peerCloses(readClose(payload), payload, sink);
        return false;
    }
  }

  /** Tells the handler, unless it has paused and is closing: see `readOn`. */
  #tell(event: WsEvent, sink: Sink<WsEvent>): boolean {
    return sink.paused || sink.emit(event);
  }

  #peerCloses(
    status: CloseStatus,
    payload: Uint8Array,
    sink: Sink<WsEvent>,
  ): void {
    this.#closing.received = status;
    sink.emit({ type: "closing", ...status });
    // The answer says the same (§5.5.1), unless the program has answered.
    if (this.#sentClose) this.#closing.await(sink.now, sink.buffered);
    else this.#close(payload, sink);
    // The server ends the connection first, and so bears TIME_WAIT (§7.1.1).
    if (this.#role === "server") sink.close();
  }

  /** Sends a close frame, unless one was sent. */
  #close(payload: Uint8Array, sink: Sink<WsEvent>): void {
    if (this.#sentClose) return;
    this.#closing.await(sink.now, sink.buffered);
    this.#sendClose(payload, sink);
    // What comes now is not for the handler, so it cannot hold it back.
    sink.readOn();
  }

  #ping(command: Partial<AwaitedPing>, sink: Sink<WsEvent>): void {
    // The program may use its array again.
    const payload = command.payload?.slice() ?? this.#heartbeat.payload();
    this.#sender.control(Opcode.PING, payload, sink);
    this.#heartbeat.pinged(payload, command.onPong, sink.now);
  }

  /** A message may have come in part: the rest is waited for. */
  #noteProgress(sink: Sink<WsEvent>): void {
    const { progress } = this.#receiver;
    if (progress === this.#progress) return;
    this.#progress = progress;
    const { inMessage } = this.#receiver;
    this.#restBy = inMessage && !this.#sentClose
      ? sink.now + this.#settings.messageTimeout
      : Infinity;
    if (inMessage) this.#noteMessage(sink);
  }

  #noteMessage(sink: Sink<WsEvent>): void {
    if (this.#watchesIdle && !this.#sentClose) {
      this.#lastMessageAt = sink.now;
    }
  }

  #sendClose(payload: Uint8Array, sink: Sink<WsEvent>): void {
    this.#sentClose = true;
    // After a close frame nothing may follow.
    sink.settleAhead();
    this.#sender.close(payload, sink);
    // Pings and idle time do not matter any more.
    this.#heartbeat.stop();
    this.#lastMessageAt = this.#restBy = Infinity;
  }

  #failAndClose(error: ConnError, sink: Sink<WsEvent>): void {
    this.fail(error, sink);
    sink.close(error);
  }

  #checkClose(sink: Sink<WsEvent>): void {
    if (!this.#closing.isOver(sink.now, sink.buffered)) return;
    // The peer said goodbye, and then did not go.
    if (this.#closing.received !== undefined) return sink.abort();
    const { closeTimeout } = this.#settings;
    sink.abort(
      new ConnError(
        `The peer did not answer the close frame within ${closeTimeout} ms`,
        { code: "close_timeout", side: "remote" },
      ),
    );
  }
}

function idle({ idleTimeout }: WsSettings): ConnError {
  return new ConnError(
    `Connection carried no message for ${idleTimeout} ms`,
    { code: "idle_timeout", side: "remote", reply: 1001 },
  );
}

function halfMessage({ messageTimeout }: WsSettings): ConnError {
  return overLimit(
    "message_timeout",
    `nothing more of it came for ${messageTimeout} ms`,
  );
}
