/**
 * The one error type of every protocol module.
 *
 * @module
 */

/**
 * Whose fault a {@linkcode ConnError} is.
 *
 * - `"local"`: this program (a handler that threw, an abort, a time-out that it set);
 * - `"remote"`: the peer (it broke a rule of the protocol, or went over a limit);
 * - `"transport"`: neither (refused, reset, unreachable, TLS failure).
 */
export type ConnErrorSide = "local" | "remote" | "transport";

/** Options of {@linkcode ConnError}. */
export interface ConnErrorOptions extends ErrorOptions {
  /** Stable machine-readable name of the failure, in snake case. */
  code: string;
  /** Whose fault it is. */
  side: ConnErrorSide;
  /**
   * What the protocol answers: an HTTP status code, or a WebSocket close code.
   * Left out where the protocol has nothing to say.
   */
  reply?: number;
}

/**
 * Why a connection, or an attempt to open one, failed.
 *
 * `code` is stable and is what a program should test; the message is for people.
 *
 * @example Telling failures apart
 * ```ts
 * import { ConnError } from "@meerkat/net/conn";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new ConnError("Cannot read the head: it is over 32 KiB", {
 *   code: "head_too_large",
 *   side: "remote",
 *   reply: 431,
 * });
 * assertEquals(error.code, "head_too_large");
 * assertEquals(error.reply, 431);
 * ```
 */
export class ConnError extends Error {
  /** `"ConnError"`. */
  override readonly name = "ConnError";
  /** Stable machine-readable name of the failure, for example `"head_timeout"`. */
  readonly code: string;
  /** Whose fault it is. */
  readonly side: ConnErrorSide;
  /** The HTTP status or close code that the protocol answers with, if any. */
  readonly reply?: number;

  /**
   * Creates an error.
   *
   * @param message The failed action, the value in quotes, what was expected.
   * @param options Code, side, reply and cause.
   */
  constructor(message: string, options: ConnErrorOptions) {
    super(message, options);
    this.code = options.code;
    this.side = options.side;
    if (options.reply !== undefined) this.reply = options.reply;
  }
}
