/**
 * How items are put on the wire.
 *
 * @module
 */

import type { ServerMessage } from "../wire/protocol.ts";
import type { Entry, Gap, Reset } from "./entry.ts";

/** An item, and what the client that gets it holds. */
export interface Sendable {
  readonly item: Entry | Gap | Reset;
  /** The version of the topic that the client holds, if it is known to. */
  readonly base: Entry | undefined;
}

/** A place on the wire: where the items of a feed go in one encoding. */
export interface Wire {
  /** The filter, for the messages of topics that are named otherwise. */
  readonly filter: string;
  /** The same as JSON. */
  readonly filterJson: string;
  /** Whether `filter` is one filter, which clients are told. */
  readonly single: boolean;
}

/**
 * Makes payloads for one kind of transport and format. What it makes for many
 * subscribers is made once.
 */
export interface Encoding<P = unknown> {
  /** A small number, which no other one has. */
  readonly index: number;
  /** Whether patches are sent; items have a base only then. */
  readonly delta: boolean;
  /**
   * Makes one payload of items; `undefined` if there is nothing of them to send.
   *
   * @param items The items, in order.
   * @param wire Where they go.
   * @param keep Whether others will need the same items one by one.
   */
  batch(
    items: readonly Sendable[],
    wire: Wire,
    keep: boolean,
  ): P | undefined;
  /** Makes a payload of any other message; `undefined` if the format has none. */
  message(message: ServerMessage): P | undefined;
}

/** Where the payloads of a client go: a connection. */
export interface Outlet {
  /** Whether it is busy: the client is told when it no longer is. */
  readonly needsDrain: boolean;
  /** Sends a payload that the client's encoding made; queues it while busy. */
  send(payload: unknown): void;
  /**
   * Says goodbye and closes.
   *
   * @param code A close code of RFC 6455.
   * @param reason What to tell.
   * @param retry When to come back, in milliseconds, if it may.
   */
  close(code: number, reason: string, retry?: number): void;
}
