/**
 * The body of a response that is an event stream, as a machine: it takes the
 * connection over from HTTP, and keeps it.
 *
 * @module
 */

import type { LifeEvent } from "../../conn/conn.ts";
import type { Machine, Sink } from "../../conn/machine.ts";

const encoder = new TextEncoder();

const LAST_CHUNK = "0\r\n\r\n";

/** Gives the bytes of events, which are not for programs. */
let bytesOf: (events: PreparedEvents, chunked: boolean) => Uint8Array;

/**
 * Events of an event stream that go to many clients: they are encoded once, framed
 * as an HTTP chunk once, and every connection queues the same bytes.
 */
export class PreparedEvents {
  /** Their length in bytes, without framing. */
  readonly size: number;
  #bytes: Uint8Array;
  #chunk: Uint8Array | undefined;

  static {
    bytesOf = (events, chunked) => chunked ? events.#chunked() : events.#bytes;
  }

  /**
   * Prepares events.
   *
   * @param text Whole events as they go over the wire: lines, each ended, and an
   * empty line behind each event. Bytes are given away.
   */
  constructor(text: string | Uint8Array) {
    this.#bytes = typeof text === "string" ? encoder.encode(text) : text;
    this.size = this.#bytes.length;
  }

  /** The events as a chunk, RFC 9112 §7.1. */
  #chunked(): Uint8Array {
    // An empty chunk would be the last one.
    if (this.#chunk !== undefined || this.size === 0) {
      return this.#chunk ?? this.#bytes;
    }
    const line = this.size.toString(16) + "\r\n";
    const chunk = new Uint8Array(line.length + this.size + 2);
    encoder.encodeInto(line, chunk);
    chunk.set(this.#bytes, line.length);
    chunk[chunk.length - 2] = 0x0d;
    chunk[chunk.length - 1] = 0x0a;
    // They are not kept twice.
    this.#bytes = chunk.subarray(line.length, chunk.length - 2);
    return this.#chunk = chunk;
  }
}

/** How an {@linkcode EventStreamMachine} writes. */
export interface EventStreamOptions {
  /** Whether the body is in chunks: the client speaks HTTP/1.1. */
  chunked: boolean;
  /**
   * Above this many queued bytes, {@linkcode Conn.send} returns `false`; by
   * default what the server has.
   */
  highMark?: number;
}

/**
 * An event stream under way: prepared events in, the body of a response out. What
 * the client still sends is not read as anything, and when it ends its side, the
 * stream is over.
 *
 * A stream that ends in order ends with the last chunk; one that fails does not,
 * so that the client can tell.
 */
export class EventStreamMachine implements Machine<LifeEvent, PreparedEvents> {
  /** `"event-stream"`. */
  readonly protocol = "event-stream";
  /** See {@linkcode Machine.highMark}. */
  readonly highMark?: number;
  readonly #chunked: boolean;

  /**
   * Creates a machine.
   *
   * @param options How it writes.
   */
  constructor(options: EventStreamOptions) {
    this.#chunked = options.chunked;
    if (options.highMark !== undefined) this.highMark = options.highMark;
  }

  /** Takes what the client sends, and drops it. */
  receive(bytes: Uint8Array): number {
    return bytes.length;
  }

  /** The client has left. */
  receiveEnd(_rest: Uint8Array, sink: Sink<LifeEvent>): void {
    sink.close();
  }

  /** Sends events. */
  send(events: PreparedEvents, sink: Sink<LifeEvent>): void {
    sink.writeShared(bytesOf(events, this.#chunked));
  }

  /** Writes nothing: a stream that fails is cut short. */
  fail(): void {}

  /** Ends the stream. */
  drain(sink: Sink<LifeEvent>): void {
    this.close(sink);
  }

  /** Ends the stream. */
  close(sink: Sink<LifeEvent>): void {
    if (this.#chunked) sink.write(LAST_CHUNK);
    sink.close();
  }
}
