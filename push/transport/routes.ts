/**
 * What a hub answers at which path.
 *
 * @module
 */

import { isPath, pathOf } from "../../http/codec/request_target.ts";
import type { ServeHandler, ServeInfo } from "../../http/server/serve.ts";
import type { DeflateOptions } from "../../ws/deflate/params.ts";
import { allowOrigins, type OriginCheck } from "../../ws/handshake/origins.ts";
import { browserScript } from "../browser/script.ts";
import type { HubCore } from "../core.ts";
import { connectClient } from "./endpoint.ts";
import { publishPosted } from "./publish.ts";
import { refusal } from "./refusal.ts";

/** Options of `handler` of {@linkcode Hub}. */
export interface HandlerOptions {
  /**
   * Where clients connect.
   *
   * @default {"/push"}
   */
  path?: string;
  /**
   * Where values are published by POST, if there is a `publishToken`.
   *
   * @default {"/publish"}
   */
  publishPath?: string;
  /**
   * Where the module for browsers is.
   *
   * @default {"/push.js"}
   */
  scriptPath?: string;
  /**
   * What a POST has to show as its Bearer token.
   *
   * @default Nothing can be published by POST
   */
  publishToken?: string;
  /**
   * The origins whose pages may connect, as {@linkcode allowOrigins} takes them.
   *
   * @default WebSockets from any; requests (by CORS) from the same only
   */
  origins?: readonly string[];
  /**
   * Whether, and how, to compress for WebSocket clients that offer it, RFC 7692.
   *
   * @default {false}
   */
  deflate?: boolean | DeflateOptions;
  /**
   * Answers all other requests.
   *
   * @default Answers 404
   */
  fallback?: ServeHandler;
}

/** The header fields by which pages of other origins may read a response. */
class Cors {
  readonly #isAllowed: OriginCheck;

  constructor(origins: readonly string[]) {
    this.#isAllowed = allowOrigins(origins);
  }

  /** The fields for a request, if its origin may read the response. */
  fields(request: Request): [string, string][] {
    const origin = request.headers.get("origin");
    if (origin === null || !this.#isAllowed(origin)) {
      return [["Vary", "Origin"]];
    }
    return [
      ["Access-Control-Allow-Origin", origin],
      ["Access-Control-Expose-Headers", "ETag, Push-Notice"],
      ["Vary", "Origin"],
    ];
  }

  /** The answer to a preflight request. */
  preflight(request: Request): Response {
    return new Response(null, {
      status: 204,
      headers: [
        ...this.fields(request),
        ["Access-Control-Allow-Methods", "GET, HEAD, POST"],
        [
          "Access-Control-Allow-Headers",
          "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID",
        ],
        ["Access-Control-Max-Age", "600"],
      ],
    });
  }
}

/** What clients of a hub are answered. */
export class Routes {
  readonly #core: HubCore;
  readonly #options: HandlerOptions;
  readonly #cors: Cors | undefined;

  /**
   * Checks the options.
   *
   * @throws {RangeError} If an origin or a path is invalid.
   */
  constructor(core: HubCore, options: HandlerOptions) {
    const { path, publishPath, scriptPath, origins } = options;
    for (const each of [path, publishPath, scriptPath]) checkPath(each);
    this.#core = core;
    this.#options = options;
    this.#cors = origins && new Cors(origins);
  }

  /** The handler of requests. */
  readonly handle: ServeHandler = (request, info) => {
    const {
      path = "/push",
      publishPath = "/publish",
      scriptPath = "/push.js",
      publishToken,
      fallback = notFound,
    } = this.#options;
    switch (pathOf(info.head.target)) {
      case path:
        return this.connect(request, info);
      case publishPath:
        if (publishToken === undefined) break;
        return this.#shared(
          request,
          () => publishPosted(this.#core, request, publishToken),
        );
      case scriptPath:
        return this.#shared(request, () => scriptResponse(request));
    }
    return fallback(request, info);
  };

  /** Answers a client, at whatever path. */
  connect(request: Request, info: ServeInfo): Promise<Response> {
    const { deflate = false, origins } = this.#options;
    const options = origins === undefined ? { deflate } : { deflate, origins };
    return this.#shared(
      request,
      (fields) => connectClient(this.#core, request, info, options, fields),
    );
  }

  /** Lets pages of other origins read the response. */
  async #shared(
    request: Request,
    answer: (fields: [string, string][]) => Response | Promise<Response>,
  ): Promise<Response> {
    const cors = this.#cors;
    if (cors === undefined) return answer([]);
    if (request.method === "OPTIONS") return cors.preflight(request);
    const fields = cors.fields(request);
    return withFields(await answer(fields), fields);
  }
}

function withFields(
  response: Response,
  fields: readonly [string, string][],
): Response {
  try {
    for (const [name, value] of fields) response.headers.append(name, value);
    return response;
  } catch {
    // One that a hook got by `fetch` cannot be changed.
    return withFields(new Response(response.body, response), fields);
  }
}

function scriptResponse(request: Request): Response {
  const { text, gzip, etag } = browserScript;
  const headers = new Headers({
    "content-type": "text/javascript; charset=UTF-8",
    "cache-control": "no-cache",
    "vary": "Accept-Encoding",
    etag,
  });
  const known = request.headers.get("if-none-match");
  if (known?.includes(etag)) {
    return new Response(null, { status: 304, headers });
  }
  const accepts = request.headers.get("accept-encoding") ?? "";
  if (!/\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(accepts)) {
    return new Response(text, { headers });
  }
  headers.set("content-encoding", "gzip");
  return new Response(gzip, { headers });
}

function notFound(): Response {
  return refusal(404, "There is nothing here");
}

function checkPath(path: string | undefined): void {
  if (path === undefined || isPath(path)) return;
  throw new RangeError(
    `Cannot answer at ${
      JSON.stringify(path)
    }: expected a path that begins with "/" and has no query`,
  );
}
