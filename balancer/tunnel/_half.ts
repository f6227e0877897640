/**
 * One end of a WebSocket tunnel.
 *
 * A half follows the frames that its peer sends, on their way to the other half.
 * What it does with them:
 *
 * | phase | what comes | what ends it |
 * | --- | --- | --- |
 * | `passing` | passes, a frame's head only when it is complete | |
 * | `untracked` | passes: a close frame did, or frames cannot be told apart | |
 * | `finishing` | passes: the other end is to get a close frame behind this frame | the frame's end |
 * | `parted` | is dropped: the other end has its close frame | |
 *
 * Up to `untracked` the connections live and end together, as `splice` has it.
 * Once the balancer takes leave of them, each ends for itself, when its peer has
 * got a close frame and has sent one, or has used up its time.
 *
 * @module
 */

import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { type Machine, MAX_COPIED, type Sink } from "../../conn/machine.ts";
import type { TcpCommand, TcpEvent } from "../../conn/raw.ts";
import type { WebSocketSettings } from "../config/settings.ts";
import { closeFrame } from "./_close_frame.ts";
import { FrameTracker } from "./frame_tracker.ts";
import { MessageRate } from "../../ws/machine/message_rate.ts";

/** Which peer a half has. */
export type TunnelSide = "client" | "backend";

/** What a half tells the tunnel that it belongs to, and asks of it. */
export interface HalfOwner {
  /**
   * What is going on: everything passes; it does, but the ends have so much time
   * left; or the balancer says goodbye to each of them.
   */
  readonly course: "open" | "ending" | "leaving";
  /** The connection is to be drained, or nothing has passed for too long. */
  drained(): void;
  /** The peer's close frame has passed. */
  closePassed(half: TunnelHalf, code: number): void;
  /** The peer broke a rule that is enforced; nothing more of it counts. */
  broke(half: TunnelHalf, error: ConnError): void;
  /** The peer has ended its side of the stream, or the connection has closed. */
  ended(half: TunnelHalf, error: ConnError | undefined): void;
}

/** How long an end waits, in milliseconds. */
export interface HalfTimeouts {
  /** For the peer to close, once leave is taken. */
  readonly closeTimeout: number;
  /** For something to pass, either way. */
  readonly idleTimeout: number;
}

/** One end of a tunnel, as a machine for `splice`. */
export class TunnelHalf implements Machine<TcpEvent, TcpCommand> {
  /** `"websocket"`. */
  readonly protocol = "websocket";
  /** Each direction may end by itself. */
  readonly halfOpen = true;
  /** How long the connection may take to close, once nothing else is awaited. */
  closeTimeout: number;
  /** Who the peer is. */
  readonly side: TunnelSide;
  /** The connection that this is one end of; set when both ends stand. */
  conn: Conn<TcpEvent, TcpCommand> | undefined;
  /** The other end. */
  other!: TunnelHalf;
  /** The payload of the close frame for the peer, if it is to get one. */
  farewell: Uint8Array = new Uint8Array(0);
  /** The frames that the peer sends. */
  readonly frames: FrameTracker;
  readonly #owner: HalfOwner;
  readonly #inspects: boolean;
  readonly #rate: MessageRate | undefined;
  readonly #timeout: number;
  #phase: "passing" | "untracked" | "finishing" | "parted" = "passing";
  /** The peer has got a close frame from here, or cannot get one any more. */
  #told = false;
  /** What is not awaited any more: its close frame, or anything at all. */
  #heard: "nothing" | "close" | "all" = "nothing";
  /** By when the peer must have gone, or something must have passed; 0 at first. */
  #goneBy: number;
  /** How long nothing may pass, either way, before leave is taken. */
  readonly #idleTimeout: number;
  /** The peer has ended its side of the stream. */
  #ended = false;
  /** Bytes that came. */
  #bytes = 0;
  /** Those of both ends when that was looked at. */
  #bytesSeen = 0;
  /** How many messages had begun to pass when that ended. */
  #passed: number | undefined;
  /** Something came since the time was looked at. */
  #moved = false;

