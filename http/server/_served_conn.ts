/**
 * One connection of `serve()`: requests in, one after the other, responses out.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import type { Conn, Handler } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import type { Machine } from "../../conn/machine.ts";
import { Fields } from "../codec/fields.ts";
import { isBodiless, isTunnel } from "../codec/framing.ts";
import type { HttpCommand, HttpEvent, RequestHead } from "../codec/message.ts";
import type { ServeHandler, ServeInfo, TakeoverHead } from "./serve.ts";
import { RequestStream } from "./_request_stream.ts";
import { sendResponse } from "./_send_response.ts";
import { makeRequest } from "./_server_request.ts";

type HttpConn = Conn<HttpEvent, HttpCommand>;

/** A request that is being answered. */
class Exchange implements ServeInfo {
  readonly conn: HttpConn;
  readonly head: RequestHead;
  /** The body as it comes, if there is one. */
  readonly body: RequestStream | undefined;
  /** Whether all of the request has come. */
  ended = false;
  /** Stands for the connection's speaking another protocol now. */
  takeover: Response | undefined;
  #completed: PromiseWithResolvers<void> | undefined;
  #outcome: { error?: unknown } | undefined;
  #abort: AbortController | undefined;
  #unfollow: (() => void) | undefined;

  constructor(conn: HttpConn, head: RequestHead) {
    this.conn = conn;
    this.head = head;
    if (head.contentLength !== 0) this.body = new RequestStream();
  }

  get remoteAddr(): Deno.NetAddr {
    return this.conn.remoteAddr as Deno.NetAddr;
  }

  get completed(): Promise<void> {
    if (this.#completed === undefined) {
      this.#completed = Promise.withResolvers();
      // Nobody has to look at it.
      this.#completed.promise.catch(() => {});
      if (this.#outcome !== undefined) this.#settle(this.#outcome);
    }
    return this.#completed.promise;
  }

  /**
   * Aborts when the client leaves before it is answered. It does not follow the
   * connection itself, which would keep what listens for as long as it lives.
   */
  get signal(): AbortSignal {
    return (this.#abort ??= this.#follow()).signal;
  }

  #follow(): AbortController {
    const abort = new AbortController();
    const { signal } = this.conn;
    const left = () => abort.abort(signal.reason);
    if (signal.aborted) left();
    else if (this.#outcome === undefined) {
      signal.addEventListener("abort", left);
      this.#unfollow = () => signal.removeEventListener("abort", left);
    }
    return abort;
  }

  takeOver<E, C>(
    head: TakeoverHead,
    machine: Machine<E, C>,
    handler?: Handler<E, C>,
  ): { conn: Conn<E, C>; response: Response } {
    if (isTunnel(this.head.method, head.status)) {
      this.conn.send({ type: "response", ...head, body: "" });
    } else {
      this.#checkBody(head.status);
      this.conn.send({ type: "response", ...head, fields: closing(head) });
    }
    const response = this.takeover = new Response();
    return { conn: this.conn.become(machine, handler), response };
  }

  /** All of the request has come. */
  end(): void {
    this.ended = true;
    this.body?.end();
  }

  /** Checks that a response with a body of another machine's can begin. */
  #checkBody(status: number): void {
    const { method, contentLength } = this.head;
    if (!(status >= 200 && status <= 299) || isBodiless(method, status)) {
      throw new ConnError(
        `Cannot hand the connection over after ${status} to "${method}": expected a response with a body, 200 to 299`,
        { code: "bad_framing", side: "local" },
      );
    }
    if (contentLength !== 0 && !this.ended) {
      throw new ConnError(
        `Cannot hand the connection over after ${status}: the request is not received completely`,
        { code: "unexpected_upgrade", side: "local" },
      );
    }
  }

  /** Notes how it ended. */
  settle(outcome: { error?: unknown }): void {
    this.#outcome = outcome;
    this.#unfollow?.();
    this.#settle(outcome);
  }

  #settle(outcome: { error?: unknown }): void {
    if ("error" in outcome) this.#completed?.reject(outcome.error);
    else this.#completed?.resolve();
  }
}

