/**
 * The PROXY protocol as a machine: it takes one header, and then another one
 * takes its place.
 *
 * @module
 */

import type { LifeEvent } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import type { Machine, Sink } from "../../conn/machine.ts";
import {
  badProxyHeader,
  MAX_HEADER,
  type ParsedProxyHeader,
  parseProxyHeader,
  type ProxyHeader,
} from "./parse.ts";

/** What a connection tells its handler that begins with the PROXY protocol. */
export type ProxyEvent =
  | LifeEvent
  /** The header is complete: call `conn.become` with what is spoken behind it. */
  | { type: "proxy"; header: ProxyHeader };

/** Options of {@linkcode ProxyProtocolMachine}. */
export interface ProxyProtocolOptions {
  /**
   * How long the header may take, in milliseconds.
   *
   * @default {3000}
   */
  timeout?: number;
}

/**
 * Takes the header of the PROXY protocol from a proxy in front, version 1 or 2.
 *
 * It makes one `proxy` event; what follows the header stays for the machine that
 * `conn.become` puts in its place. A connection whose header is wrong, cut or
 * late is aborted without an answer, with code `"bad_proxy_header"` or
 * `"proxy_header_timeout"`, as section 2 asks for. One that closes without a byte
 * (a TCP health check) just closes.
 *
 * Only connections from proxies may begin so: a client could say that it is
 * anyone, section 5.
 */
export class ProxyProtocolMachine implements Machine<ProxyEvent, never> {
  /** `"proxy"`. */
  readonly protocol = "proxy";
  /** A header in one piece. */
  readonly lookahead: number = MAX_HEADER;
  readonly #timeout: number;
  /** 0 until the clock was seen. */
  #deadline = 0;
  #done = false;

  /** Creates a machine. */
  constructor(options: ProxyProtocolOptions = {}) {
    this.#timeout = options.timeout ?? 3_000;
  }

  /** Takes the header, and nothing behind it. */
  receive(bytes: Uint8Array, sink: Sink<ProxyEvent>): number {
    if (this.#done) return 0;
    let parsed: ParsedProxyHeader | undefined;
    try {
      parsed = parseProxyHeader(bytes);
    } catch (error) {
      if (!(error instanceof ConnError)) throw error;
      sink.abort(error);
      return bytes.length;
    }
    if (parsed === undefined) return 0;
    this.#done = true;
    this.#deadline = Infinity;
    sink.emit({ type: "proxy", header: parsed.header });
    return parsed.length;
  }

  /** Ends the connection: nobody is there to be answered. */
  receiveEnd(rest: Uint8Array, sink: Sink<ProxyEvent>): void {
    if (this.#done || rest.length === 0) return sink.close();
    sink.abort(badProxyHeader("the peer left in the middle of it"));
  }

  /** Takes no command: there is nothing to say. */
  send(command: never, _sink: Sink<ProxyEvent>): void {
    throw new ConnError(
      `Cannot send ${
        JSON.stringify(command)
      }: the PROXY protocol has no answer`,
      { code: "bad_command", side: "local" },
    );
  }

  /** Says nothing: the protocol has no last words. */
  fail(_error: ConnError, _sink: Sink<ProxyEvent>): void {}

  /** Closes: nothing is under way. */
  drain(sink: Sink<ProxyEvent>): void {
    sink.close();
  }

  /** When the header will have taken too long. */
  deadline(): number {
    return this.#deadline;
  }

  /** Begins to wait, or ends a connection whose header is late. */
  tick(sink: Sink<ProxyEvent>): void {
    if (this.#deadline === 0) {
      this.#deadline = sink.now + this.#timeout;
    } else if (sink.now >= this.#deadline) {
      sink.abort(
        new ConnError(
          `Cannot read the PROXY header: it took over ${this.#timeout} ms`,
          { code: "proxy_header_timeout", side: "remote" },
        ),
      );
    }
  }
}