  constructor(
    side: TunnelSide,
    settings: WebSocketSettings,
    { closeTimeout, idleTimeout }: HalfTimeouts,
    owner: HalfOwner,
  ) {
    const { inspect, messageRate } = settings;
    this.side = side;
    this.closeTimeout = this.#timeout = closeTimeout;
    this.#idleTimeout = idleTimeout;
    this.#goneBy = idleTimeout === Infinity ? Infinity : 0;
    this.#owner = owner;
    this.#inspects = inspect;
    if (inspect && side === "client" && messageRate !== Infinity) {
      this.#rate = new MessageRate(messageRate);
    }
    this.frames = new FrameTracker({
      masked: side === "client",
      maxFrame: inspect ? settings.maxFrame : Infinity,
      maxMessage: inspect ? settings.maxMessage : Infinity,
      rate: this.#rate,
    });
  }

  /** Whether the peer has said that it ends the connection, in any way. */
  get isOver(): boolean {
    return this.frames.close !== undefined || this.#heard === "all";
  }

  /** Messages that the peer sent and that passed. */
  get messages(): number {
    return this.#passed ?? this.frames.messages;
  }

  /** Passes on what the peer sends. */
  receive(bytes: Uint8Array, sink: Sink<TcpEvent>): number {
    this.#moved = true;
    this.#bytes += bytes.length;
    switch (this.#phase) {
      case "passing":
        return this.#follow(bytes, sink);
      case "untracked":
        return this.#pass(bytes, bytes.length, sink);
      case "finishing": {
        const end = this.#pass(bytes, this.frames.finish(bytes), sink);
        if (!this.frames.atBoundary) return end;
        this.#part(sink);
        return end + this.#listen(bytes.subarray(end), sink);
      }
      default:
        return this.#listen(bytes, sink);
    }
  }

  /** What the peer sent while the other end was full is no flood. */
  resume(sink: Sink<TcpEvent>): void {
    this.#rate?.resumed(sink.now);
  }

  /** Passes the peer's end of stream on, unless the ends part anyway. */
  receiveEnd(rest: Uint8Array, sink: Sink<TcpEvent>): void {
    this.#heard = "all";
    if (this.#owner.course === "leaving") {
      this.#dismissOther();
      return this.#closeIfDone(sink);
    }
    this.#pass(rest, rest.length, sink);
    this.#owner.ended(this, undefined);
    this.#ended = true;
    this.#goneBy = sink.now + this.#timeout;
    sink.emit({ type: "eof" });
  }

