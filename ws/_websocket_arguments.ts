/**
 * What the drop-in class makes of its arguments, as Web IDL and the WebSockets
 * standard have it.
 *
 * @module
 */

import { MAX_REASON } from "./codec/close_frame.ts";
import { utf8Length } from "./codec/utf8.ts";
import { isToken } from "./handshake/token.ts";
import { readWsUrl, withoutLogin } from "./_ws_url.ts";

/** What `send` was given. */
export interface Outgoing {
  /** The message; a `Blob` still has to be read, bytes are the caller's. */
  readonly data: string | Uint8Array | Blob;
  /** The bytes of its payload. */
  readonly size: number;
}

/** A valid close frame, or that it is to have no body. */
export interface CloseArguments {
  /** Left out: no body. */
  readonly code?: number;
  /** Not there without a code. */
  readonly reason?: string;
}

/**
 * Parses the URL of a WebSocket; `http:` and `https:` stand for `ws:` and `wss:`.
 *
 * @throws {DOMException} `"SyntaxError"` if it is invalid, relative, of another
 * scheme, or has a fragment.
 */
export function parseUrl(url: string | URL): URL {
  const text = toText(url);
  const parsed = readWsUrl(text);
  if (typeof parsed !== "string") return parsed;
  throw invalid("URL", withoutLogin(text), parsed);
}

/**
 * Checks the names of subprotocols.
 *
 * @throws {DOMException} `"SyntaxError"` if one is no token of RFC 9110 §5.6.2,
 * or if two are the same but for upper and lower case.
 */
export function parseProtocols(protocols: string | Iterable<string>): string[] {
  const names = typeof protocols === "string"
    ? [protocols]
    : Array.from(protocols, (name) => `${name}`);
  const seen = new Set<string>();
  for (const name of names) {
    if (!isToken(name)) throw invalid("subprotocol", name, "a token");
    const key = name.toLowerCase();
    if (seen.has(key)) throw invalid("subprotocol", name, "each of them once");
    seen.add(key);
  }
  return names;
}

/**
 * Checks what `close` was called with.
 *
 * @throws {DOMException} `"InvalidAccessError"` for a code other than 1000 and
 * 3000 to 4999, `"SyntaxError"` for a reason of more than 123 bytes.
 */
export function parseClose(
  code: number | undefined,
  reason: string | undefined,
): CloseArguments {
  const text = reason === undefined ? "" : toText(reason);
  const clamped = code === undefined ? undefined : clampShort(code);
  if (
    clamped !== undefined && clamped !== 1000 &&
    (clamped < 3000 || clamped > 4999)
  ) {
    throw new DOMException(
      `Cannot close with code "${clamped}": expected 1000, or 3000 to 4999`,
      "InvalidAccessError",
    );
  }
  if (utf8Length(text) > MAX_REASON) {
    throw new DOMException(
      `Cannot close with a reason of ${utf8Length(text)} bytes: expected at ` +
        `most ${MAX_REASON}`,
      "SyntaxError",
    );
  }
  if (text !== "") return { code: clamped ?? 1000, reason: text };
  return clamped === undefined ? {} : { code: clamped };
}

/**
 * Takes the argument of `send`. What is neither bytes nor a `Blob` is text.
 *
 * @throws {TypeError} If it is shared memory, or cannot become text.
 */
export function parseOutgoing(data: unknown): Outgoing {
  if (data instanceof Blob) return { data, size: data.size };
  if (data instanceof ArrayBuffer) {
    return { data: new Uint8Array(data), size: data.byteLength };
  }
  if (data instanceof SharedArrayBuffer) throw sharedMemory();
  if (ArrayBuffer.isView(data)) {
    const { buffer, byteOffset, byteLength } = data;
    if (buffer instanceof SharedArrayBuffer) throw sharedMemory();
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return { data: bytes, size: byteLength };
  }
  const text = toText(data);
  return { data: text, size: utf8Length(text) };
}

/** What a binary message is given to the program as. */
export function toBinary(
  bytes: Uint8Array,
  type: BinaryType,
): Blob | ArrayBuffer {
  const exact = bytes as Uint8Array<ArrayBuffer>;
  if (type === "blob") return new Blob([exact]);
  const { buffer, byteLength } = exact;
  return buffer.byteLength === byteLength ? buffer : exact.slice().buffer;
}

// Not `String(value)`, which takes a symbol. Unpaired surrogates become U+FFFD
// where text becomes bytes.
function toText(value: unknown): string {
  return `${value as string}`;
}

/** Web IDL's `[Clamp] unsigned short`; halves go to the even neighbour. */
function clampShort(value: unknown): number {
  const number = +(value as number);
  if (Number.isNaN(number)) return 0;
  const clamped = Math.min(Math.max(number, 0), 65535);
  const floor = Math.floor(clamped);
  if (clamped - floor !== 0.5) return Math.round(clamped);
  return floor % 2 === 0 ? floor : floor + 1;
}

function sharedMemory(): TypeError {
  return new TypeError("Cannot send shared memory: expected a copy of it");
}

function invalid(what: string, value: string, expected: string): DOMException {
  return new DOMException(
    `Cannot open a WebSocket with ${what} "${value}": expected ${expected}`,
    "SyntaxError",
  );
}
