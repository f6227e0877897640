/**
 * Telling a client that has left from one that has only ended its side.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import type { Conn } from "../../conn/conn.ts";
import { ConnError } from "../../conn/error.ts";
import type { HttpCommand, HttpEvent } from "../codec/message.ts";

/**
 * How long a client that has ended its side is taken to be there while nothing
 * is sent to it, in milliseconds.
 */
const PATIENCE = 5_000;

/**
 * Watches over a response's stream. A client that closes and one that only ends
 * its side, with its request perhaps, look the same until something is sent: the
 * first one's system then answers with a reset. So a stream goes on as long as it
 * brings something, and one that waits ends after a while.
 */
export class Leaving {
  readonly #conn: Conn<HttpEvent, HttpCommand>;
  readonly #clock: Clock;
  readonly #stop: (reason: ConnError) => void;
  #timer: unknown;
  /** Why the stream was stopped. */
  #left: ConnError | undefined;
  #forgotten = false;

  /**
   * Starts watching.
   *
   * @param stop Called at most once, when nobody listens any more.
   */
  constructor(
    conn: Conn<HttpEvent, HttpCommand>,
    clock: Clock,
    stop: (reason: ConnError) => void,
  ) {
    this.#conn = conn;
    this.#clock = clock;
    this.#stop = stop;
    if (conn.signal.aborted) this.#ended();
    else conn.signal.addEventListener("abort", this.#ended);
  }

  /** Notes that the stream brought something. */
  progress(): void {
    if (this.#timer !== undefined) this.#wait();
  }

  /** Throws if the stream was stopped. */
  throwIfLeft(): void {
    if (this.#left !== undefined) throw this.#left;
  }

  /** Stops watching. */
  forget(): void {
    this.#forgotten = true;
    this.#conn.signal.removeEventListener("abort", this.#ended);
    this.#clock.clearTimeout(this.#timer);
  }

  readonly #ended = (): void => {
    if (this.#conn.state === "closed") return this.#leave();
    this.#wait();
    this.#conn.closed.then(() => this.#leave());
  };

  #wait(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.#leave(), PATIENCE);
  }

  #leave(): void {
    if (this.#forgotten || this.#left !== undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#left = new ConnError(
      "Cannot send the whole response: the client has left",
      { code: "peer_left", side: "remote" },
    );
    this.#stop(this.#left);
  }
}
