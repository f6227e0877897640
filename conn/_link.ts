/**
 * The engine of one connection.
 *
 * A {@linkcode Link} holds the transport, the read buffer, the sending half, and
 * the machine and handler of the moment. Bytes that the machine does not consume
 * stay in the buffer and are offered again. One read is always under way, also
 * while the handler has paused input (as far as the buffer reaches), so that a
 * peer that leaves is noticed.
 *
 * @module
 */

import { systemClock } from "./clock.ts";
import type { Conn, Handler } from "./conn.ts";
import {
  leaveBreak,
  mayStarve,
  readCame,
  readDone,
  rest,
  type Resting,
} from "./_breaks.ts";
import { closeQuietly } from "./_close.ts";
import { ConnError } from "./error.ts";
import type { AttachOptions } from "./loop.ts";
import type { Machine, Sink } from "./machine.ts";
import { Output, type OutputOwner } from "./_output.ts";
import { ReadBuffer } from "./_read_buffer.ts";
import type { Transport } from "./transport.ts";
import { TurnEnd } from "./_turn_end.ts";
import { Departure } from "./_departure.ts";
import { Watch, type Watched } from "./_watch.ts";

/** Any protocol's event, as far as the engine cares. */
export type AnyEvent = { type: string };
/** Any protocol's machine. */
export type AnyMachine = Machine<AnyEvent, unknown>;
/** Any protocol's view of the link, with the handler that it brings. */
export interface AnyView extends Conn<AnyEvent, unknown> {
  readonly handler: Handler<AnyEvent, unknown>;
  /** Another view takes its place. */
  detached(): void;
}
/** Makes a view for the handler; without one, the view's events are iterated. */
export type MakeView = (
  link: Link,
  handler: Handler<AnyEvent, unknown> | undefined,
) => AnyView;

const resolved = Promise.resolve();
let lastId = 0;
/** Sees to every connection that got a command in this turn. */
const settling = new TurnEnd<Link>((link) => link.settle());

function transportError(cause: unknown): ConnError {
  const reset = cause instanceof Deno.errors.ConnectionReset ||
    cause instanceof Deno.errors.BrokenPipe;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ConnError(`Connection broke: ${text}`, {
    code: reset ? "reset" : "broken",
    side: "transport",
    cause,
  });
}

/** A connection's engine, and the sink of its machine. */
export class Link implements Sink<AnyEvent>, OutputOwner, Watched, Resting {
  /** Counted from 1 in this thread. */
  readonly id: number = ++lastId;
  /** Moves the bytes. */
  readonly transport: Transport;
  /** Whether that is by TLS. */
  readonly secure: boolean;
  /** Milliseconds since the epoch. */
  readonly openedAt: number = Date.now();
  /** The sending half. */
  readonly output: Output;
  /** Bytes read. */
  bytesIn = 0;

  readonly #input: ReadBuffer;
  /** Time passes by itself. */
  readonly #takesBreaks: boolean;
  readonly #watch: Watch;
  readonly #maxBuffered: number;
  readonly #highMark: number;
  readonly #lowMark: number | undefined;
  readonly #onError: (error: unknown) => void;
  readonly #makeView: MakeView;

  #machine: AnyMachine;
  #view: AnyView;
  #handler: Handler<AnyEvent, unknown>;

  /** Handler promises of the present view that have not settled. */
  #pauses = 0;
  /** The machine reads in spite of them. */
  #readsOn = false;
  #pumping = false;
  /** Waits for the end of the turn. */
  #touched = false;
  /** Bytes to put back once the machine has said what it consumed. */
  #unread: Uint8Array[] | undefined;
  /** The buffer was full, so no read is under way. */
  #parked = false;
  /** The peer's end of stream: not yet, seen, handed to the machine. */
  #eof: "no" | "seen" | "told" = "no";

  #draining = false;
  #closing = false;
  #closed = false;
  #error: ConnError | undefined;
  readonly #departure = new Departure();

