/**
 * From a standard `Response` to commands.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import { type BodySource, bodySourceOf } from "./body_source.ts";
import { Fields } from "../codec/fields.ts";
import { Leaving } from "./_leaving.ts";
import { beginning, stringBody } from "./_static_body.ts";
import type {
  HttpCommand,
  HttpEvent,
  RequestHead,
  ResponseCommand,
} from "../codec/message.ts";

type HttpConn = Conn<HttpEvent, HttpCommand>;

/** Bytes per piece of a body that is pulled. */
const PIECE = 64 * 1024;
/** Buffers of that size that no connection holds: a new one is dear. */
const pool: Uint8Array[] = [];
const POOL_MAX = 16;

const NOTHING = new Uint8Array(0);

/**
 * Sends a response.
 *
 * @param response The response; its body is used up.
 * @param conn The connection.
 * @param request The head of the request that it answers.
 * @param clock The connection's clock.
 * @returns A promise if that takes time; it rejects if the body fails.
 * @throws {ConnError} If the connection takes no response any more.
 */
export function sendResponse(
  response: Response,
  conn: HttpConn,
  request: RequestHead,
  clock: Clock,
): void | Promise<void> {
  if (!(response instanceof Response)) {
    throw new TypeError(
      `Cannot send the response: the handler gave ${
        response === null ? "null" : typeof response
      }, expected a Response`,
    );
  }
  const source = bodySourceOf(response);
  if (conn.state !== "open") {
    if (source !== undefined) source.cancel();
    else response.body?.cancel().catch(() => {});
    throw unsent();
  }
  if (source !== undefined) return sendSource(response, source, conn, request);
  const text = stringBody(response);
  if (text === undefined && response.body !== null) {
    return sendStream(response, response.body, conn, request, clock);
  }
  const command = commandFor(response, response.headers, text ?? "");
  if (!conn.send(command)) return taken(conn);
}

function commandFor(
  response: Response,
  fields: Headers | Fields,
  body?: string | Uint8Array,
): ResponseCommand {
  const command: ResponseCommand = {
    type: "response",
    status: response.status,
    fields,
  };
  if (response.statusText !== "") command.reason = response.statusText;
  if (body !== undefined) command.body = body;
  return command;
}

/** Whether the answer has a body on the wire, RFC 9112 §6.3. */
function hasBody(response: Response, request: RequestHead): boolean {
  return request.method !== "HEAD" && response.status !== 204 &&
    response.status !== 304;
}

/** A body of a known length, pulled piece by piece at the connection's pace. */
async function sendSource(
  response: Response,
  source: BodySource,
  conn: HttpConn,
  request: RequestHead,
): Promise<void> {
  const fields = new Fields(response.headers);
  if (!fields.has("content-length")) {
    fields.set("content-length", `${source.size}`);
  }
  if (!hasBody(response, request)) {
    source.cancel();
    conn.send(commandFor(response, fields, ""));
    return;
  }
  let left = source.size;
  try {
    conn.send(commandFor(response, fields));
    while (left > 0) {
      const buffer = pool.pop() ?? new Uint8Array(PIECE);
      const count = await source.pull(buffer.subarray(0, left));
      left -= count;
      const bytes = buffer.subarray(0, count);
      if (!conn.send({ type: "body", bytes })) await room(conn);
      // Only then has the kernel all of it.
      if (conn.buffered === 0 && pool.length < POOL_MAX) pool.push(buffer);
    }
  } finally {
    if (left > 0) source.cancel();
  }
  conn.send({ type: "end" });
}

/** A body that comes as it is made. */
async function sendStream(
  response: Response,
  body: ReadableStream<Uint8Array>,
  conn: HttpConn,
  request: RequestHead,
  clock: Clock,
): Promise<void> {
  if (!hasBody(response, request)) {
    // However long its source takes to stop, and whether or not it can be.
    body.cancel().catch(() => {});
    conn.send(commandFor(response, response.headers));
    conn.send({ type: "end" });
    return;
  }
  const reader = body.getReader();
  const leaving = new Leaving(conn, clock, (reason) => {
    // A source that waits itself has to hear that nobody listens any more.
    reader.cancel(reason).catch(() => {});
  });
  try {
    const { first = NOTHING, next } = await beginning(reader, clock);
    if (next === undefined) {
      leaving.throwIfLeft();
      const command = commandFor(response, response.headers, checked(first));
      if (!conn.send(command)) await taken(conn);
      return;
    }
    conn.send(commandFor(response, response.headers));
    await sendRest(first, next, reader, conn, leaving);
    conn.send({ type: "end" });
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error;
  } finally {
    leaving.forget();
  }
}

/** Sends a stream of which one piece has come, at the connection's pace. */
async function sendRest(
  first: Uint8Array,
  next: Promise<ReadableStreamReadResult<Uint8Array>>,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  conn: HttpConn,
  leaving: Leaving,
): Promise<void> {
  let piece = first;
  for (;;) {
    if (!conn.send({ type: "body", bytes: checked(piece) })) await room(conn);
    const { done, value } = await next;
    leaving.throwIfLeft();
    if (done) return;
    leaving.progress();
    piece = value;
    next = reader.read();
  }
}

/** Refuses what `Response` lets pass in a stream, and the wire does not. */
function checked(piece: Uint8Array): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  throw new TypeError(
    `Cannot send the body: its stream gave a ${typeof piece}, expected a Uint8Array`,
  );
}

/** Waits until the connection takes more; throws if it never will. */
async function room(conn: HttpConn): Promise<void> {
  await conn.drain();
  if (conn.state !== "open") throw unsent();
}

/** Waits until the client has taken most of a response that is all sent. */
async function taken(conn: HttpConn): Promise<void> {
  await conn.drain();
  if (conn.state === "closed") throw unsent();
}

function unsent(): ConnError {
  return new ConnError(
    "Cannot send the whole response: the connection is closed",
    { code: "closed", side: "remote" },
  );
}
