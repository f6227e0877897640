/**
 * A client of a hub.
 *
 * @module
 */

import type { ClientInfo, Grant } from "../options.ts";
import type { Encoding, Outlet } from "./encoding.ts";
import { EXPIRED, TOO_FAR_BEHIND } from "../wire/protocol.ts";
import type { Subscriber, Subscription } from "./subscription.ts";

/** How a client wants what it gets. */
export interface Encodings {
  /** With all values whole. */
  readonly whole: Encoding;
  /** With patches in place of values, where there are any. */
  readonly delta: Encoding;
}

/** A subscription of a client, by the name that the client has for it. */
export interface Named {
  /** The filter, or filters. */
  readonly name: string;
  readonly subscription: Subscription;
  /** The topic that it makes the client a member of. */
  readonly joined: string | undefined;
  /** Whether the client is told who else is. */
  readonly watches: boolean;
}

/** How a client is connected. */
export interface Connection {
  readonly outlet: Outlet;
  readonly encodings: Encodings;
}

/** Most clients have one subscription: an array that grows has more room. */
const NONE: readonly Named[] = [];

/** A connected client, what it may do and what it subscribes to. */
export class HubClient implements ClientInfo, Subscriber {
  readonly id: string;
  readonly remoteAddr: Deno.Addr;
  readonly transport: ClientInfo["transport"];
  readonly outlet: Outlet;
  readonly encodings: Encodings;
  /** What it may do. */
  grant: Grant;
  /** Whether it has left. */
  hasLeft = false;
  /** What it subscribes to. */
  subscriptions: readonly Named[] = NONE;
  /** The next one to be served, so that none comes last each time. */
  #turn = 0;

  constructor(info: ClientInfo, { outlet, encodings }: Connection) {
    this.id = info.id;
    this.grant = info.grant;
    this.remoteAddr = info.remoteAddr;
    this.transport = info.transport;
    this.outlet = outlet;
    this.encodings = encodings;
  }

  /** A subscription by its name. */
  find(name: string): Named | undefined {
    return this.subscriptions.find((named) => named.name === name);
  }

  /** Its outlet has room again. */
  drained(): void {
    const { subscriptions } = this;
    const count = subscriptions.length;
    for (let i = 0; i < count && !this.outlet.needsDrain; i++) {
      this.#turn = (this.#turn + 1) % count;
      subscriptions[this.#turn]?.subscription.catchUp();
    }
  }

  tooFarBehind(): void {
    this.outlet.close(TOO_FAR_BEHIND, "Too far behind");
  }

  /** Its grant has ended. */
  expire(): void {
    this.outlet.close(EXPIRED, "The grant has expired");
  }
}
