/**
 * Writing a message's body in pieces.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { wireFields } from "./wire_fields.ts";
import {
  byteLength,
  encodeLatin1,
  isAscii,
  type Out,
  settle,
  writeChunk,
} from "./encode.ts";
import { eachField, type FieldsInit } from "./fields.ts";

/**
 * How the body in progress is framed:
 *
 * | mode | the body |
 * | --- | --- |
 * | `idle` | there is none in progress |
 * | `length` | has a `Content-Length` that must come true |
 * | `chunked` | goes out in chunks |
 * | `close` | ends with the connection |
 * | `none` | is not sent, whatever the program says: HEAD, 204, 304 |
 */
export type BodyMode = "idle" | "length" | "chunked" | "close" | "none";

/** Fields that must not be in a trailer section, RFC 9110 §6.5.1. */
const NO_TRAILERS = new Set([
  "age",
  "authorization",
  "cache-control",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "expires",
  "host",
  "keep-alive",
  "location",
  "max-forwards",
  "pragma",
  "proxy-authenticate",
  "proxy-authorization",
  "range",
  "retry-after",
  "set-cookie",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "vary",
  "warning",
  "www-authenticate",
]);

/**
 * Whether a field may be in a trailer section.
 *
 * @param name In any case.
 */
export function isTrailer(name: string): boolean {
  return !NO_TRAILERS.has(name.toLowerCase());
}

/** Makes an error of the program's. */
export function misuse(code: string, message: string): ConnError {
  return new ConnError(message, { code, side: "local" });
}

/** Checks trailers and makes them ready to send. */
function wireTrailers(trailers: FieldsInit | undefined): string {
  if (trailers === undefined) return "";
  eachField(trailers, (name) => {
    if (isTrailer(name)) return;
    throw misuse(
      "forbidden_trailer",
      `Cannot send "${name}" as a trailer: it belongs into the header section`,
    );
  });
  return wireFields(trailers).text;
}

/** Writes one body after the other. */
export class BodyWriter {
  /** How the body in progress is framed. */
  mode: BodyMode = "idle";
  #left = 0;

  /** Begins a body. */
  begin(mode: BodyMode, length: number): void {
    this.mode = mode;
    this.#left = length;
  }

  /** Writes a piece of it. */
  write(data: string | Uint8Array, out: Out): void {
    switch (this.mode) {
      case "idle":
        throw misuse(
          "no_message",
          'Cannot send "body": no message is in progress',
        );
      case "length":
        return this.#writeCounted(data, out);
      case "chunked":
        return writeChunk(data, out);
      case "close":
        if (data.length > 0) out.write(data);
        return;
      case "none":
    }
  }

  #writeCounted(data: string | Uint8Array, out: Out): void {
    const piece = settle(data);
    const length = byteLength(piece);
    if (length > this.#left) {
      throw misuse(
        "body_too_long",
        `Cannot send ${length} bytes of the body: "Content-Length" leaves ${this.#left}`,
      );
    }
    this.#left -= length;
    if (length > 0) out.write(piece);
  }

  /** Ends it. */
  end(trailers: FieldsInit | undefined, out: Out): void {
    const { mode } = this;
    if (mode === "idle") {
      throw misuse(
        "no_message",
        'Cannot send "end": no message is in progress',
      );
    }
    if (mode === "length" && this.#left > 0) {
      throw misuse(
        "body_too_short",
        `Cannot end the body: "Content-Length" leaves ${this.#left} bytes`,
      );
    }
    const text = wireTrailers(trailers);
    if (mode === "chunked") {
      const last = "0\r\n" + text + "\r\n";
      out.write(isAscii(text) ? last : encodeLatin1(last));
    }
    this.mode = "idle";
  }
}
