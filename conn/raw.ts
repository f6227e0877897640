/**
 * The machine that adds nothing: bytes in, bytes out.
 *
 * @module
 */

import type { LifeEvent } from "./conn.ts";
import type { ConnError } from "./error.ts";
import type { Machine, Sink } from "./machine.ts";

/** What a raw connection tells its handler. */
export type TcpEvent =
  | LifeEvent
  /** Bytes came; they belong to the handler. */
  | { type: "bytes"; bytes: Uint8Array }
  /** The peer ended its side of the stream. */
  | { type: "eof" };

/** What a raw connection sends: bytes, or a string as UTF-8. */
export type TcpCommand = Uint8Array | string;

/** Options of {@linkcode RawMachine}. */
export interface RawOptions {
  /**
   * Keep the connection open when the peer ends its side; the handler then
   * closes it. Otherwise it closes, in order, after the `eof` event.
   *
   * @default {false}
   */
  allowHalfOpen?: boolean;
}

/**
 * Raw bytes: what `listen` and `dial` speak unless they are told otherwise.
 *
 * @example Turning a connection raw
 * ```ts
 * import { attach, memoryPair, RawMachine } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const [here, there] = memoryPair();
 * const echo = attach(there, new RawMachine(), (event, conn) => {
 *   if (event.type === "bytes") conn.send(event.bytes);
 * });
 * await using client = attach(here, new RawMachine());
 * client.send("hello");
 * for await (const event of client) {
 *   if (event.type !== "bytes") continue;
 *   assertEquals(new TextDecoder().decode(event.bytes), "hello");
 *   break;
 * }
 * echo.close();
 * ```
 */
export class RawMachine implements Machine<TcpEvent, TcpCommand> {
  /** `"tcp"`, whatever the transport. */
  readonly protocol = "tcp";
  /** Whether the peer's end of stream leaves the connection open. */
  readonly halfOpen: boolean;

  /** Creates a raw machine. */
  constructor(options: RawOptions = {}) {
    this.halfOpen = options.allowHalfOpen ?? false;
  }

  /** Hands all bytes on. */
  receive(bytes: Uint8Array, sink: Sink<TcpEvent>): number {
    sink.emit({ type: "bytes", bytes: bytes.slice() });
    return bytes.length;
  }

  /** Hands the end of stream on. */
  receiveEnd(_rest: Uint8Array, sink: Sink<TcpEvent>): void {
    sink.emit({ type: "eof" });
    if (!this.halfOpen) sink.close();
  }

  /** Sends bytes. */
  send(command: TcpCommand, sink: Sink<TcpEvent>): void {
    sink.write(command);
  }

  /** Says nothing: raw bytes have no last words. */
  fail(_error: ConnError, _sink: Sink<TcpEvent>): void {}

  /** Closes: raw bytes have no end that could be waited for. */
  drain(sink: Sink<TcpEvent>): void {
    sink.close();
  }
}
