/**
 * The server for handlers of `Request` and `Response`.
 *
 * @module
 */

import { systemClock } from "../../conn/clock.ts";
import type { Conn, Handler } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import type { Server } from "../../conn/listen.ts";
import type { Machine } from "../../conn/machine.ts";
import { type HttpListenOptions, listen } from "./listen.ts";
import type { HttpCommand, HttpEvent, RequestHead } from "../codec/message.ts";
import type { FieldsInit } from "../codec/fields.ts";
import { reasonOf } from "../codec/reason.ts";
import { ServedConn, type Serving } from "./_served_conn.ts";

/** The head of the answer that hands a connection over to another machine. */
export interface TakeoverHead {
  /**
   * 101 for an upgrade; 200 to 299 for CONNECT, or for a response to any other
   * request but HEAD whose body the machine writes.
   */
  status: number;
  /**
   * The response's fields. A 101 needs `Upgrade` among them; `Connection` is
   * added if it is not there. With a body, `Connection: close` is added, and
   * `Transfer-Encoding: chunked` if the client speaks HTTP/1.1 and there is no
   * `Content-Length`.
   */
  fields?: FieldsInit;
}

/** What a {@linkcode ServeHandler} knows besides the request. */
export interface ServeInfo {
  /**
   * The address of the client, typed as `Deno.serve` types it; over a Unix socket
   * it is a `Deno.UnixAddr`.
   */
  readonly remoteAddr: Deno.NetAddr;
  /**
   * Resolves when all of the response is in the connection's send queue; rejects
   * if it could not be sent.
   */
  readonly completed: Promise<void>;
  /** The connection. What the handler sends here goes out at once. */
  readonly conn: Conn<HttpEvent, HttpCommand>;
  /** The head as it came, with the fields in their order and case. */
  readonly head: RequestHead;
  /**
   * Sends the head of an answer, and puts another machine in HTTP's place.
   *
   * After the answer to an Upgrade or CONNECT request, the machine speaks another
   * protocol. After a 2xx to another request, it carries the body of the response,
   * for as long as it wants, and frames it as the head says: in chunks (RFC 9112
   * §7.1), by `Content-Length`, or, to a client that speaks HTTP/1.0
   * (`info.head.version`), by closing the connection. Either way the connection is
   * the machine's from here on; HTTP does not come back.
   *
   * @param head The status and fields to answer with.
   * @param machine Takes over; what followed the request comes to it.
   * @param handler Its handler. Left out: `for await`.
   * @returns The connection, and the response that the handler must return.
   * @throws {ConnError} With code `"unexpected_upgrade"` if the request does not
   * ask for a 101, or is not received completely; with `"bad_framing"` if the
   * status, or HEAD, leaves no room for a body: HTTP can still answer then. With
   * code `"closed"` if the connection is.
   */
  takeOver<E, C>(
    head: TakeoverHead,
    machine: Machine<E, C>,
    handler?: Handler<E, C>,
  ): { conn: Conn<E, C>; response: Response };
}

/** Answers a request; the same function runs under `Deno.serve`. */
export type ServeHandler = (
  request: Request,
  info: ServeInfo,
) => Response | Promise<Response>;

/** Options of {@linkcode serve}. */
export interface ServeOptions extends Omit<HttpListenOptions, "onError"> {
  /**
   * Makes the answer when the handler throws. What was thrown is not for the
   * client to see. Also called when the stream of a body fails, where it is too
   * late for another answer.
   *
   * @default Answers with the `reply` of a {@linkcode ConnError} that has one;
   * prints anything else, and answers `500 Internal Server Error`.
   */
  onError?: (error: unknown) => Response | Promise<Response>;
}

function errorResponse(error: unknown): Response {
  // What a helper throws that read the request: 413, 415, a body that was cut.
  const reply = error instanceof ConnError ? error.reply : undefined;
  if (reply !== undefined && reply >= 400 && reply <= 599) {
    return new Response(`${reasonOf(reply)}\n`, { status: reply });
  }
  console.error(error);
  return new Response("Internal Server Error", { status: 500 });
}

/**
 * Serves HTTP/1.1 with a function from `Request` to `Response`.
 *
 * Lengths, chunks, HEAD, keep-alive and pipelining are taken care of; bodies are
 * streamed both ways with back-pressure. `request.signal` aborts when the client
 * leaves.
 *
 * @param options Where to listen, and how.
 * @param handler Answers a request.
 * @returns The server; disposing of it shuts it down.
 *
 * @example Hello
 * ```ts
 * import { serve } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = serve(
 *   { hostname: "127.0.0.1", port: 0 },
 *   (request) => new Response(`Hello ${new URL(request.url).pathname}`),
 * );
 * const { port } = server.addr as Deno.NetAddr;
 * const response = await fetch(`http://127.0.0.1:${port}/world`);
 * assertEquals(await response.text(), "Hello /world");
 * ```
 */
export function serve(options: ServeOptions, handler: ServeHandler): Server {
  const { onError = errorResponse, ...rest } = options;
  const { clock = systemClock } = options;
  const serving: Serving = { handler, onError, clock, conns: new WeakMap() };
  return listen(rest, (event, conn) => {
    if (event.type === "open") {
      serving.conns.set(conn, new ServedConn(conn, serving));
      return;
    }
    return serving.conns.get(conn)!.handle(event);
  });
}
