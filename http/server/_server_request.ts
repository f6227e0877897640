/**
 * From a request's head to a standard `Request`.
 *
 * @module
 */

import { formatHostPort } from "../../conn/addr.ts";
import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import type { HttpCommand, HttpEvent, RequestHead } from "../codec/message.ts";

type HttpConn = Conn<HttpEvent, HttpCommand>;

/** Who knows when the client has left. */
export interface RequestOwner {
  /** Aborts then. */
  readonly signal: AbortSignal;
}

/** Methods that `Request` refuses to be made with. */
const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);

/**
 * A `Request` that becomes one when somebody looks further than its method, URL
 * and headers: making a real one takes about as long as the rest of a small exchange.
 * All public members are those of the real one, so it is a `Request` to
 * whoever reads it, to `instanceof`, to `fetch` and to `new Request`.
 */
class ServedRequest {
  readonly #head: RequestHead;
  readonly #owner: RequestOwner;
  readonly #rawUrl: string;
  readonly #body: ReadableStream<Uint8Array> | undefined;
  #real: Request | undefined;
  #url: string | undefined;
  #headers: Headers | undefined;
  #signal: AbortSignal | undefined;

  constructor(
    head: RequestHead,
    owner: RequestOwner,
    url: string,
    body: ReadableStream<Uint8Array> | undefined,
  ) {
    this.#head = head;
    this.#owner = owner;
    this.#rawUrl = url;
    this.#body = body;
  }

  get method(): string {
    return this.#head.method;
  }

  get url(): string {
    return this.#url ??= new URL(this.#rawUrl).href;
  }

  get headers(): Headers {
    if (this.#headers !== undefined) return this.#headers;
    if (this.#real !== undefined) return this.#real.headers;
    const headers = this.#headers = new Headers();
    for (const [name, value] of this.#head.fields) headers.append(name, value);
    return headers;
  }

  get signal(): AbortSignal {
    return this.#signal ??= AbortSignal.any([this.#owner.signal]);
  }

  /** The real one. */
  static of(request: ServedRequest): Request {
    return request.#real ??= request.#make();
  }

  /** The real one, with what was done to `headers` since it was made. */
  static whole(request: ServedRequest): Request {
    const real = ServedRequest.of(request);
    const given = request.#headers;
    if (given !== undefined) {
      for (const name of [...real.headers.keys()]) real.headers.delete(name);
      given.forEach((value, name) => real.headers.append(name, value));
    }
    return real;
  }

  #make(): Request {
    const { method, fields } = this.#head;
    const init: RequestInit = {
      method: FORBIDDEN_METHODS.has(method) ? "OPTIONS" : method,
      headers: this.#headers ?? [...fields],
      signal: this.signal,
    };
    if (this.#body !== undefined && method !== "GET" && method !== "HEAD") {
      init.body = this.#body as ReadableStream<Uint8Array<ArrayBuffer>>;
    }
    return new Request(this.#rawUrl, init);
  }
}

/** Lets every other member of `from` be that of a real request. */
function forward(
  from: object,
  names: (string | symbol)[],
  real: (request: ServedRequest) => Request,
): void {
  for (const name of names) {
    if (Object.hasOwn(ServedRequest.prototype, name)) continue;
    const method =
      typeof Object.getOwnPropertyDescriptor(from, name)?.value === "function";
    Object.defineProperty(ServedRequest.prototype, name, {
      configurable: true,
      get(this: ServedRequest) {
        const target = real(this);
        const value = Reflect.get(target, name);
        return method ? value.bind(target) : value;
      },
      set(this: ServedRequest, value: unknown) {
        Reflect.set(real(this), name, value);
      },
    });
  }
}

Object.setPrototypeOf(ServedRequest.prototype, Request.prototype);
Object.defineProperty(ServedRequest.prototype, "constructor", {
  value: Request,
});
forward(Request.prototype, ["clone"], ServedRequest.whole);
forward(
  Request.prototype,
  Object.getOwnPropertyNames(Request.prototype),
  ServedRequest.of,
);
{
  // What `fetch` and `new Request` look at in a request that they are given.
  const real = new Request("http://localhost/");
  forward(real, Object.getOwnPropertySymbols(real), ServedRequest.whole);
}

/** Hosts whose URL was found to be good, so that it is looked at once. */
let goodHost = "";

/** The URL that a request is for, RFC 9112 §3.3, not yet normalised. */
function targetUrl(head: RequestHead, conn: HttpConn): string {
  const { target } = head;
  const scheme = conn.secure ? "https" : "http";
  if (head.method === "CONNECT") return checked(`${scheme}://${target}/`, head);
  const first = target.charCodeAt(0);
  // Neither "/" nor "*": absolute-form, which outranks Host.
  if (first !== 0x2f && first !== 0x2a) return checked(target, head);
  const host = head.fields.get("host") || hostOf(conn.localAddr);
  if (host !== goodHost) {
    checked(`${scheme}://${host}`, head);
    goodHost = host;
  }
  return `${scheme}://${host}${first === 0x2a ? "" : target}`;
}

function checked(url: string, head: RequestHead): string {
  if (URL.canParse(url)) return url;
  throw new ConnError(
    `Cannot make a URL of the target "${head.target}" and its Host`,
    { code: "bad_target", side: "remote", reply: 400 },
  );
}

function hostOf(address: Deno.Addr): string {
  if (!("hostname" in address)) return "localhost";
  return formatHostPort(address.hostname, address.port);
}

/**
 * Makes the `Request` for a head.
 *
 * @param head The head.
 * @param conn The connection that it came over.
 * @param body The body, if there is one; GET and HEAD have none in a `Request`.
 * @param owner Whose signal the request's one follows.
 * @throws {ConnError} With code `"bad_target"` and reply 400 if it has no URL.
 */
export function makeRequest(
  head: RequestHead,
  conn: HttpConn,
  body: ReadableStream<Uint8Array> | undefined,
  owner: RequestOwner = conn,
): Request {
  const url = targetUrl(head, conn);
  return new ServedRequest(head, owner, url, body) as unknown as Request;
}
