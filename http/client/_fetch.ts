// The standard `fetch`, in terms of the client's own request.

import { ConnError } from "../../conn/error.ts";
import type { RequestBody, RequestOptions } from "./client_options.ts";
import type { ClientResponse } from "./client_response.ts";
import type { RedirectMode } from "./redirect.ts";

/** The client's own request. */
export type Requester = (
  url: string,
  options: RequestOptions,
) => Promise<ClientResponse>;

/** Statuses whose response must not have a body (Fetch, "null body status"). */
const NULL_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** A response that knows where it came from. */
class FetchedResponse extends Response {
  readonly #url: string;
  readonly #redirected: boolean;

  constructor(
    body: BodyInit | null,
    init: ResponseInit,
    url: string,
    redirected: boolean,
  ) {
    super(body, init);
    this.#url = url;
    this.#redirected = redirected;
  }

  override get url(): string {
    return this.#url;
  }

  override get redirected(): boolean {
    return this.#redirected;
  }

  override get type(): ResponseType {
    return "basic";
  }

  override clone(): Response {
    const copy = super.clone();
    const { status, statusText, headers } = copy;
    return new FetchedResponse(
      copy.body,
      { status, statusText, headers },
      this.#url,
      this.#redirected,
    );
  }
}

/** Does as `fetch` is specified to. */
export async function fetchWith(
  request: Requester,
  input: string | URL | Request,
  init: RequestInit = {},
): Promise<Response> {
  const { url, options } = requestOptions(input, init);
  options.signal?.throwIfAborted();
  let response: ClientResponse;
  try {
    response = await request(url, options);
  } catch (error) {
    throw fetchError(error, options.signal);
  }
  return toResponse(response);
}

function requestOptions(
  input: string | URL | Request,
  init: RequestInit,
): { url: string; options: RequestOptions } {
  const base = input instanceof Request ? input : undefined;
  const url = base?.url ?? `${input}`;
  // The client takes them, for upgrades; Fetch does not.
  if (/^\s*wss?:/i.test(url)) {
    throw new TypeError(`Cannot fetch "${url}": expected an http or https URL`);
  }
  const body = init.body ?? (base?.body as RequestBody | null | undefined);
  const headers = init.headers ?? base?.headers;
  const options: RequestOptions = {
    method: normalMethod(init.method ?? base?.method ?? "GET"),
    redirect: (init.redirect ?? base?.redirect ?? "follow") as RedirectMode,
  };
  if (headers !== undefined) options.fields = new Headers(headers);
  const signal = init.signal ?? base?.signal;
  if (signal) options.signal = signal;
  if (body !== null && body !== undefined) {
    if (options.method === "GET" || options.method === "HEAD") {
      throw new TypeError(
        `Cannot fetch with a body: the method is "${options.method}"`,
      );
    }
    options.body = bodyOf(body);
  }
  return { url: withoutFragment(url), options };
}

/** The kinds of body that only `fetch` knows become bytes. */
function bodyOf(body: BodyInit | RequestBody): RequestBody {
  if (ArrayBuffer.isView(body) && !(body instanceof Uint8Array)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  return body as RequestBody;
}

/** Six methods are taken in any case (Fetch, "normalize"). */
function normalMethod(method: string): string {
  return /^(?:delete|get|head|options|post|put)$/i.test(method)
    ? method.toUpperCase()
    : method;
}

function withoutFragment(url: string): string {
  const hash = url.indexOf("#");
  return hash < 0 ? url : url.slice(0, hash);
}

function toResponse(response: ClientResponse): Response {
  const { status, reason, fields, body } = response;
  const headers = new Headers();
  for (const [name, value] of fields) headers.append(name, value);
  const empty = NULL_BODY.has(status);
  if (empty) body.cancel();
  const content = response.takeBody() as Uint8Array<ArrayBuffer> | undefined;
  return new FetchedResponse(
    empty ? null : content ?? body.stream(),
    { status, statusText: reason, headers },
    response.url,
    response.redirects.length > 0,
  );
}

function fetchError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof ConnError)) return error;
  if (error.code === "aborted" && signal?.aborted) return signal.reason;
  return new TypeError(error.message, { cause: error });
}
