/**
 * The WebSocket server.
 *
 * @module
 */

import type { Conn } from "../conn/conn.ts";
import { ConnError } from "../conn/error.ts";
import type { Server } from "../conn/listen.ts";
import type {
  HttpCommand,
  HttpEvent,
  RequestHead,
} from "../http/codec/message.ts";
import { reasonOf } from "../http/codec/reason.ts";
import { isPath, pathOf } from "../http/codec/request_target.ts";
import type { HttpListenOptions } from "../http/server/listen.ts";
import {
  serve as serveHttp,
  type ServeHandler,
  type ServeInfo,
} from "../http/server/serve.ts";
import {
  type AcceptOptions,
  resolveAccept,
  type ServerSettings,
} from "./_grant.ts";
import { refusalResponse, takeOver } from "./_take_over.ts";
import { type Refusal, textRefusal } from "./handshake/refusal.ts";
import {
  asksForWebSocket,
  checkRequest,
  type Handshake,
} from "./handshake/server.ts";
import type { WsHandler } from "./ws_conn.ts";

/**
 * Decides on a request for a WebSocket that is in order otherwise. What it finds
 * out, the handler can look up by the head, which is `conn.head` there.
 *
 * @param head The request.
 * @param conn The connection, which speaks HTTP still: for its addresses.
 * @returns The answer in place of a 101, or nothing to let the client in.
 */
export type WsVerify = (
  head: RequestHead,
  conn: Conn<HttpEvent, HttpCommand>,
) => Refusal | undefined | void | Promise<Refusal | undefined | void>;

/** Options of {@linkcode serve}: where to listen, how to answer, limits. */
export interface WsServeOptions
  extends Omit<HttpListenOptions, "onError">, AcceptOptions {
  /**
   * The path in the URLs of the WebSockets, without query, as it is in the
   * request: percent-encoded. (`path` is that of a Unix socket.)
   *
   * @default Any
   */
  pathname?: string;
  /**
   * Decides on each request that is in order: who is not logged in gets 401, who
   * comes too often 429. No more is read of the connection while it takes time.
   *
   * @default Lets all in
   */
  verify?: WsVerify;
  /**
   * Answers the requests that are for another path, and those that do not ask
   * for a WebSocket.
   *
   * @default Answers 404 at another path, 426 (or 405) at this one
   */
  fallback?: ServeHandler;
  /**
   * How long a WebSocket may carry no message in either direction. Beyond it:
   * 1001. HTTP has `keepAliveTimeout`.
   *
   * @default {Infinity}
   */
  idleTimeout?: number;
  /**
   * Gets what a handler of events, {@linkcode WsServeOptions.verify} or
   * {@linkcode WsServeOptions.fallback} threw, unless that was a
   * {@linkcode ConnError} with a `reply`, which is a way to answer. The client
   * gets 1011, or 500.
   *
   * @default {console.error}
   */
  onError?: (error: unknown) => void;
}

/** Reports what the handler throws, before the connection closes for it. */
function reporting(
  handler: WsHandler,
  report: (error: unknown) => void,
): WsHandler {
  const failed = (cause: unknown): never => {
    if (cause instanceof ConnError && cause.reply !== undefined) throw cause;
    report(cause);
    throw new ConnError("The handler of the WebSocket failed", {
      code: "handler_failed",
      side: "local",
      reply: 1011,
      cause,
    });
  };
  return (event, conn) => {
    try {
      const result = handler(event, conn);
      return result === undefined ? undefined : result.catch(failed);
    } catch (error) {
      return failed(error);
    }
  };
}

/** The answer to a request for which something threw. */
function errorResponse(
  error: unknown,
  report: (error: unknown) => void,
): Response {
  const reply = error instanceof ConnError ? error.reply ?? 0 : 0;
  if (reply >= 400 && reply <= 599) {
    return refusalResponse(textRefusal(reply, reasonOf(reply)));
  }
  report(error);
  return refusalResponse(textRefusal(500, reasonOf(500)));
}

function checkPathname(pathname: string | undefined): void {
  if (pathname === undefined || isPath(pathname)) return;
  throw new RangeError(
    `Cannot serve the path ${
      JSON.stringify(pathname)
    }: expected it to begin with "/" and to have no query`,
  );
}

/** What happens to requests. */
class Reception {
  readonly #options: WsServeOptions;
  readonly #settings: ServerSettings;
  readonly #handler: WsHandler;

