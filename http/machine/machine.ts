/**
 * HTTP/1.1 as a state machine, RFC 9110 and RFC 9112.
 *
 * @module
 */

import type { ConnError } from "../../conn/error.ts";
import type { Machine, Sink } from "../../conn/machine.ts";
import { ServerSide } from "./_server_side.ts";
import { ClientSide } from "./_client_side.ts";
import { type HttpMachineOptions, resolveOptions } from "../codec/limits.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";

const NOTHING = new Uint8Array(0);

/** Which end of the connection a {@linkcode HttpMachine} is. */
export type HttpRole = "server" | "client";

/**
 * HTTP/1.1, either end of it.
 *
 * What comes in is checked strictly: where two readers could disagree on where a
 * message ends, there is an error, an answer, and a close.
 *
 * A server gets `request`, any number of `body`, and `end`, for each request; it
 * answers them in order, with `response` and, if that has no `body`, any number
 * of `body` commands and `end`. It may answer early: once the answer is complete,
 * what is still to come of the request's body is dropped. After a request that
 * asks for another protocol (`upgrade`, or the method CONNECT) nothing more is
 * read until it is answered; a 101, or a 2xx to CONNECT, ends HTTP, and what
 * follows is left for `conn.become`.
 *
 * A client sends `request` and gets `response` in the same way. It has nothing to
 * say to a server that breaks a rule or is late: the connection ends at once, and
 * the `close` event has the error.
 *
 * @example A server on a connection in memory
 * ```ts
 * import { attach, memoryPair } from "@meerkat/net/conn";
 * import { HttpMachine } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const [here, there] = memoryPair();
 * attach(there, new HttpMachine("server"), (event, conn) => {
 *   if (event.type !== "end") return;
 *   conn.send({ type: "response", status: 200, body: "hello" });
 * });
 * let reply = "";
 * const client = attach(here, new HttpMachine("client"), (event, conn) => {
 *   if (event.type === "body") reply += new TextDecoder().decode(event.bytes);
 *   if (event.type === "end") conn.close();
 * });
 * client.send({
 *   type: "request",
 *   method: "GET",
 *   target: "/",
 *   fields: { Host: "localhost" },
 *   body: "",
 * });
 * await client.closed;
 * assertEquals(reply, "hello");
 * ```
 */
export class HttpMachine implements Machine<HttpEvent, HttpCommand> {
  /** `"http/1.1"`. */
  readonly protocol = "http/1.1";
  /** Which end of the connection this is. */
  readonly role: HttpRole;
  /** Enough for a head of the size that the limits allow. */
  readonly lookahead: number;
  readonly #side: ServerSide | ClientSide;

  /**
   * Creates a machine.
   *
   * @param role Which end of the connection it is.
   * @param options Limits and time-outs.
   * @throws {RangeError} If a limit is not a number, or too small to make sense.
   */
  constructor(role: HttpRole, options?: HttpMachineOptions) {
    const settings = resolveOptions(role, options);
    this.role = role;
    this.lookahead = settings.maxStartLine + settings.maxHeaderSection + 64;
    this.#side = role === "server"
      ? new ServerSide(settings)
      : new ClientSide(settings);
  }

  /** Takes input. */
  receive(bytes: Uint8Array, sink: Sink<HttpEvent>): number {
    return this.#side.receive(bytes, sink);
  }

  /** Makes the events that the handler's pause held back. */
  resume(sink: Sink<HttpEvent>): void {
    this.#side.receive(NOTHING, sink);
  }

  /**
   * Takes the end of the peer's stream.
   *
   * @returns `false` if requests in `rest` wait for the answers to others: to be
   * called again when they were offered again, after a command.
   */
  receiveEnd(rest: Uint8Array, sink: Sink<HttpEvent>): boolean | void {
    return this.#side.receiveEnd(rest, sink);
  }

  /**
   * Takes a command.
   *
   * @throws {ConnError} If it is out of place or would make a wrong message;
   * nothing was sent of it then.
   */
  send(command: HttpCommand, sink: Sink<HttpEvent>): void {
    this.#side.send(command, sink);
  }

  /**
   * A server answers the present request with an error, if it has no answer yet.
   * A client ends the connection at once, unless the error is its own (side
   * `"local"`).
   */
  fail(error: ConnError, sink: Sink<HttpEvent>): void {
    this.#side.fail(error, sink);
  }

  /** Lets what is under way end, and closes. */
  drain(sink: Sink<HttpEvent>): void {
    this.#side.drain(sink);
  }

  /** When the peer will have taken too long. */
  deadline(): number {
    return this.#side.deadline();
  }

  /** Ends a connection whose peer has taken too long. */
  tick(sink: Sink<HttpEvent>): void {
    this.#side.tick(sink);
  }
}