  /** Takes what passes to the peer. */
  send(bytes: TcpCommand, sink: Sink<TcpEvent>): void {
    sink.write(bytes);
    if (this.#told) this.#closeIfDone(sink);
  }

  /** Says nothing: the peer may be in the middle of a frame. */
  fail(): void {}

  /** Takes leave of both ends, or sees to it that they go by themselves. */
  drain(sink: Sink<TcpEvent>): void {
    const { course } = this.#owner;
    if (course === "open") return this.#owner.drained();
    this.#goneBy = sink.now + this.#timeout;
    if (course === "leaving") this.#leave(sink);
  }

  /** The other end has closed; whoever is being taken leave of has its own time. */
  close(sink: Sink<TcpEvent>): void {
    const parting = this.#owner.course === "leaving" && this.#heard !== "all";
    if (!parting) sink.close();
  }

  /** By when the peer must have gone. */
  deadline(): number {
    return this.#goneBy;
  }

  /** Cuts a peer that does not go. */
  tick(sink: Sink<TcpEvent>): void {
    if (sink.now < this.#goneBy) return;
    if (this.#owner.course === "open" && !this.#ended) {
      if (this.#goneBy > 0 && !this.#anyMoved()) this.#owner.drained();
      this.#goneBy = sink.now + this.#idleTimeout;
      return;
    }
    if (this.#owner.course === "open" && this.#stillMoves()) {
      this.#goneBy = sink.now + this.#timeout;
      return;
    }
    // A backend that has said goodbye should hang up, but that is no failure.
    if (this.#isClean) return sink.abort();
    sink.abort(
      new ConnError(
        `Cannot close the WebSocket in order: its ends did not within ${this.#timeout} ms`,
        { code: "close_timeout", side: "remote" },
      ),
    );
  }

  /** Makes the `close` event, which does not cut an end that is parted from. */
  closeEvent(error: ConnError | undefined): TcpEvent & { error?: ConnError } {
    const clean = this.#isClean && error?.side === "transport";
    this.#owner.ended(this, clean ? undefined : error);
    if (this.#owner.course === "leaving") {
      this.#dismissOther();
      return { type: "close" };
    }
    return error === undefined ? { type: "close" } : { type: "close", error };
  }

  /** Nothing that the peer sends from here on counts. */
  ignore(): void {
    this.#heard = "all";
  }

  // What the peer sends.

  #follow(bytes: Uint8Array, sink: Sink<TcpEvent>): number {
    const { frames } = this;
    const end = frames.follow(bytes, this.#rate === undefined ? 0 : sink.now);
    const { close, error } = frames;
    if (close === undefined && error === undefined) {
      return this.#pass(bytes, end, sink);
    }
    if (close === undefined && this.#inspects) {
      this.#pass(bytes, end, sink);
      this.#owner.broke(this, error!);
      return bytes.length;
    }
    this.#phase = "untracked";
    this.#pass(bytes, bytes.length, sink);
    if (close !== undefined) this.#owner.closePassed(this, close.code);
    return bytes.length;
  }

  /** The other end takes small pieces while the event lasts: they need no copy. */
  #pass(bytes: Uint8Array, end: number, sink: Sink<TcpEvent>): number {
    if (end === 0) return 0;
    const part = end > MAX_COPIED
      ? bytes.slice(0, end)
      : end < bytes.length
      ? bytes.subarray(0, end)
      : bytes;
    sink.emit({ type: "bytes", bytes: part });
    if (this.#rate !== undefined && sink.paused) this.#rate.paused(sink.now);
    return end;
  }

  /** Drops what comes, but for what it says about the close. */
  #listen(bytes: Uint8Array, sink: Sink<TcpEvent>): number {
    if (this.#heard !== "nothing") return bytes.length;
    const end = this.frames.follow(bytes, sink.now);
    if (this.frames.close !== undefined) this.#heard = "close";
    else if (this.frames.error !== undefined) this.#heard = "all";
    else return end;
    this.#closeIfDone(sink);
    return bytes.length;
  }

  // Taking leave.

  #leave(sink: Sink<TcpEvent>): void {
    if (this.#phase === "untracked") {
      // Nobody knows where the other end's close frame could stand.
      this.#heard = "all";
      this.#dismissOther();
    } else if (this.#phase === "passing") {
      this.#phase = "finishing";
      if (this.frames.atBoundary) this.#part(sink);
      else if (this.#heard === "all") this.#dismissOther();
    }
    this.#closeIfDone(sink);
  }

  /** Here a frame has ended: the other end gets its close frame. */
  #part(sink: Sink<TcpEvent>): void {
    this.#stopPassing();
    this.other.#tell();
    // What comes now is dropped, so the other end cannot hold it back.
    sink.readOn();
  }

  #tell(): void {
    this.#told = true;
    this.conn?.send(closeFrame(this.farewell, this.side === "backend"));
  }

  /** No close frame can be put in for the other end any more: it just closes. */
  #dismissOther(): void {
    if (this.#phase === "parted") return;
    this.#stopPassing();
    this.other.#dismiss();
  }

  #stopPassing(): void {
    this.#phase = "parted";
    this.#passed = this.frames.messages;
  }

  #dismiss(): void {
    this.#told = true;
    this.#heard = "all";
    this.conn?.close();
  }

  /** Both close frames have passed between here and the peer. */
  get #isClean(): boolean {
    const sent = this.#told || this.other.frames.close !== undefined;
    return sent && this.frames.close !== undefined;
  }

  /**
   * Closes if both ends are parted, the peer knows, and nothing is awaited of it.
   * The server hangs up first (RFC 6455 §7.1.1): here with a client, and a backend
   * by itself.
   */
  #closeIfDone(sink: Sink<TcpEvent>): void {
    if (this.#phase !== "parted") return;
    if (!this.#told || this.#heard === "nothing") return;
    if (this.#heard === "close" && this.side === "backend") return;
    this.closeTimeout = Math.max(0, this.#goneBy - sink.now);
    sink.close();
  }

  /** Whether something came from either end since this was asked. */
  #anyMoved(): boolean {
    const seen = this.#bytesSeen;
    this.#bytesSeen = this.#bytes + this.other.#bytes;
    return this.#bytesSeen !== seen;
  }

  /** Whether something passed since this was asked, or waits to be sent. */
  #stillMoves(): boolean {
    const { other } = this;
    const moved = other.#moved || (this.conn?.buffered ?? 0) > 0 ||
      (other.conn?.buffered ?? 0) > 0;
    other.#moved = false;
    return moved;
  }
}
