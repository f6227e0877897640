/**
 * From a standard `Response` to commands.
 *
 * @module
 */

import type { Conn } from "../conn/conn.ts";
import { type BodySource, bodySourceOf } from "./_body_source.ts";
import { Fields } from "./fields.ts";
import { beginning, stringBody } from "./_static_body.ts";
import type {
  HttpCommand,
  HttpEvent,
  RequestHead,
  ResponseCommand,
} from "./message.ts";

type HttpConn = Conn<HttpEvent, HttpCommand>;

/** Bytes per piece of a body that is pulled. */
const PIECE = 64 * 1024;

/**
 * Sends a response.
 *
 * @param response The response; its body is used up.
 * @param conn The connection.
 * @param request The head of the request that it answers.
 * @returns A promise if that takes time; it rejects if the body fails.
 */
export function sendResponse(
  response: Response,
  conn: HttpConn,
  request: RequestHead,
): void | Promise<void> {
  const source = bodySourceOf(response);
  if (source !== undefined) return sendSource(response, source, conn, request);
  const text = stringBody(response);
  if (text === undefined && response.body !== null) {
    return sendStream(response, response.body, conn, request);
  }
  conn.send(commandFor(response, response.headers, text ?? ""));
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
  conn.send(commandFor(response, fields));
  let left = source.size;
  try {
    while (left > 0 && conn.state === "open") {
      const buffer = new Uint8Array(Math.min(PIECE, left));
      const count = await source.pull(buffer);
      left -= count;
      const bytes = count < buffer.length ? buffer.subarray(0, count) : buffer;
      if (!conn.send({ type: "body", bytes })) await conn.drain();
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
): Promise<void> {
  if (!hasBody(response, request)) {
    await body.cancel();
    conn.send(commandFor(response, response.headers));
    conn.send({ type: "end" });
    return;
  }
  const reader = body.getReader();
  const { first = "", next } = await beginning(reader);
  if (next === undefined) {
    conn.send(commandFor(response, response.headers, first));
    return;
  }
  conn.send(commandFor(response, response.headers));
  await sendRest(first, next, reader, conn);
  conn.signal.throwIfAborted();
  conn.send({ type: "end" });
}

/** Sends a stream of which one piece has come, at the connection's pace. */
async function sendRest(
  first: string | Uint8Array,
  next: Promise<ReadableStreamReadResult<Uint8Array>>,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  conn: HttpConn,
): Promise<void> {
  // A source that is waiting itself has to hear that nobody listens any more.
  const left = () => {
    reader.cancel(conn.signal.reason).catch(() => {});
  };
  conn.signal.addEventListener("abort", left);
  try {
    if (!conn.send({ type: "body", bytes: first })) await conn.drain();
    for (;;) {
      const { done, value } = await next;
      if (done) break;
      if (!conn.send({ type: "body", bytes: value })) await conn.drain();
      next = reader.read();
    }
  } finally {
    conn.signal.removeEventListener("abort", left);
  }
}
