/**
 * The payload of a close frame, RFC 6455 §5.5.1 and §7.4.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { protocolError } from "./failure.ts";
import { decodeText } from "./utf8.ts";

/** The longest reason, in bytes. */
export const MAX_REASON = 123;

/** A close frame had no code, RFC 6455 §7.4.1. Never sent. */
export const NO_STATUS = 1005;
/** The connection ended without a close frame. Never sent. */
export const ABNORMAL = 1006;

const encoder = new TextEncoder();

/** What a close frame says. */
export interface CloseStatus {
  /** The code; {@linkcode NO_STATUS} if the frame is empty. */
  readonly code: number;
  /** The reason, empty if there is none. */
  readonly reason: string;
}

/**
 * Whether a close frame may carry the code: those that RFC 6455 §7.4.1 and IANA's
 * registry define (1000 to 1003, 1007 to 1014), those of libraries (3000 to 3999)
 * and those of programs (4000 to 4999).
 */
export function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}

/**
 * Reads the payload of a close frame.
 *
 * @throws {ConnError} With reply 1002, or 1007 if the reason is not UTF-8.
 */
export function readClose(payload: Uint8Array): CloseStatus {
  if (payload.length === 0) return { code: NO_STATUS, reason: "" };
  if (payload.length === 1) {
    throw protocolError("close_invalid", "half a close code");
  }
  const code = payload[0]! << 8 | payload[1]!;
  if (!isCloseCode(code)) {
    throw protocolError("close_invalid", `close code ${code} is not allowed`);
  }
  return { code, reason: decodeText(payload.subarray(2)) };
}

/**
 * Makes the payload of a close frame.
 *
 * @param code The code; left out, the payload is empty.
 * @param reason At most 123 bytes of UTF-8.
 * @throws {ConnError} With code `"close_invalid"`.
 */
export function writeClose(
  code: number | undefined,
  reason = "",
): Uint8Array {
  if (code === undefined && reason === "") return new Uint8Array(0);
  if (code === undefined || !isCloseCode(code)) {
    throw invalid(
      `the code is ${
        code ?? "missing"
      }, expected 1000 to 1003, 1007 to 1014 or 3000 to 4999`,
    );
  }
  const text = encoder.encode(reason);
  if (text.length > MAX_REASON) {
    throw invalid(`the reason is over ${MAX_REASON} bytes`);
  }
  const payload = new Uint8Array(2 + text.length);
  payload[0] = code >> 8;
  payload[1] = code & 0xff;
  payload.set(text, 2);
  return payload;
}

/** As much of a text as a reason may hold, cut between characters. */
export function fitReason(text: string): string {
  if (text.length * 3 <= MAX_REASON) return text;
  const { read } = encoder.encodeInto(text, new Uint8Array(MAX_REASON));
  return text.slice(0, read);
}

function invalid(why: string): ConnError {
  return new ConnError(`Cannot close: ${why}`, {
    code: "close_invalid",
    side: "local",
  });
}
