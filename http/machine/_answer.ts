/**
 * Writing the head of a response, RFC 9112 §4, and what frames its body, §6.
 *
 * @module
 */

import { type BodyMode, misuse } from "../codec/body_writer.ts";
import { reasonOf } from "../codec/reason.ts";
import type { WireFields } from "../codec/wire_fields.ts";
import {
  byteLength,
  encodeLatin1,
  isAscii,
  type Out,
  settle,
} from "../codec/encode.ts";
import { checkFieldValue } from "../codec/field_rules.ts";
import { isBodiless } from "../codec/framing.ts";
import type { HttpSettings } from "../codec/limits.ts";
import type { RequestHead, ResponseCommand } from "../codec/message.ts";

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

/** A final response that is to be sent. */
export interface Answer {
  /** What it answers. */
  readonly request: RequestHead;
  /** What the program wants. */
  readonly command: ResponseCommand;
  /** Its fields. */
  readonly wire: WireFields;
  /** The body, settled, if it is there as a whole. */
  readonly body: string | Uint8Array | undefined;
  /** How the body is framed if it comes in pieces. */
  mode: BodyMode;
  /** The length of the body, -1 if that is not known or not to be told. */
  length: number;
  /** Whether the connection ends with it. */
  close: boolean;
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

/** Decides how the body of an answer goes out. */
function frame(answer: Answer): void {
  const { request, wire, body } = answer;
  const { status } = answer.command;
  if (body !== undefined) {
    answer.length = frameWhole(request, status, wire, byteLength(body));
  } else if (isBodiless(request.method, status)) {
    answer.mode = "none";
    answer.length = status === 204 ? -1 : wire.contentLength;
  } else if (wire.contentLength !== -1) {
    answer.mode = "length";
    answer.length = wire.contentLength;
  } else {
    // HTTP/1.0 knows no chunks, RFC 9112 §6.1.
    answer.mode = request.version === "1.0" ? "close" : "chunked";
  }
}

/**
 * Makes an answer of what a program wants to send.
 *
 * @throws {ConnError} If the fields contradict the body.
 */
export function makeAnswer(
  request: RequestHead,
  command: ResponseCommand,
  wire: WireFields,
): Answer {
  const answer: Answer = {
    request,
    command,
    wire,
    body: command.body === undefined ? undefined : settle(command.body),
    mode: "idle",
    length: -1,
    close: false,
  };
  frame(answer);
  return answer;
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
  /** What most heads end in that have a date. */
  readonly #plainTail: string;

  constructor(settings: HttpSettings) {
    const { dateLine, keepAliveTimeout, maxRequests } = settings;
    this.#date = dateLine;
    this.#keepAlive = keepAliveTimeout === Infinity
      ? ""
      : `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1000)}`;
    this.#maxRequests = maxRequests;
    this.#plainTail = "Connection: keep-alive\r\n" + this.#keepAliveLine(0) +
      "\r\n";
  }

  /**
   * Writes a final response's head, and its body if that is there as a whole.
   *
   * @param served How many requests the connection has brought so far.
   * @param now The time on the connection's clock.
   * @throws {ConnError} If the reason phrase is invalid; nothing is written then.
   */
  write(answer: Answer, served: number, now: number, out: Out): void {
    const { request, command, wire, body } = answer;
    const { status, reason } = command;
    const tail = this.#tailFor(answer, served, now);
    const framing = answer.length >= 0
      ? lengthLine(answer.length)
      : answer.mode === "chunked"
      ? CHUNKED_LINE
      : "";
    if (wire.kept && reason === undefined) {
      out.write(keptHead(wire, status));
      out.write(framing);
      out.write(tail);
    } else {
      let head = statusLine(status, reason) + wire.text + framing;
      if (typeof tail === "string") head += tail;
      const wide = wire.wide || (reason !== undefined && !isAscii(reason));
      out.write(wide ? encodeLatin1(head) : head);
      if (typeof tail !== "string") out.write(tail);
    }
    if (body !== undefined && !isBodiless(request.method, status)) {
      out.write(body);
    }
  }

  /** The date, what becomes of the connection, and the empty line. */
  #tailFor(answer: Answer, served: number, now: number): Uint8Array | string {
    const { request, wire, close } = answer;
    const usual = !close && !wire.connection && !wire.keepAlive &&
      this.#maxRequests === Infinity;
    if (usual && wire.date) return this.#plainTail;
    const date = this.#date(now);
    if (usual) {
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
