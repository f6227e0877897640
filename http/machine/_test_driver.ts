/**
 * Runs a machine as the I/O loop does, without one: keeps what is not consumed,
 * offers it again, stops for a handler's pause.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import type { Sink } from "../../conn/machine.ts";
import { decodeLatin1 } from "../codec/head_values.ts";
import { HttpMachine, type HttpRole } from "./machine.ts";
import type { HttpMachineOptions } from "../codec/limits.ts";
import type { HttpCommand, HttpEvent, RequestHead } from "../codec/message.ts";

const encoder = new TextEncoder();

/** Makes bytes of a string, a byte for each character. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** What the driver calls for each event; with `"pause"` it stops there. */
export type TestHandler = (
  event: HttpEvent,
  driver: HttpDriver,
) => void | "pause";

/** Drives one machine. */
export class HttpDriver implements Sink<HttpEvent> {
  readonly machine: HttpMachine;
  readonly #handler: TestHandler;
  /** The events, as {@linkcode eventText} shows them, bodies joined. */
  readonly log: string[] = [];
  /** What the machine wrote, a character for each byte. */
  output = "";
  /** Whether the machine closed the sink, or a failure did. */
  closed = false;
  /** Whether that was at once, and not in order. */
  aborted = false;
  /** Why. */
  error: ConnError | undefined;
  /** What is not consumed. */
  rest = new Uint8Array(0);
  now = 1_000;
  /** Bytes that the machine wrote and the transport has not taken, for a test to set. */
  buffered = 0;
  paused = false;
  #pumping = false;
  #ended = false;
  #told = false;

  constructor(
    role: HttpRole,
    handler: TestHandler = () => {},
    options: HttpMachineOptions = {},
  ) {
    this.machine = new HttpMachine(role, {
      date: () => "Sat, 01 Jan 2000 00:00:00 GMT",
      ...options,
    });
    this.#handler = handler;
  }

  emit(event: HttpEvent): boolean {
    const text = eventText(event);
    const last = this.log.at(-1);
    if (event.type === "body" && last?.startsWith("body ")) {
      this.log[this.log.length - 1] = last + text.slice(5);
    } else {
      this.log.push(text);
    }
    if (this.#handler(event, this) === "pause") this.paused = true;
    return !this.paused && !this.closed;
  }

  write(data: Uint8Array | string): void {
    if (this.closed) return;
    this.output += decodeLatin1(
      typeof data === "string" ? encoder.encode(data) : data,
    );
  }

  writeAhead(bytes: Uint8Array): void {
    this.write(bytes);
  }

  settleAhead(): void {}

  writeShared(bytes: Uint8Array): void {
    this.write(bytes);
  }

  close(error?: ConnError): void {
    if (this.closed) return;
    this.closed = true;
    this.error = error;
  }

  abort(error?: ConnError): void {
    this.aborted ||= !this.closed;
    this.close(error);
  }

  readOn(): void {}

  /** Takes bytes from the peer. */
  feed(bytes: Uint8Array | string): this {
    const more = typeof bytes === "string" ? latin1(bytes) : bytes;
    const all = new Uint8Array(this.rest.length + more.length);
    all.set(this.rest);
    all.set(more, this.rest.length);
    this.rest = all;
    this.#pump();
    return this;
  }

  /** Takes the peer's end of stream. */
  end(): this {
    this.#ended = true;
    this.#pump();
    return this;
  }

  /** Sends a command. */
  send(command: HttpCommand): this {
    if (this.closed) return this;
    this.machine.send(command, this);
    this.#pump();
    return this;
  }

  /** Ends the handler's pause. */
  resume(): this {
    this.paused = false;
    this.machine.resume(this);
    this.#pump();
    return this;
  }

  /** Moves the clock, and runs what is due. */
  advance(milliseconds: number): this {
    const end = this.now + milliseconds;
    while (!this.closed) {
      const at = this.machine.deadline();
      if (at > end) break;
      this.now = Math.max(this.now, at);
      this.machine.tick(this);
      if (this.machine.deadline() <= this.now && !this.closed) {
        throw new Error("The deadline is still there after the tick");
      }
    }
    this.now = end;
    return this;
  }

  #pump(): void {
    if (this.#pumping || this.paused || this.closed) return;
    this.#pumping = true;
    try {
      if (this.rest.length > 0) this.#offer();
      if (this.#ended && !this.#told && !this.#stopped()) {
        this.#told = this.machine.receiveEnd(this.rest, this) !== false;
      }
    } finally {
      this.#pumping = false;
    }
  }

  #stopped(): boolean {
    return this.paused || this.closed;
  }

  /** Offers a copy that does not outlive the call, as a read buffer may. */
  #offer(): void {
    const offered = this.rest.slice();
    const consumed = this.machine.receive(offered, this);
    if (consumed < 0 || consumed > offered.length) {
      throw new Error(`The machine consumed ${consumed} of ${offered.length}`);
    }
    offered.fill(0x21);
    this.rest = this.rest.slice(consumed);
  }
}

function requestText(head: RequestHead): string {
  const { method, target, version, contentLength, keepAlive } = head;
  return `request ${method} ${target} ${version} ${contentLength ?? "chunked"}${
    keepAlive ? "" : " close"
  }${head.expectContinue ? " expect" : ""}${
    head.upgrade === undefined ? "" : ` upgrade=${head.upgrade}`
  }`;
}

/** An event on one line. Fields are left out of heads. */
export function eventText(event: HttpEvent): string {
  switch (event.type) {
    case "request":
      return requestText(event.head);
    case "response": {
      const { status, reason, version, contentLength, keepAlive } = event.head;
      return `response ${status} ${reason} ${version} ${
        contentLength ?? "unknown"
      }${keepAlive ? "" : " close"}`;
    }
    case "body":
      return `body ${decodeLatin1(event.bytes)}`;
    case "end": {
      const trailers = [...event.trailers].map((pair) => pair.join("="));
      return ["end", ...trailers].join(" ");
    }
    default:
      return event.type;
  }
}
