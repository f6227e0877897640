// Peers that speak bytes, and a reader of messages that knows nothing of the
// codec under test and forgives nothing.

import { assert } from "@std/assert";
import type { MemoryTransport } from "../../conn/pair.ts";
import { encodeLatin1 } from "../../http/codec/encode.ts";
import { decodeLatin1 } from "../../http/codec/head_values.ts";

/** Lets all that can happen without time passing happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** One end of a connection in memory. Text has a character for each byte. */
export class Wire {
  readonly transport: MemoryTransport;
  /** How what came ended: in order, or by a reset. */
  ended: "no" | "eof" | "reset" = "no";
  /** Whether it ends its side, too, when the peer has. */
  polite = true;
  /** All that came. */
  received = "";
  readonly #onInput: (wire: Wire) => void;
  #taken = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(transport: MemoryTransport, onInput: (wire: Wire) => void) {
    this.transport = transport;
    this.#onInput = onInput;
    this.#collect();
  }

  /** Sends; what is not taken any more is lost. */
  send(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? encodeLatin1(data) : data;
    this.#writing = this.#writing.then(async () => {
      for (let at = 0; at < bytes.length;) {
        at += await this.transport.write(bytes.subarray(at));
      }
    }).catch(() => {});
  }

  /** Sends, and gives what came by then. */
  async ask(data: string | Uint8Array): Promise<string> {
    this.send(data);
    await settle();
    return this.take();
  }

  /** What came since the last call. */
  take(): string {
    const text = this.received.slice(this.#taken);
    this.#taken = this.received.length;
    return text;
  }

  /** Ends its side of the stream, if it is open. */
  async end(): Promise<void> {
    await this.#writing;
    if (!this.transport.closed) await this.transport.closeWrite();
    await settle();
  }

  /** Breaks the connection. */
  async reset(): Promise<void> {
    this.transport.reset();
    await settle();
  }

  /** Ends both sides. */
  close(): void {
    if (!this.transport.closed) this.transport.close();
  }

  async #collect(): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await this.transport.read(buffer);
        if (count === null) break;
        this.received += decodeLatin1(buffer, 0, count);
        this.#onInput(this);
      }
      this.ended = "eof";
      if (this.polite) this.close();
    } catch {
      if (!this.transport.closed) this.ended = "reset";
    }
  }
}

/** A message, read by the letter. */
export interface Message {
  /** The first line. */
  readonly start: string;
  /** Names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** As they were sent. */
  readonly trailers: string;
  /** Whether the body was chunked. */
  readonly chunked: boolean;
}

/** The value of a field; all of them, joined by `", "`. */
export function field(message: Message, name: string): string | undefined {
  const values = message.fields.filter((each) => each[0] === name);
  if (values.length === 0) return undefined;
  return values.map(([, value]) => value).join(", ");
}

/** The names that a message has, sorted. */
export function names(message: Message): string[] {
  return message.fields.map(([name]) => name).sort();
}

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([^\0\r\n]*)$/;
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ (?:\/[!-~]*|\*) HTTP\/1\.1$/;
const STATUS_LINE = /^HTTP\/1\.1 \d{3} [^\0\r\n]*$/;

/**
 * Reads the first message of a text.
 *
 * @param text What came.
 * @param method For responses: the method of the request.
 * @returns The message and where it ends; `undefined` if it is not complete.
 * @throws {Error} If two readers could take it for two things.
 */
