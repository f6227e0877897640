/**
 * Every way in which a peer fails, with its close code, RFC 6455 §7.4.1.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";

/** A rule of the protocol was broken: 1002. */
export function protocolError(code: string, what: string): ConnError {
  return remote(`Cannot read the frame: ${what}`, code, 1002);
}

/** A text message, or a close reason, is not UTF-8: 1007. */
export function invalidUtf8(): ConnError {
  return remote("Cannot read the text: it is not UTF-8", "utf8_invalid", 1007);
}

/** Something is over its limit: 1009. */
export function tooLarge(what: "frame" | "message", limit: number): ConnError {
  return remote(
    `Cannot take the ${what}: it is over ${limit} bytes`,
    `${what}_too_large`,
    1009,
  );
}

/** A policy is violated: 1008. */
export function overLimit(code: string, what: string): ConnError {
  return remote(`Cannot take the message: ${what}`, code, 1008);
}

function remote(message: string, code: string, reply: number): ConnError {
  return new ConnError(message, { code, side: "remote", reply });
}
