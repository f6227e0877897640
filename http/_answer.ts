/**
 * Writing the head of a response, RFC 9112 §4, and what frames its body, §6.
 *
 * @module
 */

import { dateLine } from "./_date.ts";
import { type BodyMode, misuse } from "./_body_writer.ts";
import { reasonOf } from "./_reason.ts";
import type { WireFields } from "./_wire_fields.ts";
import { byteLength, encodeLatin1, type Out } from "./encode.ts";
import { checkFieldValue } from "./_field_rules.ts";
import { isBodiless } from "./framing.ts";
import type { HttpSettings } from "./limits.ts";
import type { RequestHead, ResponseCommand } from "./message.ts";

/** Status lines with the usual reason phrases, by status. */
const statusLines: string[] = [];

/** The status line; its reason phrase may be Latin-1. */
export function statusLine(status: number, reason?: string): string {
  if (reason !== undefined) {
    return `HTTP/1.1 ${status} ${checkFieldValue(reason)}\r\n`;
  }
  return statusLines[status] ??= `HTTP/1.1 ${status} ${reasonOf(status)}\r\n`;
}

/** A status line and fields that are sent more than once. */
function keptHead(wire: WireFields, status: number): Uint8Array {
  if (wire.head === undefined || wire.headStatus !== status) {
    wire.head = encodeLatin1(statusLine(status) + wire.text);
    wire.headStatus = status;
  }
  return wire.head;
}

const CHUNKED_LINE = "Transfer-Encoding: chunked\r\n";
/** `Content-Length` of small bodies, by length. */
const lengthLines: string[] = [];
const LENGTH_LINES_MAX = 4096;

function lengthLine(length: number): string {
  if (length >= LENGTH_LINES_MAX) return `Content-Length: ${length}\r\n`;
  return lengthLines[length] ??= `Content-Length: ${length}\r\n`;
}

/** Checks a status that a program gave. */
export function checkStatus(status: number): void {
  if (Number.isInteger(status) && status >= 100 && status <= 999) return;
  throw misuse(
    "bad_status",
    `Cannot send the status ${status}: expected an integer from 100 to 999`,
  );
}

/** How the body of a response goes out. */
export interface AnswerBody {
  /** How it is framed if it comes in pieces. */
  readonly mode: BodyMode;
  /** Its length, -1 if that is not known or not to be told. */
  readonly length: number;
}

/** Frames a body that is there as a whole. */
function frameWhole(
  request: RequestHead,
  status: number,
  wire: WireFields,
  length: number,
): number {
  const told = wire.contentLength;
  if (!isBodiless(request.method, status)) {
    if (told === -1 || told === length) return length;
    throw misuse(
      told < length ? "body_too_long" : "body_too_short",
      `Cannot send a body of ${length} bytes: "Content-Length" is ${told}`,
    );
  }
  // RFC 9110 §8.6: what a GET would have been told, and nothing for a 204.
  if (status === 204) return -1;
  if (told !== -1 || status === 304) return told;
  return length > 0 ? length : -1;
}

/**
 * Decides how a response's body goes out.
 *
 * @param body The body, settled, if it is there as a whole.
 */
export function frameAnswer(
  request: RequestHead,
  command: ResponseCommand,
  wire: WireFields,
  body: string | Uint8Array | undefined,
): AnswerBody {
  const { status } = command;
  if (body !== undefined) {
    return {
      mode: "idle",
      length: frameWhole(request, status, wire, byteLength(body)),
    };
  }
  if (isBodiless(request.method, status)) {
    return { mode: "none", length: status === 204 ? -1 : wire.contentLength };
  }
  if (wire.contentLength !== -1) {
    return { mode: "length", length: wire.contentLength };
  }
  // HTTP/1.0 knows no chunks, RFC 9112 §6.1.
  return { mode: request.version === "1.0" ? "close" : "chunked", length: -1 };
}

/** Writes the heads of a connection's responses. */
export class AnswerWriter {
  readonly #date: (now: number) => string;
  /** `Keep-Alive` without its CRLF and without `max`. */
  readonly #keepAlive: string;
  readonly #maxRequests: number;
  /** What most heads end in, for the date it was made with. */
  #tail: Uint8Array = new Uint8Array(0);
  #tailDate = "";

  constructor(settings: HttpSettings) {
    const { date, keepAliveTimeout, maxRequests } = settings;
    this.#date = date === undefined ? dateLine : () => `Date: ${date()}\r\n`;
    this.#keepAlive = keepAliveTimeout === Infinity
      ? ""
      : `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1000)}`;
    this.#maxRequests = maxRequests;
  }

  /**
   * Writes a final response's head, and its body if that is there as a whole.
   *
   * @param close Whether the connection ends with it.
   * @param served How many requests the connection has brought so far.
   * @param now The time on the connection's clock.
   */
  write(
    request: RequestHead,
    command: ResponseCommand,
    wire: WireFields,
    frame: AnswerBody,
    body: string | Uint8Array | undefined,
    close: boolean,
    served: number,
    now: number,
    out: Out,
  ): void {
    const { status, reason } = command;
    if (wire.kept && reason === undefined) {
      out.write(keptHead(wire, status));
    } else {
      const head = statusLine(status, reason) + wire.text;
      const wide = reason !== undefined && /[\x80-\xff]/.test(reason);
      out.write(wire.wide || wide ? encodeLatin1(head) : head);
    }
    if (frame.length >= 0) out.write(lengthLine(frame.length));
    else if (frame.mode === "chunked") out.write(CHUNKED_LINE);
    out.write(this.#tailFor(request, wire, close, served, now));
    if (body !== undefined && !isBodiless(request.method, status)) {
      out.write(body);
    }
  }

  /** The date, what becomes of the connection, and the empty line. */
  #tailFor(
    request: RequestHead,
    wire: WireFields,
    close: boolean,
    served: number,
    now: number,
  ): Uint8Array | string {
    const date = this.#date(now);
    if (
      !close && !wire.date && !wire.connection && !wire.keepAlive &&
      this.#maxRequests === Infinity
    ) {
      if (this.#tailDate === date) return this.#tail;
      this.#tailDate = date;
      return this.#tail = encodeLatin1(
        date + "Connection: keep-alive\r\n" + this.#keepAliveLine(served) +
          "\r\n",
      );
    }
    let tail = wire.date ? "" : date;
    if (close) {
      if (!wire.close) tail += "Connection: close\r\n";
    } else {
      if (!wire.connection || request.version === "1.0") {
        tail += "Connection: keep-alive\r\n";
      }
      if (!wire.keepAlive) tail += this.#keepAliveLine(served);
    }
    return tail + "\r\n";
  }

  #keepAliveLine(served: number): string {
    if (this.#keepAlive === "") return "";
    return this.#maxRequests === Infinity
      ? this.#keepAlive + "\r\n"
      : `${this.#keepAlive}, max=${this.#maxRequests - served}\r\n`;
  }

  /** Writes a small complete response that tells of an error, and nothing else. */
  writeError(status: number, bodiless: boolean, out: Out): void {
    const text = (reasonOf(status) || "Error") + "\n";
    out.write(
      statusLine(status) + "Content-Type: text/plain; charset=utf-8\r\n" +
        "Content-Length: " + text.length + "\r\n" + this.#date(out.now) +
        "Connection: close\r\n\r\n" + (bodiless ? "" : text),
    );
  }
}