/** What the connections of a server have in common. */
export interface Serving {
  readonly handler: ServeHandler;
  readonly onError: (error: unknown) => Response | Promise<Response>;
  readonly clock: Clock;
  /** Those that speak HTTP. */
  readonly conns: WeakMap<HttpConn, ServedConn>;
}

/** The state of one connection. */
export class ServedConn {
  readonly #conn: HttpConn;
  readonly #serving: Serving;
  #exchange: Exchange | undefined;
  /** The answer that is being made or sent, if that takes time. */
  #answer: Promise<void> | undefined;

  constructor(conn: HttpConn, serving: Serving) {
    this.#conn = conn;
    this.#serving = serving;
  }

  /** The connection's handler. */
  handle(event: HttpEvent): void | Promise<void> {
    switch (event.type) {
      case "request":
        return this.#begin(event.head);
      case "body":
        return this.#exchange?.body?.push(event.bytes);
      case "end":
        this.#exchange?.end();
        // The next request waits until this one is answered.
        return this.#answer;
      case "close":
        this.#exchange?.body?.fail(
          event.error ?? new ConnError("The connection closed", {
            code: "closed",
            side: "remote",
          }),
        );
    }
  }

  #begin(head: RequestHead): void {
    const exchange = new Exchange(this.#conn, head);
    const request = makeRequest(
      head,
      this.#conn,
      exchange.body?.stream,
      exchange,
    );
    this.#exchange = exchange;
    let made: Response | Promise<Response>;
    try {
      made = this.#serving.handler(request, exchange);
    } catch (error) {
      made = this.#failed(error);
    }
    if (made instanceof Response) {
      let sent: void | Promise<void>;
      try {
        sent = this.#send(made, exchange);
      } catch (error) {
        return this.#complete(exchange, { error });
      }
      if (sent === undefined) return this.#complete(exchange, {});
      this.#answer = sent.then(
        () => this.#complete(exchange, {}),
        (error) => this.#complete(exchange, { error }),
      );
    } else this.#answer = this.#sendLater(made, exchange);
  }

  async #sendLater(
    made: Promise<Response>,
    exchange: Exchange,
  ): Promise<void> {
    try {
      let response: Response;
      try {
        response = await made;
      } catch (error) {
        response = await this.#failed(error);
      }
      await this.#send(response, exchange);
      this.#complete(exchange, {});
    } catch (error) {
      this.#complete(exchange, { error });
    }
  }

  #send(response: Response, exchange: Exchange): void | Promise<void> {
    const { takeover } = exchange;
    // Not for a handler that gave `undefined`.
    if (takeover !== undefined && response === takeover) return;
    return sendResponse(
      response,
      this.#conn,
      exchange.head,
      this.#serving.clock,
    );
  }

  /** An answer for what the handler threw, whatever `onError` does. */
  async #failed(error: unknown): Promise<Response> {
    try {
      return await this.#serving.onError(error);
    } catch {
      return new Response("Internal Server Error", { status: 500 });
    }
  }

  #complete(exchange: Exchange, outcome: { error?: unknown }): void {
    exchange.body?.discard();
    exchange.settle(outcome);
    if (this.#exchange !== exchange) return;
    this.#answer = undefined;
    // The server still knows this connection, whatever it has become.
    if (exchange.takeover !== undefined) this.#serving.conns.delete(this.#conn);
    if (!("error" in outcome)) return;
    const { error } = outcome;
    // Nothing can be answered any more, but the program wants to know.
    const own = !(error instanceof ConnError) || error.side === "local";
    if (own && this.#conn.state !== "closed") this.#failed(error);
    // What the connection has become does not end with the request.
    if (exchange.takeover === undefined) this.#conn.close(asConnError(error));
  }
}

/** The fields of a response behind which no other one can follow. */
function closing({ fields = {} }: TakeoverHead): Fields {
  const made = new Fields(fields);
  made.set("Connection", "close");
  return made;
}

function asConnError(cause: unknown): ConnError {
  return cause instanceof ConnError ? cause : new ConnError(
    "Cannot send the whole response: its body failed",
    { code: "body_failed", side: "local", cause },
  );
}