  constructor(options: WsServeOptions, handler: WsHandler) {
    const { pathname, onError } = options;
    checkPathname(pathname);
    this.#options = options;
    this.#settings = resolveAccept(options);
    this.#handler = onError ? reporting(handler, onError) : handler;
  }

  readonly handle: ServeHandler = (request, info) => {
    const { pathname, fallback, verify } = this.#options;
    const { head, conn } = info;
    const isHere = pathname === undefined ||
      pathOf(head.target) === pathname;
    if (fallback !== undefined && !(isHere && asksForWebSocket(head))) {
      return fallback(request, info);
    }
    if (!isHere) return refusalResponse(textRefusal(404, reasonOf(404)));
    const checked = checkRequest(head, this.#settings.handshake);
    if (!("subprotocol" in checked)) return refusalResponse(checked);
    const verdict = verify?.(head, conn);
    return verdict instanceof Promise
      ? verdict.then((verdict) => this.#answer(info, checked, verdict))
      : this.#answer(info, checked, verdict);
  };

  #answer(
    info: ServeInfo,
    handshake: Handshake,
    verdict: Refusal | undefined | void,
  ): Response {
    if (verdict) return refusalResponse(verdict);
    return takeOver(info, handshake, this.#settings, this.#handler).response;
  }
}

/**
 * Serves WebSockets.
 *
 * The same server answers plain HTTP requests with `fallback`. Shutting it down
 * closes the WebSockets with 1001 and waits for their answers.
 *
 * @param options Where to listen, who may connect, compression, limits.
 * @param handler Gets the events of every WebSocket.
 * @returns The server; disposing of it shuts it down.
 * @throws {RangeError} If a limit is out of its range, or the path or an origin
 * is invalid.
 * @throws {ConnError} If a subprotocol or a field is invalid.
 *
 * @example Echo
 * ```ts
 * import { serve } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   (event, conn) => {
 *     if (event.type === "message") conn.send(event.data);
 *   },
 * );
 * const { port } = server.addr as Deno.NetAddr;
 * const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
 * const reply = await new Promise((resolve) => {
 *   socket.onopen = () => socket.send("hello");
 *   socket.onmessage = (event) => resolve(event.data);
 * });
 * assertEquals(reply, "hello");
 * const closed = new Promise((resolve) => socket.onclose = resolve);
 * socket.close();
 * await closed;
 * ```
 *
 * @example Who is allowed in, and what the handler knows of them
 * ```ts
 * import type { RequestHead } from "@meerkat/net/http";
 * import { serve } from "@meerkat/net/ws";
 * import { assertEquals } from "@std/assert";
 *
 * const users = new WeakMap<RequestHead, string>();
 * await using server = serve({
 *   hostname: "127.0.0.1",
 *   port: 0,
 *   pathname: "/chat",
 *   verify: (head) => {
 *     const { searchParams } = new URL(head.target, "http://localhost");
 *     const user = searchParams.get("user");
 *     if (user === null) return { status: 401, body: "Who are you?" };
 *     users.set(head, user);
 *     return undefined;
 *   },
 *   fallback: () => new Response("A page"),
 * }, (event, conn) => {
 *   if (event.type !== "open") return;
 *   conn.send(`Hello ${users.get(conn.head as RequestHead)}`);
 * });
 * const { port } = server.addr as Deno.NetAddr;
 * const page = await fetch(`http://127.0.0.1:${port}/chat`);
 * assertEquals(await page.text(), "A page");
 * const socket = new WebSocket(`ws://127.0.0.1:${port}/chat?user=Timon`);
 * const greeting = await new Promise((resolve) => {
 *   socket.onmessage = (event) => resolve(event.data);
 * });
 * assertEquals(greeting, "Hello Timon");
 * const closed = new Promise((resolve) => socket.onclose = resolve);
 * socket.close();
 * await closed;
 * ```
 */
export function serve(options: WsServeOptions, handler: WsHandler): Server {
  // What a WebSocket calls idle is not what the connection below it does.
  const { idleTimeout: _, onError, ...rest } = options;
  const reception = new Reception(options, handler);
  return serveHttp(
    onError === undefined
      ? rest
      : { ...rest, onError: (error) => errorResponse(error, onError) },
    reception.handle,
  );
}