export function readMessage(
  text: string,
  method?: string,
): [message: Message, end: number] | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [start = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const line = method === undefined ? REQUEST_LINE : STATUS_LINE;
  assert(line.test(start), `first line: ${JSON.stringify(start)}`);
  const fields = lines.map((line) => {
    const match = FIELD.exec(line);
    assert(match !== null, `field: ${JSON.stringify(line)}`);
    return [match[1]!.toLowerCase(), match[2]!] as const;
  });
  const valuesOf = (name: string) =>
    fields.filter((each) => each[0] === name).map(([, value]) => value);
  const lengths = valuesOf("content-length");
  const codings = valuesOf("transfer-encoding");
  if (method === undefined) assert(valuesOf("host").length === 1, "one Host");
  assert(lengths.length + codings.length <= 1, `framings: ${start}`);
  assert(lengths.every((value) => /^\d+$/.test(value)), "Content-Length");
  assert(codings.every((value) => value === "chunked"), "Transfer-Encoding");
  const from = headEnd + 4;
  const chunked = codings.length > 0;
  const body = isBodiless(start, method)
    ? { body: "", trailers: "", end: from }
    : chunked
    ? readChunks(text, from)
    : readCounted(text, from, Number(lengths[0] ?? 0));
  if (body === undefined) return undefined;
  const { end, ...rest } = body;
  return [{ start, fields, chunked, ...rest }, end];
}

/** Reads all messages; nothing may be left behind them. */
export function readMessages(text: string, methods?: string[]): Message[] {
  const messages: Message[] = [];
  let at = 0;
  while (at < text.length) {
    const method = methods && (methods[messages.length] ?? "GET");
    const read = readMessage(text.slice(at), method);
    assert(read !== undefined, `cut: ${JSON.stringify(text.slice(at))}`);
    messages.push(read[0]);
    at += read[1];
  }
  return messages;
}

/** Reads a text that is one response, by default to a GET. */
export function readResponse(text: string, method = "GET"): Message {
  const [message, ...more] = readMessages(text, [method]);
  assert(message !== undefined, "no response");
  assert(more.length === 0, `more responses: ${JSON.stringify(more)}`);
  return message;
}

/** The status of a response. */
export function statusOf(text: string): number {
  return Number(text.slice(9, 12));
}

function isBodiless(start: string, method: string | undefined): boolean {
  return method === "HEAD" ||
    method !== undefined && /^HTTP\/1\.1 (?:1\d\d|204|304) /.test(start);
}

interface ReadBody {
  readonly body: string;
  readonly trailers: string;
  readonly end: number;
}

function readCounted(
  text: string,
  from: number,
  length: number,
): ReadBody | undefined {
  const end = from + length;
  if (text.length < end) return undefined;
  return { body: text.slice(from, end), trailers: "", end };
}

function readChunks(text: string, from: number): ReadBody | undefined {
  let body = "";
  for (let at = from;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = text.slice(at, lineEnd);
    assert(/^[0-9a-f]+$/i.test(size), `chunk size: ${JSON.stringify(size)}`);
    const length = parseInt(size, 16);
    if (length === 0) return readTrailers(text, lineEnd, body);
    const end = lineEnd + 2 + length;
    if (text.length < end + 2) return undefined;
    assert(text.slice(end, end + 2) === "\r\n", "end of a chunk");
    body += text.slice(lineEnd + 2, end);
    at = end + 2;
  }
}

function readTrailers(
  text: string,
  from: number,
  body: string,
): ReadBody | undefined {
  const end = text.indexOf("\r\n\r\n", from);
  if (end < 0) return undefined;
  const trailers = text.slice(from + 2, end + 2);
  return { body, trailers, end: end + 4 };
}

/** A response with a body of a known length. */
export function respond(body = "", status = 200, fields = ""): string {
  return `HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`;
}

/** A request without a body. */
export function request(target = "/", fields = "", method = "GET"): string {
  return `${method} ${target} HTTP/1.1\r\nHost: example.com\r\n${fields}\r\n`;
}

/** A request with a body of a known length. */
export function post(body: string, fields = "", target = "/"): string {
  const length = `Content-Length: ${body.length}\r\n`;
  return request(target, length + fields, "POST") + body;
}

/** Chunks of a body. */
export function chunks(...pieces: string[]): string {
  return pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)
    .join("") + "0\r\n\r\n";
}

/** Fields of a request that asks for WebSocket. */
export const ASKS_WEBSOCKET =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

/** The response that agrees to it. */
export const AGREES_WEBSOCKET =
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" +
  "Upgrade: websocket\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";