  constructor(
    transport: Transport,
    machine: AnyMachine,
    makeView: MakeView,
    handler: Handler<AnyEvent, unknown> | undefined,
    options: AttachOptions,
  ) {
    this.transport = transport;
    this.secure = options.secure ?? false;
    this.#maxBuffered = options.maxBuffered ?? 64 * 1024 * 1024;
    this.#highMark = options.highMark ?? 64 * 1024;
    this.#lowMark = options.lowMark;
    this.output = new Output(transport, this);
    this.#setMarks(machine);
    this.#watch = new Watch(this, options);
    this.#takesBreaks = (options.clock ?? systemClock) === systemClock;
    this.#onError = options.onError ?? console.error;
    this.#input = new ReadBuffer(options.unread);
    this.#machine = machine;
    this.#makeView = makeView;
    this.#view = makeView(this, handler);
    this.#handler = this.#view.handler;
  }

  /** Tells the handler and starts reading. */
  start(): void {
    this.#watch.start();
    this.emit({ type: "open" });
    this.#pump();
    this.#read();
  }

  // What the machine may do: Sink.

  get now(): number {
    return this.#watch.now;
  }

  emit(event: AnyEvent): boolean {
    const view = this.#view;
    this.#tell(view, event);
    return this.#ready && this.#view === view;
  }

  get buffered(): number {
    return this.output.size;
  }

  write(data: Uint8Array | string, goesOn?: boolean): void {
    this.output.write(data, goesOn);
  }

  writeShared(bytes: Uint8Array): void {
    this.output.writeShared(bytes);
  }

  writeAhead(bytes: Uint8Array, name: string): void {
    this.output.writeAhead(bytes, name);
  }

  settleAhead(): void {
    this.output.settleAhead();
  }

  close(error?: ConnError): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#error = error;
    if (error !== undefined) this.#departure.failed(error);
    if (this.output.ended) this.#watch.awaitPeersEnd();
    else this.output.end();
    if (this.#parked) this.#read();
    this.#finishIfEnded();
    this.#watch.arm();
  }

  abort(error?: ConnError): void {
    this.finish(error);
  }

  readOn(): void {
    this.#readsOn = true;
    this.#afterCommand();
  }

  // What the program may do, through its view.

  /** The view that is not detached. */
  get view(): AnyView {
    return this.#view;
  }

  /** The machine of the moment. */
  get machine(): AnyMachine {
    return this.#machine;
  }

