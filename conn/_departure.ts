/**
 * How it becomes known that a connection has ended, or its peer's side of it.
 *
 * @module
 */

import { ConnError } from "./error.ts";

/**
 * The signal of a connection, the promise of its end, and a listener for it. They
 * cost nothing until somebody asks for them.
 */
export class Departure {
  #controller: AbortController | undefined;
  /** Makes the reason, once there is one. */
  #reason: (() => ConnError) | undefined;
  #isFinished = false;
  #error: ConnError | undefined;
  #promise: PromiseWithResolvers<ConnError | undefined> | undefined;
  #listener: ((subject: unknown) => void) | undefined;
  #subject: unknown;

  /** Aborts when the peer has left. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason());
    }
    return this.#controller.signal;
  }

  /** Settles with why the connection failed, once the handler was told. */
  get finished(): Promise<ConnError | undefined> {
    if (this.#promise === undefined) {
      this.#promise = Promise.withResolvers();
      if (this.#isFinished) this.#promise.resolve(this.#error);
    }
    return this.#promise.promise;
  }

  /**
   * Has a listener called when the promise settles. A server has one for all its
   * connections, so it is told which one it is.
   */
  onFinished(listener: (subject: unknown) => void, subject: unknown): void {
    this.#listener = listener;
    this.#subject = subject;
  }

  /** The handler was told that the connection has closed. */
  finish(error: ConnError | undefined): void {
    this.#isFinished = true;
    this.#error = error;
    this.#promise?.resolve(error);
    this.#listener?.(this.#subject);
  }

  /** The peer has ended its stream, and the protocol has no half-open state. */
  peerLeft(): void {
    this.#leave(() =>
      new ConnError("The peer has left", { code: "peer_left", side: "remote" })
    );
  }

  /** The connection closes because of an error: nobody waits for more. */
  failed(error: ConnError): void {
    this.#leave(() => error);
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
