/**
 * Where a message's body ends, RFC 9112 §6.3, and whether the connection goes on
 * after it, §9.3.
 *
 * @module
 */

import { Refusal } from "./refusals.ts";
import { listMembers } from "./wire_fields.ts";
import type { Fields } from "./fields.ts";
import type { HeadScanner } from "./head.ts";

/** The length of a chunked body: it says itself where it ends. */
export const CHUNKED = -1;
/** The length of a body that ends with the connection. */
export const UNTIL_CLOSE = -2;

/** What `Connection` says. */
export interface ConnectionOptions {
  /** Whether it lists `close`. */
  readonly close: boolean;
  /** Whether it lists `keep-alive`. */
  readonly keepAlive: boolean;
  /** Whether it lists `upgrade`. */
  readonly upgrade: boolean;
}

const NOTHING: ConnectionOptions = {
  close: false,
  keepAlive: false,
  upgrade: false,
};
const KEEP_ALIVE: ConnectionOptions = { ...NOTHING, keepAlive: true };
const CLOSE: ConnectionOptions = { ...NOTHING, close: true };

/** Reads `Connection`, RFC 9110 §7.6.1. */
export function connectionOptions(
  scan: HeadScanner,
  text: string,
  fields: Fields,
): ConnectionOptions {
  if (scan.connections === 0) return NOTHING;
  let value: string;
  if (scan.connections === 1) {
    value = text.slice(scan.connectionAt, scan.connectionEnd);
    if (value === "keep-alive") return KEEP_ALIVE;
    if (value === "close") return CLOSE;
  } else {
    value = fields.get("connection") ?? "";
  }
  const members = listMembers(value);
  return {
    close: members.includes("close"),
    keepAlive: members.includes("keep-alive"),
    upgrade: members.includes("upgrade"),
  };
}

/** Whether a connection persists after the message, RFC 9112 §9.3. */
export function persists(old: boolean, options: ConnectionOptions): boolean {
  return !options.close && (!old || options.keepAlive);
}

/**
 * Checks the `Transfer-Encoding` of a message that has one. Nothing but one
 * `chunked` can be decoded; a list that does not even end in one has no end that
 * both sides agree on, RFC 9112 §6.1.
 */
function checkTransferEncoding(scan: HeadScanner, fields: Fields): void {
  if (scan.start.old) throw new Refusal("old_transfer_encoding");
  if (scan.contentLength !== -1) throw new Refusal("conflicting_length");
  const value = fields.get("transfer-encoding") ?? "";
  if (value.toLowerCase() === "chunked") return;
  const codings = listMembers(value);
  const wellFormed = codings.every((coding) => coding !== "") &&
    codings.indexOf("chunked") === codings.length - 1 &&
    !codings.includes("identity");
  throw new Refusal(
    wellFormed ? "unknown_transfer_encoding" : "bad_transfer_encoding",
  );
}

/**
 * How long the body of a request is.
 *
 * @returns The length in bytes, or {@linkcode CHUNKED}.
 */
export function requestLength(scan: HeadScanner, fields: Fields): number {
  if (scan.transferEncodings === 0) return Math.max(0, scan.contentLength);
  checkTransferEncoding(scan, fields);
  return CHUNKED;
}

/** Whether a response of that status to that method has no body, ever. */
export function isBodiless(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 304 ||
    status < 200 || isTunnel(method, status);
}

/** Whether what follows the response is not HTTP. */
export function isTunnel(method: string, status: number): boolean {
  return status === 101 ||
    (method === "CONNECT" && status >= 200 && status < 300);
}

/**
 * How long the body of a response is.
 *
 * @param method The method of the request.
 * @returns The length in bytes, {@linkcode CHUNKED} or {@linkcode UNTIL_CLOSE}.
 */
export function responseLength(
  scan: HeadScanner,
  fields: Fields,
  method: string,
): number {
  const { status } = scan.start;
  // RFC 9112 §6.3: both fields are to be ignored here.
  if (isTunnel(method, status)) return 0;
  if (scan.transferEncodings > 0) {
    checkTransferEncoding(scan, fields);
    return isBodiless(method, status) ? 0 : CHUNKED;
  }
  if (isBodiless(method, status)) return 0;
  return scan.contentLength === -1 ? UNTIL_CLOSE : scan.contentLength;
}
