/**
 * Reading the target of a request: which host and path it is for, in the one form
 * in which they are compared with routes and passed on.
 *
 * @module
 */

import type { RequestHead } from "../../http/codec/message.ts";

const PERCENT = 0x25, DOT = 0x2e, SLASH = 0x2f, QUESTION = 0x3f;
const BACKSLASH = 0x5c;

/** RFC 3986 §2.3. */
const UNRESERVED = /[\w.~-]/;

/** The absolute-form up to the path, RFC 9112 §3.2.2; no user information. */
const ABSOLUTE =
  /^https?:\/\/((?:\[[0-9A-Za-z:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::[0-9]*)?)(?=[/?]|$)/i;

/** Where a request goes. */
export interface RequestTarget {
  /**
   * Host and port as the client wrote them: of the target in absolute-form, else
   * of the `Host` field; `""` if there is none.
   */
  readonly host: string;
  /** The path, normalised; or `"*"`. */
  readonly path: string;
  /** The query with its question mark, as it was sent; `""` if there is none. */
  readonly query: string;
  /** Path and query: the origin-form, RFC 9112 §3.2.1. */
  readonly target: string;
  /**
   * Whether the target was in absolute-form. `Host` must be replaced with
   * {@linkcode RequestTarget.host} then, RFC 9112 §3.2.2.
   */
  readonly absolute: boolean;
}

/**
 * Reads the target of a request.
 *
 * The path comes out as {@linkcode normalizePath} makes it. The query stays as it
 * is.
 *
 * @param head The request; what the HTTP codec has checked already is not checked
 * again.
 * @returns Where it goes. `undefined` if it must be answered with 400: a path that
 * cannot be normalised, an absolute-form of another scheme than http and https, or
 * a CONNECT request, which is for no path.
 */
export function readTarget(
  head: Pick<RequestHead, "method" | "target" | "fields">,
): RequestTarget | undefined {
  const { target } = head;
  if (target.charCodeAt(0) === SLASH) {
    return originForm(target, head.fields.get("host") ?? "", false);
  }
  if (target === "*") return asterisk(head.fields.get("host") ?? "", false);
  const match = ABSOLUTE.exec(target);
  if (match === null) return undefined;
  const host = match[1]!;
  const rest = target.slice(match[0].length);
  // RFC 9112 §3.2.4: this is how clients ask a proxy for OPTIONS of a server.
  if (rest === "" && head.method === "OPTIONS") return asterisk(host, true);
  const origin = rest.charCodeAt(0) === SLASH ? rest : "/" + rest;
  return originForm(origin, host, true);
}

/**
 * Normalises a path, so that all ways to write it lead to the same route, and no
 * other way reaches the backend: percent-encoded unreserved characters are decoded
 * (RFC 3986 §6.2.2.2), then dot segments are removed (§5.2.4). All else stays as it
 * is: `%2F` and `%5C` are data, and slashes are not merged.
 *
 * Refused is what servers do not agree on. `..` above the root: nginx refuses it,
 * Envoy stops at the root. `%00`: nginx and Envoy refuse it. `%` without two
 * hexadecimal digits: nginx refuses it. A backslash, which no URI may have: it is a
 * slash for Envoy and for servers on Windows, and none for others.
 *
 * @param path Begins with a slash; has no query.
 * @returns The path, or `undefined` if it is refused.
 */
export function normalizePath(path: string): string | undefined {
  if (path.includes("\\")) return undefined;
  const decoded = path.includes("%") ? decodeUnreserved(path) : path;
  return decoded?.includes("/.") ? removeDotSegments(decoded) : decoded;
}

function asterisk(host: string, absolute: boolean): RequestTarget {
  return { host, path: "*", query: "", target: "*", absolute };
}

function originForm(
  target: string,
  host: string,
  absolute: boolean,
): RequestTarget | undefined {
  const { length } = target;
  let plain = true;
  let end = 0;
  for (; end < length; end++) {
    const code = target.charCodeAt(end);
    if (code === QUESTION) break;
    if (
      code === PERCENT || code === BACKSLASH ||
      code === DOT && target.charCodeAt(end - 1) === SLASH
    ) plain = false;
  }
  if (end === length && plain) {
    return { host, path: target, query: "", target, absolute };
  }
  const sent = target.slice(0, end);
  const path = plain ? sent : normalizePath(sent);
  if (path === undefined) return undefined;
  const query = target.slice(end);
  return {
    host,
    path,
    query,
    target: path === sent ? target : path + query,
    absolute,
  };
}

/** Decodes what need not be encoded; `undefined` if an encoding is refused. */
function decodeUnreserved(path: string): string | undefined {
  let decoded = "";
  let copied = 0;
  let at = path.indexOf("%");
  while (at !== -1) {
    const high = hexValue(path.charCodeAt(at + 1));
    const low = hexValue(path.charCodeAt(at + 2));
    const code = high * 16 + low;
    if (high < 0 || low < 0 || code === 0) return undefined;
    const character = String.fromCharCode(code);
    if (UNRESERVED.test(character)) {
      decoded += path.slice(copied, at) + character;
      copied = at + 3;
    }
    at = path.indexOf("%", at + 3);
  }
  return copied === 0 ? path : decoded + path.slice(copied);
}

/** The value of a hexadecimal digit, or -1; also past the end, where it is NaN. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** RFC 3986 §5.2.4, but for `undefined` where that would ignore a `..`. */
function removeDotSegments(path: string): string | undefined {
  const segments = path.split("/");
  const kept: string[] = [];
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const dots = segment === "..";
    if (dots && kept.pop() === undefined) return undefined;
    if (!dots && segment !== ".") kept.push(segment);
    // What a dot segment ends with is a directory.
    else if (i === segments.length - 1) kept.push("");
  }
  return "/" + kept.join("/");
}
