/**
 * Making a head of what the scanner found.
 *
 * @module
 */

import { Refusal } from "./refusals.ts";
import { fieldsOfHead } from "./fields.ts";
import {
  CHUNKED,
  connectionOptions,
  isTunnel,
  persists,
  requestLength,
  responseLength,
  UNTIL_CLOSE,
} from "./framing.ts";
import type { HeadScanner } from "./head.ts";
import type { RequestHead, ResponseHead } from "./message.ts";

/** Constants for the usual methods: a slice would be a new string each time. */
function methodOf(text: string, end: number): string {
  switch (text.charCodeAt(0)) {
    case 0x47: // G
      if (end === 3 && text.startsWith("GET ")) return "GET";
      break;
    case 0x50: // P
      if (end === 4 && text.startsWith("POST ")) return "POST";
      if (end === 3 && text.startsWith("PUT ")) return "PUT";
      break;
    case 0x48: // H
      if (end === 4 && text.startsWith("HEAD ")) return "HEAD";
      break;
  }
  return text.slice(0, end);
}

/** Checks `host ":" port`, RFC 9112 §3.2.3. */
function isAuthority(target: string): boolean {
  return /^(\[[0-9A-Za-z:.]+\]|[^\]\[:/?@\\]+):[0-9]{1,5}$/.test(target);
}

/** Checks `scheme "://" authority ...` without user information, §3.2.2. */
function isAbsolute(target: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?@\\]+([/?]|$)/.test(target);
}

function checkTargetForm(method: string, target: string): void {
  if (method === "CONNECT") {
    if (!isAuthority(target)) throw new Refusal("bad_target");
  } else if (target === "*") {
    if (method !== "OPTIONS") throw new Refusal("bad_target");
  } else if (!isAbsolute(target)) {
    throw new Refusal("bad_target");
  }
}

/** Whether a target that can be sent has the form that its method asks for. */
export function isTarget(method: string, target: string): boolean {
  if (!/^[!$-;=?-~]+$/.test(target)) return false;
  if (method === "CONNECT") return isAuthority(target);
  if (target === "*") return method === "OPTIONS";
  return target.startsWith("/") || isAbsolute(target);
}

/** Whether the client waits for 100; any other expectation cannot be met. */
function expectsContinue(value: string, length: number): boolean {
  if (value.toLowerCase() !== "100-continue") {
    throw new Refusal("expectation_failed");
  }
  return length !== 0;
}

/**
 * Makes a request's head.
 *
 * @param text The decoded head.
 */
export function readRequestHead(scan: HeadScanner, text: string): RequestHead {
  const method = methodOf(text, scan.start.methodEnd);
  const target = text.slice(scan.start.wordAt, scan.start.wordEnd);
  if (method === "CONNECT" || target.charCodeAt(0) !== 0x2f) {
    checkTargetForm(method, target);
  }
  const { old } = scan.start;
  if (scan.hosts !== 1) {
    if (scan.hosts > 1) throw new Refusal("repeated_host");
    if (!old) throw new Refusal("missing_host");
  }
  const fields = fieldsOfHead(text, scan.fieldsAt, scan.wide);
  const length = requestLength(scan, fields);
  if (length !== 0 && method === "CONNECT") {
    throw new Refusal("connect_with_body");
  }
  const options = connectionOptions(scan, text, fields);
  return {
    method,
    target,
    version: old ? "1.0" : "1.1",
    fields,
    contentLength: length === CHUNKED ? undefined : length,
    keepAlive: persists(old, options),
    expectContinue: scan.expect && !old &&
      expectsContinue(fields.get("expect")!, length),
    upgrade: scan.upgrade && options.upgrade && !old
      ? fields.get("upgrade")
      : undefined,
  };
}

/**
 * Makes a response's head.
 *
 * @param text The decoded head.
 * @param method The method of the request that it answers.
 */
export function readResponseHead(
  scan: HeadScanner,
  text: string,
  method: string,
): ResponseHead {
  const { old, status } = scan.start;
  const fields = fieldsOfHead(text, scan.fieldsAt, scan.wide);
  const length = responseLength(scan, fields, method);
  const options = connectionOptions(scan, text, fields);
  return {
    status,
    reason: text.slice(scan.start.wordAt, scan.start.wordEnd),
    version: old ? "1.0" : "1.1",
    fields,
    contentLength: length < 0 ? undefined : length,
    keepAlive: length !== UNTIL_CLOSE &&
      (isTunnel(method, status) || persists(old, options)),
  };
}
