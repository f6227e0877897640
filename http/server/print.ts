/**
 * Answering from an event handler: whole responses, JSON, and chunk by chunk.
 *
 * @module
 */

import { Fields, type FieldsInit } from "../codec/fields.ts";
import type { HttpCommand } from "../codec/message.ts";

/** What these helpers need of a connection; every HTTP `Conn` has it. */
export interface ResponseSender {
  /** See `Conn.send`: `false` if the send queue is over its high mark. */
  send(command: HttpCommand): boolean;
}

/** The head of a response. */
export interface ReplyHead {
  /**
   * The status code.
   *
   * @default {200}
   */
  status?: number;
  /** The reason phrase; left out, the usual one of the status. */
  reason?: string;
  /** The header fields. */
  fields?: FieldsInit;
}

/** A whole response for {@linkcode reply}. */
export interface Reply extends ReplyHead {
  /**
   * The body. A string is sent as UTF-8, with `text/plain; charset=utf-8` if the
   * fields give no content type.
   *
   * @default {""}
   */
  body?: string | Uint8Array;
}

// Kept, so that its encoded form is, too.
const TEXT = new Fields({ "Content-Type": "text/plain; charset=utf-8" });
const JSON_TYPE = new Fields({ "Content-Type": "application/json" });

function withType(fields: FieldsInit | undefined, byDefault: Fields): Fields {
  if (fields === undefined) return byDefault;
  const own = fields instanceof Fields ? fields : new Fields(fields);
  return own.has("content-type") ? own : new Fields([...own, ...byDefault]);
}

/**
 * Answers a request with a whole response.
 *
 * @param conn The connection that the request came on.
 * @param response The response.
 * @returns What `send` returned: `false` if the queue is over its high mark.
 * @throws {ConnError} If the response is invalid, or no request awaits one.
 *
 * @example A handler of events
 * ```ts
 * import { type HttpCommand, type HttpEvent, reply } from "@meerkat/net/http";
 * import type { Handler } from "@meerkat/net/conn";
 * import { assert } from "@std/assert";
 *
 * const handler: Handler<HttpEvent, HttpCommand> = (event, conn) => {
 *   if (event.type !== "request") return;
 *   if (event.head.target === "/hello") reply(conn, { body: "Hello world\n" });
 *   else reply(conn, { status: 404, body: "Not found\n" });
 * };
 * assert(handler);
 * ```
 */
export function reply(conn: ResponseSender, response: Reply): boolean {
  const { status = 200, reason, fields, body = "" } = response;
  // A response without content is not given a type.
  const typed = typeof body === "string" && body !== ""
    ? withType(fields, TEXT)
    : fields;
  return conn.send({
    type: "response",
    status,
    body,
    ...(reason === undefined ? {} : { reason }),
    ...(typed === undefined ? {} : { fields: typed }),
  });
}

/**
 * Answers a request with a value as JSON.
 *
 * @param conn The connection that the request came on.
 * @param value What `JSON.stringify` takes.
 * @param head Status and fields; `Content-Type: application/json` if they give no
 * content type.
 * @returns What `send` returned: `false` if the queue is over its high mark.
 * @throws {TypeError} If the value has no JSON form.
 * @throws {ConnError} If the response is invalid, or no request awaits one.
 *
 * @example A sum
 * ```ts
 * import { type HttpCommand, replyJson } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const sent: HttpCommand[] = [];
 * const conn = { send: (command: HttpCommand) => sent.push(command) > 0 };
 *
 * replyJson(conn, { result: 3 });
 * assertEquals(sent[0]?.type === "response" && sent[0].body, '{"result":3}');
 * ```
 */
export function replyJson(
  conn: ResponseSender,
  value: unknown,
  head: ReplyHead = {},
): boolean {
  const body = toJson(value);
  return reply(conn, {
    ...head,
    body,
    fields: withType(head.fields, JSON_TYPE),
  });
}

function toJson(value: unknown): string {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(`Cannot send a ${typeof value} as JSON`);
  }
  return text;
}

/**
 * A response that is sent while it is made, chunk by chunk. To a peer that speaks
 * HTTP/1.0 it ends with the connection.
 *
 * @example Printing an object
 * ```ts
 * import { ChunkPrinter, type HttpCommand } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const sent: HttpCommand[] = [];
 * const conn = { send: (command: HttpCommand) => sent.push(command) > 0 };
 *
 * const out = new ChunkPrinter(conn, {
 *   fields: { "Content-Type": "application/json" },
 * });
 * out.print('{ "result": ');
 * out.print((1 + 2).toFixed(6));
 * out.print(" }\n");
 * out.end();
 * assertEquals(sent.map((command) => command.type), [
 *   "response",
 *   "body",
 *   "body",
 *   "body",
 *   "end",
 * ]);
 * ```
 */
export class ChunkPrinter {
  readonly #conn: ResponseSender;

  /**
   * Sends the head of the response.
   *
   * @param conn The connection that the request came on.
   * @param head Status and fields; `Content-Type: text/plain; charset=utf-8` if
   * they give no content type.
   * @throws {ConnError} If the head is invalid, or no request awaits a response.
   */
  constructor(conn: ResponseSender, head: ReplyHead = {}) {
    const { status = 200, reason, fields } = head;
    this.#conn = conn;
    conn.send({
      type: "response",
      status,
      fields: withType(fields, TEXT),
      ...(reason === undefined ? {} : { reason }),
    });
  }

  /**
   * Sends a chunk.
   *
   * @param data The chunk; a string is sent as UTF-8, an array is given away.
   * Nothing is sent of an empty one, which would end the response.
   * @returns What `send` returned: `false` if the queue is over its high mark;
   * wait for `Conn.drain` then.
   * @throws {ConnError} If the response has ended.
   */
  print(data: string | Uint8Array): boolean {
    if (data.length === 0) return true;
    return this.#conn.send({ type: "body", bytes: data });
  }

  /**
   * Sends a value as JSON, in a chunk.
   *
   * @param value What `JSON.stringify` takes.
   * @returns Like {@linkcode ChunkPrinter.print}.
   * @throws {TypeError} If the value has no JSON form.
   */
  json(value: unknown): boolean {
    return this.print(toJson(value));
  }

  /**
   * Ends the response.
   *
   * @param trailers Trailer fields (RFC 9110 §6.5).
   * @throws {ConnError} If the response has ended already.
   */
  end(trailers?: FieldsInit): void {
    this.#conn.send(
      trailers === undefined ? { type: "end" } : { type: "end", trailers },
    );
  }
}
