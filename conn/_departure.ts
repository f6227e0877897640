/**
 * How a connection's end, or its peer's, becomes an `AbortSignal`.
 *
 * @module
 */

import { ConnError } from "./error.ts";

/** The signal of a connection. It costs nothing until somebody asks for it. */
export class Departure {
  #controller: AbortController | undefined;
  /** Makes the reason, once there is one. */
  #reason: (() => ConnError) | undefined;

  /** Aborts when the peer has left. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  /** The peer has ended its stream, and the protocol has no half-open state. */
  peerLeft(): void {
    this.#leave(() =>
      new ConnError("The peer has left", { code: "peer_left", side: "remote" })
    );
  }

  /** The connection is closed. */
  closed(error: ConnError | undefined): void {
    this.#leave(() =>
      error ??
        new ConnError("The connection is closed", {
          code: "closed",
          side: "local",
        })
    );
  }

  #leave(reason: () => ConnError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason());
  }
}
