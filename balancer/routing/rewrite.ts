/**
 * Exchanging a route's prefix for its replacement on the way to a backend, and
 * taking that back where a response refers to the backend's paths and names.
 *
 * @module
 */

import { hostName } from "./_host.ts";
import { baseOf, covers } from "./_prefix.ts";

const SLASH = 0x2f;

/** Scheme and authority of a reference; the scheme may be missing. */
const AUTHORITY = /^(?:(https?):)?\/\/([^/?#]*)/i;

/** What a cookie's domain can be set to. */
const DOMAIN = /^(?:[\w.-]+|\[[\da-f:.]+\])$/;

/** Names under which the two sides of a request know the balancer's backend. */
export interface RewriteContext {
  /** The backend's own host and port. */
  readonly backendAuthority: string;
  /**
   * Whether the backend is spoken to by TLS.
   *
   * @default {false}
   */
  readonly backendSecure?: boolean;
  /**
   * The `Host` that the backend was told.
   *
   * @default {clientAuthority} It was kept.
   */
  readonly sentHost?: string;
  /** Host and port that the client asked for; `""` if it named none. */
  readonly clientAuthority: string;
  /** Whether the client speaks TLS. */
  readonly secure: boolean;
}

/**
 * Exchanges the prefix of a path.
 *
 * Between the replacement and what follows it there is always one slash, whether
 * the two end in slashes or not. What follows stays as it is.
 *
 * @param path The path of the request, which is at or below the prefix; `"*"`
 * stays.
 * @param prefix The route's prefix.
 * @param replacement What takes its place: begins with a slash, or is empty.
 */
export function rewritePath(
  path: string,
  prefix: string,
  replacement: string,
): string {
  if (path === "*") return path;
  return baseOf(replacement) + path.slice(baseOf(prefix).length) || "/";
}

/**
 * Makes what responses of a route's backends refer to valid for clients.
 *
 * References are rewritten if they name no host, or the backend's, or the one that
 * the backend was told. Their authority becomes the client's. So does their
 * scheme, if it is the one by which the backend was asked: a backend that sends
 * its clients from http to https, or back, means it. If the path is at or below
 * the replacement, the prefix takes its place; if not, the path stays.
 */
export class ResponseRewrite {
  readonly #prefix: string;
  /** The prefix as what follows it is added to it. */
  readonly #outer: string;
  /** The replacement likewise; `undefined` if paths do not change. */
  readonly #inner: string | undefined;

  /**
   * Creates a rewrite.
   *
   * @param route The prefix, and what takes its place; `undefined` if paths do not
   * change.
   */
  constructor(
    route: {
      readonly prefix: string;
      readonly replacement: string | undefined;
    },
  ) {
    const { prefix, replacement } = route;
    this.#prefix = prefix;
    this.#outer = baseOf(prefix);
    const inner = replacement === undefined ? this.#outer : baseOf(replacement);
    this.#inner = inner === this.#outer ? undefined : inner;
  }

  /**
   * Rewrites the value of a `Location` or `Content-Location` field, RFC 9110
   * §10.2.2 and §8.7.
   *
   * @param value The value that the backend sent.
   * @param context Who it was sent by and to.
   * @returns The value for the client: the same if it refers to another host, or is
   * relative to the path of the request.
   */
  location(value: string, context: RewriteContext): string {
    if (value.charCodeAt(0) === SLASH && value.charCodeAt(1) !== SLASH) {
      return this.#inner === undefined ? value : this.#reference("", value);
    }
    const match = AUTHORITY.exec(value);
    if (match === null) return value;
    const { backendSecure = false, clientAuthority, secure } = context;
    const asked = backendSecure ? "https" : "http";
    const scheme = match[1]?.toLowerCase();
    if (!isBackend(match[2]!, scheme ?? asked, context)) return value;
    const rest = value.slice(match[0].length);
    if (clientAuthority === "") return this.#reference("", rest);
    const authority = "//" + clientAuthority;
    if (scheme === undefined) return this.#reference(authority, rest);
    const outer = scheme !== asked ? scheme : secure ? "https" : "http";
    return this.#reference(`${outer}:${authority}`, rest);
  }

  /**
   * Rewrites the `Path` and `Domain` of a `Set-Cookie` field, RFC 6265 §4.1. A
   * `__Host-` cookie stays as it is: it is for the path `/` of one host, or it is
   * refused.
   *
   * @param value The value that the backend sent.
   * @param context Who it was sent by and to.
   * @returns The value for the client; what is not rewritten is the same to the
   * byte.
   */
  setCookie(value: string, context: RewriteContext): string {
    if (/^\s*__Host-/i.test(value)) return value;
    let result = "";
    let copied = 0;
    let start = value.indexOf(";") + 1;
    while (start !== 0) {
      const next = value.indexOf(";", start);
      const end = next === -1 ? value.length : next;
      const text = value.slice(start, end);
      const equals = text.indexOf("=") + 1;
      const old = text.slice(equals).trim();
      const fresh = this.#attribute(text.slice(0, equals), old, context);
      if (fresh !== old) {
        const from = start + text.trimEnd().length - old.length;
        result += value.slice(copied, from) + fresh;
        copied = from + old.length;
      }
      start = next + 1;
    }
    return result + value.slice(copied);
  }

  /** The value of a cookie's attribute for the client. */
  #attribute(name: string, value: string, context: RewriteContext): string {
    switch (name.slice(0, -1).trim().toLowerCase()) {
      case "path":
        return this.#cookiePath(value);
      case "domain":
        return cookieDomain(value, context);
      default:
        return value;
    }
  }

  /** Puts an origin in front of the rest of a reference, and rewrites its path. */
  #reference(origin: string, rest: string): string {
    const mark = rest.search(/[?#]/);
    const end = mark === -1 ? rest.length : mark;
    const path = this.#outerPath(rest.slice(0, end) || "/");
    // Without an origin the path's second slash would make it name a host, and a
    // backslash is a slash to browsers. RFC 3986 §4.2.
    const dot = origin === "" && /^\/[/\\]/.test(path) ? "/." : "";
    return origin + dot + path + rest.slice(end);
  }

  /** The client's path for a backend's path. */
  #outerPath(path: string): string {
    const inner = this.#inner;
    if (inner === undefined || !covers(inner, path)) return path;
    const below = path.slice(inner.length);
    // "/old/" does not cover "/old".
    return below === "" ? this.#prefix : this.#outer + below;
  }

  #cookiePath(path: string): string {
    if (!path.startsWith("/")) return path;
    // A cookie for "/old/" would not be sent with requests for "/old".
    return path === "/" && this.#inner === ""
      ? this.#prefix
      : this.#outerPath(path);
  }
}

