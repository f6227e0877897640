/**
 * A strict reader of responses. Nothing of ours is used, so that a mistake of ours
 * cannot hide.
 *
 * @module
 */

/** A response that is complete. */
export interface Reply {
  /** Its status. */
  status: number;
  /** Its fields, with names in lower case. */
  fields: Map<string, string>;
  /** Its body, without framing. */
  body: Uint8Array;
}

const latin1 = new TextDecoder("latin1");
const CRLF = "\r\n";

/**
 * Reads a response.
 *
 * @param bytes All that came.
 * @returns The response; `undefined` if more is to come.
 * @throws {Error} If it is none, has no framing, or more came than it has.
 */
export function parseReply(bytes: Uint8Array): Reply | undefined {
  const end = find(bytes, "\r\n\r\n", 0);
  if (end < 0) return undefined;
  const [start = "", ...lines] = latin1.decode(bytes.subarray(0, end))
    .split(CRLF);
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1]);
  if (!(status >= 200)) throw new Error(`Not a final response: "${start}"`);
  const fields = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const rest = bytes.subarray(end + 4);
  const body = fields.get("transfer-encoding") === "chunked"
    ? dechunk(rest)
    : take(rest, fields.get("content-length"));
  return body && { status, fields, body };
}

function take(rest: Uint8Array, length?: string): Uint8Array | undefined {
  if (length === undefined || !/^\d+$/.test(length)) {
    throw new Error("A response without a length, and not chunked");
  }
  if (rest.length < Number(length)) return undefined;
  return all(rest, rest, Number(length));
}

/** RFC 9112 §7.1, without extensions and trailers, which backends do not send. */
function dechunk(rest: Uint8Array): Uint8Array | undefined {
  const body = new Uint8Array(rest.length);
  let length = 0;
  for (let at = 0;;) {
    const line = find(rest, CRLF, at);
    if (line < 0) return undefined;
    const text = latin1.decode(rest.subarray(at, line));
    if (!/^[\da-f]+$/i.test(text)) throw new Error(`Not a chunk: "${text}"`);
    const size = parseInt(text, 16);
    const end = line + 2 + size;
    if (rest.length < end + 2) return undefined;
    if (latin1.decode(rest.subarray(end, end + 2)) !== CRLF) {
      throw new Error("A chunk without an end");
    }
    if (size === 0) return all(rest, body.subarray(0, length), end + 2, length);
    body.set(rest.subarray(line + 2, end), length);
    length += size;
    at = end + 2;
  }
}

/** Nothing may come that was not asked for. */
function all(
  rest: Uint8Array,
  body: Uint8Array,
  end: number,
  length = end,
): Uint8Array {
  if (rest.length > end) throw new Error("More came than the response has");
  return body.subarray(0, length);
}

function find(bytes: Uint8Array, text: string, from: number): number {
  const first = text.charCodeAt(0);
  for (let at = bytes.indexOf(first, from); at >= 0;) {
    if (latin1.decode(bytes.subarray(at, at + text.length)) === text) return at;
    at = bytes.indexOf(first, at + 1);
  }
  return -1;
}