  /** See {@linkcode Conn.state}. */
  get state(): "open" | "closing" | "closed" {
    if (this.#closed) return "closed";
    return this.#closing ? "closing" : "open";
  }

  /** See {@linkcode Conn.signal}. */
  get signal(): AbortSignal {
    return this.#departure.signal;
  }

  /** See {@linkcode Conn.closed}. */
  get finished(): Promise<ConnError | undefined> {
    return this.#departure.finished;
  }

  /** See {@linkcode Conn.send}. */
  send(command: unknown): boolean {
    if (this.#closing) return false;
    // One message may be larger than the cap: nobody was told to wait before it.
    const { told } = this.output;
    if (this.#machine.send(command, this) === false) return false;
    this.#afterCommand();
    if (!this.output.overHighMark()) return true;
    if (told && this.output.size > this.#maxBuffered) this.#queueFull();
    return false;
  }

  /** See {@linkcode Conn.become}. */
  become(
    machine: AnyMachine,
    handler: Handler<AnyEvent, unknown> | undefined,
    unread: Uint8Array | undefined,
  ): AnyView {
    if (this.#closing) {
      throw new ConnError(
        `Cannot become "${machine.protocol}": the connection is closed`,
        { code: "closed", side: "local" },
      );
    }
    this.#machine.release?.();
    this.#machine = machine;
    this.#setMarks(machine);
    this.#view.detached();
    this.#view = this.#makeView(this, handler);
    this.#handler = this.#view.handler;
    this.#pauses = 0;
    this.#readsOn = false;
    // The end of the peer's stream is the last thing that the new machine gets.
    if (this.#eof === "told") this.#eof = "seen";
    if (unread !== undefined) this.#putBack(unread);
    const view = this.#view;
    this.emit({ type: "open" });
    // It has come too late to be told with the others.
    if (this.#draining && this.#view === view) this.drainMachine();
    this.#afterCommand();
    return view;
  }

  /** Sets the marks of the send queue: the machine's, if it has its own. */
  #setMarks({ highMark }: AnyMachine): void {
    const high = Math.min(highMark ?? this.#highMark, this.#maxBuffered);
    const low = highMark === undefined ? this.#lowMark : undefined;
    this.output.setMarks(high, low ?? high / 4);
  }

  /** Puts bytes in front of the input: that of the call that runs now, too. */
  #putBack(unread: Uint8Array): void {
    if (this.#pumping) (this.#unread ??= []).push(unread);
    else this.#input.unread(unread);
  }

  /** See {@linkcode Departure.onFinished}. */
  onFinished(listener: (subject: unknown) => void, subject: unknown): void {
    this.#departure.onFinished(listener, subject);
  }

  /** Lets the machine say goodbye, and then closes. */
  closeOrderly(error?: ConnError): void {
    if (error !== undefined) return this.fail(error);
    if (this.#closing) return;
    if (this.#machine.close === undefined) return this.close();
    this.#machine.close(this);
    this.#afterCommand();
  }

  /** Lets the machine write its last words about an error, and closes. */
  fail(error: ConnError): void {
    if (this.#closing) return;
    this.#machine.fail(error, this);
    this.close(error);
  }

  /** Lets the machine finish what is under way and close. */
  drainMachine(): void {
    if (this.#closing) return;
    this.#draining = true;
    this.#machine.drain(this);
    this.#afterCommand();
  }

  /** Ends at once: the transport closes, the handler gets `close`. */
  finish(error?: ConnError): void {
    if (this.#closed) return;
    this.#closing = this.#closed = true;
    this.#error ??= error;
    this.#watch.stop();
    leaveBreak(this);
    this.output.close();
    closeQuietly(this.transport);
    this.#departure.closed(this.#error);
    // Not from inside a call of the handler: `close` is a call of its own.
    resolved.then(() => {
      const event = this.#closeEvent();
      this.#tell(this.#view, event);
      this.#machine.release?.();
      this.#departure.finish(event.error);
    });
  }

  // Events.

  #closeEvent(): AnyEvent & { error?: ConnError } {
    const error = this.#error;
    return this.#machine.closeEvent?.(error) ??
      (error === undefined ? { type: "close" } : { type: "close", error });
  }

  /** Calls the handler; a promise that it returns pauses the view's input. */
  #tell(view: AnyView, event: AnyEvent): void {
    let result: void | Promise<void>;
    try {
      result = this.#handler(event, view);
    } catch (error) {
      return this.#failed(error);
    }
    if (result === undefined) return;
    if (view === this.#view) this.#pauses++;
    result.then(
      () => this.#unpause(view),
      (error) => {
        this.#failed(error);
        this.#unpause(view);
      },
    );
  }

  #unpause(view: AnyView): void {
    if (view !== this.#view || --this.#pauses > 0) return;
    this.#watch.input();
    // What waited is worked off: for the others it is as long as a read.
    if (this.#takesBreaks) readCame();
    this.#pump(true);
    if (this.#takesBreaks) readDone();
  }

  /** Closes because of what the program threw; a bug in it is reported too. */
  #failed(thrown: unknown): void {
    const meant = thrown instanceof ConnError;
    if (!meant || thrown.reply === undefined) this.#report(thrown);
    this.fail(
      meant ? thrown : new ConnError(
        `The handler of connection ${this.id} failed`,
        { code: "handler_failed", side: "local", cause: thrown },
      ),
    );
  }

  #report(thrown: unknown): void {
    try {
      this.#onError(thrown);
    } catch (error) {
      console.error(error);
    }
  }

  // Input.

  /** Whether the machine may make events. */
  get #ready(): boolean {
    return (this.#pauses === 0 || this.#readsOn) && !this.#closing;
  }

  /**
   * Offers what is unread to the machine, and to the one that replaces it.
   *
   * @param resumed A pause is over.
   */
  #pump(resumed = false): void {
    if (this.#pumping || !this.#ready) return;
    this.#pumping = true;
    try {
      let machine: AnyMachine | undefined;
      if (resumed) {
        this.#machine.resume?.(this);
        this.#consume(0);
      }
      while (
        this.#ready && this.#input.size > 0 && machine !== this.#machine
      ) {
        machine = this.#machine;
        this.#consume(machine.receive(this.#input.bytes(), this));
      }
      // Again for a machine that took this one's place when it heard of the end.
      while (this.#ready && this.#eof === "seen") {
        this.#eof = "told";
        if (this.#machine.receiveEnd(this.#input.bytes(), this) === false) {
          this.#eof = "seen";
          break;
        }
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#pumping = false;
    }
    this.#finishIfEnded();
    this.#watch.arm();
    if (this.#parked) this.#read();
  }

  /** Drops what a machine consumed, and takes back what belongs to the next. */
  #consume(count: number): void {
    this.#input.consume(count);
    if (this.#unread === undefined) return;
    for (const bytes of this.#unread) this.#input.unread(bytes);
    this.#unread = undefined;
  }

  /**
   * Sees to it, once in this turn, that the input is offered again, as a command
   * may have unblocked the machine, and that its deadline is heard of.
   */
  #afterCommand(): void {
    if (this.#pumping || this.#touched) return;
    this.#touched = true;
    settling.add(this);
  }

  /** All commands of the turn were taken. */
  settle(): void {
    this.#touched = false;
    if (this.#input.size > 0 || this.#eof === "seen") this.#pump();
    else this.#watch.arm();
  }

  /** Issues the next read; if the buffer is full, `#pump` calls again. */
  #read(): void {
    if (this.#closed || this.#eof !== "no") return;
    if (this.#closing) this.#input.clear();
    const room = this.#input.room(this.#ready, this.#machine.lookahead);
    this.#parked = room === undefined;
    if (room === undefined) return;
    try {
      this.transport.read(room).then(this.#onRead, this.#onReadFailed);
    } catch (error) {
      this.#onReadFailed(error);
    }
  }

  readonly #onRead = (count: number | null): void => {
    if (this.#closed) return;
    if (count === null) return this.#peerEnded();
    const watched = this.#takesBreaks && mayStarve(count, this.secure);
    if (watched) readCame();
    this.#received(count);
    if (watched && readDone()) rest(this);
    else this.#read();
  };

  goOn(): void {
    this.#read();
  }

  readonly #onReadFailed = (error: unknown): void => {
    if (!this.#closed) this.finish(transportError(error));
  };

  #received(count: number): void {
    this.bytesIn += count;
    if (this.#closing) return;
    this.#watch.input();
    this.#input.filled(count);
    this.#pump();
  }

  #peerEnded(): void {
    this.#eof = "seen";
    if (!this.#machine.halfOpen) this.#departure.peerLeft();
    this.#pump();
    this.#finishIfEnded();
  }

  /** Finishes if both sides have ended and nobody is still to be told. */
  #finishIfEnded(): void {
    if (!this.output.ended || this.#eof === "no") return;
    if (this.#eof === "told" || this.#closing) this.finish();
  }

  // Output.

  outputEmptied(): void {
    // A machine may wait for that before it takes more.
    if (this.#input.size > 0) this.#afterCommand();
  }

  outputEnded(): void {
    this.#finishIfEnded();
    if (!this.#closing) return;
    this.#watch.awaitPeersEnd();
    this.#watch.arm();
  }

  outputFailed(cause: unknown): void {
    this.finish(transportError(cause));
  }

  outputDrained(): void {
    if (!this.#closing) this.#tell(this.#view, { type: "drain" });
  }

  #queueFull(): void {
    this.finish(
      new ConnError(
        `Cannot queue more than ${this.#maxBuffered} bytes: the peer does not take them`,
        { code: "send_queue_full", side: "local" },
      ),
    );
  }

  // Time.

  get paused(): boolean {
    return this.#pauses > 0;
  }

  get machineCloseTimeout(): number | undefined {
    return this.#machine.closeTimeout;
  }

  machineDeadline(): number {
    return this.#machine.deadline?.() ?? Infinity;
  }

  tick(): void {
    try {
      this.#machine.tick?.(this);
    } catch (error) {
      this.#failed(error);
    }
  }
}
