/**
 * Where a redirect leads, and what may travel along: a pure policy.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";

/**
 * What to do with a redirect: `"follow"` it, hand the 3xx reply to the caller
 * (`"manual"`), or fail (`"error"`).
 */
export type RedirectMode = "follow" | "manual" | "error";

/** The request that got a redirect as its answer. */
export interface RedirectedRequest {
  /** Its method. */
  method: string;
  /** Its absolute URL. */
  url: string;
}

/** The request that a redirect asks for. */
export interface RedirectStep {
  /** Where to go, absolute, with no user information in it. */
  url: string;
  /** The method to go with. */
  method: string;
  /** Whether the body travels along; if not, the fields about it stay behind. */
  keepBody: boolean;
  /** Whether the new URL has another origin: credentials stay behind. */
  crossOrigin: boolean;
}

/** Fields that only the origin they were made for may see. */
const CREDENTIAL_FIELDS: readonly string[] = [
  "authorization",
  "cookie",
  "proxy-authorization",
  // Names the old origin, so the new one would serve the wrong site.
  "host",
];

/** Fields that describe a body which is no longer there. */
const BODY_FIELDS: readonly string[] = [
  "content-type",
  "content-length",
  "content-encoding",
  "content-language",
  "content-location",
  "content-digest",
  "repr-digest",
  "digest",
  "transfer-encoding",
  "trailer",
  "expect",
];

/**
 * Tells whether a status asks the client to go elsewhere (RFC 9110 §15.4): 301,
 * 302, 303, 307 and 308 do, the other 3xx do not.
 *
 * @param status The status code of a reply.
 * @returns Whether it is a redirect, if a `Location` field comes with it.
 */
export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 ||
    status === 307 || status === 308;
}

/**
 * Works out the request that a redirect asks for.
 *
 * 303 turns everything but HEAD into GET; 301 and 302 turn POST into GET, as
 * every browser does; 307 and 308 keep method and body (RFC 9110 §15.4). A
 * fragment is inherited if the location has none (RFC 9110 §10.2.2). User
 * information in the location is dropped.
 *
 * What was requested as `ws:` or `wss:` stays that: the location may name it as
 * `http:` or `https:` too, which mean the same endpoints (RFC 6455 §3).
 *
 * @param request The request that was redirected.
 * @param reply The status and the `Location` field of the reply.
 * @returns What to request next.
 * @throws {ConnError} With code `"redirect_invalid"` if the location is no URL, or
 * is not one of `http:` or `https:`; with code `"redirect_insecure"` if it leads
 * from `wss:` out of TLS.
 */
export function redirectStep(
  request: RedirectedRequest,
  reply: { status: number; location: string },
): RedirectStep {
  const from = new URL(request.url);
  const to = destination(request.url, from.protocol, reply.location);
  to.username = "";
  to.password = "";
  if (to.hash === "") to.hash = from.hash;
  const method = nextMethod(reply.status, request.method);
  return {
    url: to.href,
    method,
    keepBody: method === request.method,
    crossOrigin: to.origin !== from.origin,
  };
}

/**
 * Names the fields that must not travel along with a redirect, in lower case.
 *
 * Those about the body go if the body does; `Authorization`, `Cookie`,
 * `Proxy-Authorization` and `Host` never reach another origin.
 *
 * @param step The redirect.
 * @returns The names to delete.
 */
export function fieldsLeftBehind(step: RedirectStep): string[] {
  const names: string[] = [];
  if (!step.keepBody) names.push(...BODY_FIELDS);
  if (step.crossOrigin) names.push(...CREDENTIAL_FIELDS);
  return names;
}

/**
 * The hops of one request, so that it can end neither in a circle nor in a chain
 * without end.
 */
export class RedirectTrail {
  readonly #seen: Set<string>;
  readonly #maximum: number;
  /** The URLs of the replies that redirected, in order. */
  readonly urls: string[] = [];
  #last: string;

  /**
   * Starts a trail.
   *
   * @param first The request as the program made it.
   * @param maximum How many redirects to follow.
   */
  constructor(first: RedirectedRequest, maximum: number) {
    this.#maximum = maximum;
    this.#last = first.url;
    this.#seen = new Set([hopKey(first)]);
  }

  /**
   * Adds the next request.
   *
   * @param next Where the redirect leads.
   * @throws {ConnError} With code `"too_many_redirects"`, or with
   * `"redirect_loop"` if the same was requested before.
   */
  add(next: RedirectedRequest): void {
    if (this.urls.length >= this.#maximum) {
      throw new ConnError(
        `Cannot follow the redirect to "${next.url}": expected at most ${this.#maximum} redirects`,
        { code: "too_many_redirects", side: "remote" },
      );
    }
    const key = hopKey(next);
    if (this.#seen.has(key)) {
      throw new ConnError(
        `Cannot follow the redirect to "${next.url}": it was requested before`,
        { code: "redirect_loop", side: "remote" },
      );
    }
    this.#seen.add(key);
    this.urls.push(this.#last);
    this.#last = next.url;
  }
}

/** Where the location leads, in the kind of scheme that the request had. */
function destination(base: string, scheme: string, location: string): URL {
  const webSocket = scheme === "ws:" || scheme === "wss:";
  const to = URL.parse(location, base);
  if (webSocket && to?.protocol === "http:") to.protocol = "ws:";
  else if (webSocket && to?.protocol === "https:") to.protocol = "wss:";
  const [plain, secure] = webSocket ? ["ws:", "wss:"] : ["http:", "https:"];
  if (!to || (to.protocol !== plain && to.protocol !== secure)) {
    const schemes = webSocket ? "http, https, ws or wss" : "http or https";
    throw new ConnError(
      `Cannot follow the redirect to "${location}": expected an ${schemes} URL`,
      { code: "redirect_invalid", side: "remote" },
    );
  }
  if (scheme === "wss:" && to.protocol !== secure) {
    throw new ConnError(
      `Cannot follow the redirect to "${location}": expected a wss URL, as "${base}" is one`,
      { code: "redirect_insecure", side: "remote" },
    );
  }
  return to;
}

function nextMethod(status: number, method: string): string {
  if (status === 303) return method === "HEAD" ? "HEAD" : "GET";
  if ((status === 301 || status === 302) && method === "POST") return "GET";
  return method;
}

/** The fragment is never sent, so it makes no difference. */
function hopKey(request: RedirectedRequest): string {
  const hash = request.url.indexOf("#");
  const url = hash < 0 ? request.url : request.url.slice(0, hash);
  return `${request.method} ${url}`;
}