/** Whether an authority is the backend's, or the one that the backend was told. */
function isBackend(
  authority: string,
  scheme: string,
  context: RewriteContext,
): boolean {
  const { backendAuthority, clientAuthority } = context;
  const { sentHost = clientAuthority } = context;
  const wanted = withoutUsualPort(authority, scheme);
  return wanted !== "" &&
    (wanted === withoutUsualPort(backendAuthority, scheme) ||
      wanted === withoutUsualPort(sentHost, scheme));
}

/** An authority as it is compared, RFC 3986 §6.2.3. */
function withoutUsualPort(authority: string, scheme: string): string {
  const port = scheme === "https" ? /:(?:443)?$/ : /:(?:80)?$/;
  return authority.toLowerCase().replace(port, "");
}

function cookieDomain(domain: string, context: RewriteContext): string {
  const { backendAuthority, clientAuthority } = context;
  const { sentHost = clientAuthority } = context;
  // RFC 6265 §5.2.3: a dot in front says nothing.
  const name = hostName(domain.replace(/^\./, ""));
  const fresh = hostName(clientAuthority);
  const known = name !== "" &&
    (name === hostName(backendAuthority) || name === hostName(sentHost));
  return known && name !== fresh && DOMAIN.test(fresh) ? fresh : domain;
}
