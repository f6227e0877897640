/**
 * The closing handshake, RFC 6455 §7, and how long it may take.
 *
 * It has four states by who has sent a close frame:
 *
 * | sent | received | then                                                     |
 * | ---- | -------- | -------------------------------------------------------- |
 * | no   | no       | messages flow                                            |
 * | yes  | no       | data is dropped, pings are answered; the time-out runs   |
 * | no   | yes      | it is answered at once                                   |
 * | yes  | yes      | the server ends the connection; the client waits for it  |
 *
 * @module
 */

import type { CloseStatus } from "../codec/close_frame.ts";

/** While something waits to be sent, the time-out has not begun: asked so often. */
const CHECKS = 8;

/** What the peer has said, and how long it may take to say it, or to go. */
export class Closing {
  /** What the peer's close frame said. */
  received: CloseStatus | undefined;
  readonly #timeout: number;
  /** Something waited in front of the close frame. */
  #queued = false;
  #endsAt = Infinity;
  #checkAt = Infinity;

  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /** When to {@linkcode Closing.isOver|ask}. */
  get deadline(): number {
    return this.#checkAt;
  }

  /**
   * The peer has to do the next step.
   *
   * @param now The time.
   * @param buffered Bytes that wait to be sent: it cannot know of the close frame
   * before it has taken them.
   */
  await(now: number, buffered: number): void {
    this.#queued = buffered > 0;
    this.#endsAt = now + this.#timeout;
    this.#checkAt = this.#queued ? now + this.#timeout / CHECKS : this.#endsAt;
  }

  /**
   * Whether the peer has used its time up. Whether it takes anything at all of
   * what waits is the connection's business.
   */
  isOver(now: number, buffered: number): boolean {
    if (!this.#queued) return now >= this.#endsAt;
    this.await(now, buffered);
    return false;
  }
}
