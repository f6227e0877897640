/**
 * Server-sent events: the text/event-stream format, both ways.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";

/** An event as it came from a server. */
export interface ServerSentEvent {
  /** Its type, `"message"` if the server gave none. */
  event: string;
  /** Its data; lines end in a line feed, the last one in nothing. */
  data: string;
  /** The last event id that the server gave, with this event or before. */
  id: string;
}

/** Options of {@linkcode EventStreamParser}. */
export interface EventStreamParserOptions {
  /**
   * The id to begin with: that of the event that was received last.
   *
   * @default {""}
   */
  lastEventId?: string;
  /**
   * Most characters of an event's data, and of any line.
   *
   * @default {1048576}
   */
  maxEventLength?: number;
}

const LINE_END = /[\r\n]/g;

/**
 * Parses an event stream (HTML §9.2.6) piece by piece, however it is cut. What
 * follows the last empty line is no event.
 *
 * @example Parsing what a server sent
 * ```ts
 * import { EventStreamParser } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const parser = new EventStreamParser();
 * const push = (text: string) => parser.push(new TextEncoder().encode(text));
 *
 * assertEquals(push("retry: 500\nevent: tick\nid: 7\nda"), []);
 * assertEquals(push("ta: one\ndata: two\n\n"), [
 *   { event: "tick", data: "one\ntwo", id: "7" },
 * ]);
 * assertEquals(parser.retry, 500);
 * assertEquals(parser.lastEventId, "7");
 * ```
 */
export class EventStreamParser {
  readonly #maxLength: number;
  // A decoder that takes byte order marks away takes one at the start of any
  // later piece, too.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #atStart = true;
  #line = "";
  #afterCarriageReturn = false;
  #data: string | undefined;
  #event = "";
  #id: string;
  #lastEventId: string;
  #retry: number | undefined;

  /**
   * Starts at the beginning of a stream.
   *
   * @param options Id and limit.
   */
  constructor(options: EventStreamParserOptions = {}) {
    this.#maxLength = options.maxEventLength ?? 1024 * 1024;
    this.#id = this.#lastEventId = options.lastEventId ?? "";
  }

  /** What to send as `Last-Event-ID` on the next attempt; may be empty. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /**
   * How long the server wants a client to wait before the next attempt, in
   * milliseconds; `undefined` if it did not say.
   */
  get retry(): number | undefined {
    return this.#retry;
  }

  /**
   * Takes the next piece of the stream.
   *
   * @param bytes The piece.
   * @returns The events that it completed.
   * @throws {ConnError} With code `"event_too_large"` over the limit.
   */
  push(bytes: Uint8Array): ServerSentEvent[] {
    let text = this.#decoder.decode(bytes, { stream: true });
    if (this.#atStart && text !== "") {
      this.#atStart = false;
      if (text.startsWith("\ufeff")) text = text.slice(1);
    }
    const events: ServerSentEvent[] = [];
    let from = 0;
    // Only the new text is searched, so that a long line in many pieces is not
    // gone through again with each.
    LINE_END.lastIndex = 0;
    for (
      let match = LINE_END.exec(text);
      match !== null;
      match = LINE_END.exec(text)
    ) {
      const at = match.index;
      const second = this.#afterCarriageReturn && text[at] === "\n" &&
        at === from;
      this.#afterCarriageReturn = text[at] === "\r";
      if (!second) this.#endLine(text.slice(from, at), events);
      from = at + 1;
    }
    if (from < text.length) {
      this.#afterCarriageReturn = false;
      this.#line += text.slice(from);
      this.#check(this.#line.length);
    }
    return events;
  }

  #endLine(rest: string, events: ServerSentEvent[]): void {
    const line = this.#line + rest;
    this.#line = "";
    this.#check(line.length);
    if (line === "") {
      this.#dispatch(events);
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment
    if (colon < 0) this.#setField(line, "");
    else {
      const start = line[colon + 1] === " " ? colon + 2 : colon + 1;
      this.#setField(line.slice(0, colon), line.slice(start));
    }
  }

  #setField(name: string, value: string): void {
    switch (name) {
      case "data":
        this.#data = this.#data === undefined
          ? value
          : `${this.#data}\n${value}`;
        this.#check(this.#data.length);
        break;
      case "event":
        this.#event = value;
        break;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.#retry = Number(value);
        break;
    }
  }

  #dispatch(events: ServerSentEvent[]): void {
    const data = this.#data;
    const id = this.#lastEventId = this.#id;
    if (data !== undefined) {
      events.push({ event: this.#event || "message", data, id });
    }
    this.#data = undefined;
    this.#event = "";
  }

  #check(length: number): void {
    if (length <= this.#maxLength) return;
    throw new ConnError(
      `Cannot read the event stream: an event is over ${this.#maxLength} characters`,
      { code: "event_too_large", side: "remote" },
    );
  }
}

/** An event for {@linkcode encodeEvent}. */
export interface EventToSend {
  /** The data, of any number of lines. Left out: no event is seen at the client. */
  data?: string;
  /** The type; clients take `"message"` if it is left out. One line. */
  event?: string;
  /** The id that a client names when it comes back. One line, without NUL. */
  id?: string;
  /** How long a client waits before it comes back, in whole milliseconds. */
  retry?: number;
  /** Text that clients ignore; a heartbeat, for example. */
  comment?: string;
}

/**
 * Encodes an event as text/event-stream (HTML §9.2.5).
 *
 * @param event What to send.
 * @returns The text, ready to be sent as a chunk of the body.
 * @throws {TypeError} If the type or the id has a line end, the id a NUL, or
 * `retry` is not a whole number from 0.
 *
 * @example An event with an id
 * ```ts
 * import { encodeEvent } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(
 *   encodeEvent({ event: "tick", data: "one\ntwo", id: "7" }),
 *   "event: tick\nid: 7\ndata: one\ndata: two\n\n",
 * );
 * assertEquals(encodeEvent({ comment: "still here" }), ": still here\n\n");
 * ```
 */
export function encodeEvent(event: EventToSend): string {
  const { comment, event: type, id, retry, data } = event;
  let text = "";
  if (comment !== undefined) text += lines("", comment);
  if (type !== undefined) text += `event: ${oneLine("type", type)}\n`;
  if (id !== undefined) {
    if (id.includes("\0")) {
      throw new TypeError("Cannot encode the event: its id has a NUL");
    }
    text += `id: ${oneLine("id", id)}\n`;
  }
  if (retry !== undefined) {
    if (!Number.isSafeInteger(retry) || retry < 0) {
      throw new TypeError(
        `Cannot encode the event: retry "${retry}" is not a whole number from 0`,
      );
    }
    text += `retry: ${retry}\n`;
  }
  if (data !== undefined) text += lines("data", data);
  return `${text}\n`;
}

function lines(name: string, value: string): string {
  return value.split(/\r\n|\r|\n/).map((line) => `${name}: ${line}\n`).join("");
}

function oneLine(what: string, value: string): string {
  if (!/[\r\n]/.test(value)) return value;
  throw new TypeError(
    `Cannot encode the event: its ${what} ${
      JSON.stringify(value)
    } has a line end`,
  );
}
