// The body of the request that a connection carries: when it goes out, and how
// far it is.

import { BodySender } from "./_body_sender.ts";
import type { Exchange, HttpConn } from "./_exchange.ts";

/** Gets to know how a body fares. */
export interface UploadOwner {
  readonly conn: HttpConn;
  /** All of it is out that will be. */
  uploaded(): void;
  /** It cannot be sent, or not to its end. */
  break(error: unknown): void;
}

/** One connection's sending of bodies, one after another. */
export class Upload {
  readonly #owner: UploadOwner;
  #exchange: Exchange | undefined;
  #sender: BodySender | undefined;
  /** Whether all of the request is out, as far as the connection is concerned. */
  sent = true;

  constructor(owner: UploadOwner) {
    this.#owner = owner;
  }

  /** Whether the body waits for `100 Continue`. */
  get waits(): boolean {
    return !this.sent && this.#sender === undefined;
  }

  /** A request begins whose body follows when {@linkcode Upload.start} is called. */
  begin(exchange: Exchange): void {
    this.sent = false;
    this.#exchange = exchange;
  }

  /** Sends the body; does nothing if it is on its way. */
  start(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || !this.waits) return;
    const sender = new BodySender(this.#owner.conn, exchange.openBody());
    this.#sender = sender;
    sender.run().then((whole) => {
      if (this.#sender !== sender) return;
      this.#sender = this.#exchange = undefined;
      this.sent = whole;
      this.#owner.uploaded();
    }, (error) => {
      if (this.#sender === sender) this.#owner.break(error);
    });
  }

  /** Stops at once. */
  stop(): void {
    this.#sender?.stop();
    this.#sender = this.#exchange = undefined;
  }
}
