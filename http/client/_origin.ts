// The connections to one place, and who waits for one.

import type { ClientConn } from "./_client_conn.ts";
import type { Place } from "./_connector.ts";

/** Somebody who needs a connection. */
export interface Waiter {
  /** Whether a kept connection may be used: if not, its like was stale before. */
  readonly fresh: boolean;
  /** Whether the request may be sent twice. */
  readonly repeatable: boolean;
  /** Gets a connection. */
  assigned(conn: ClientConn, now: number): void;
  /** Gets none: the one that was opened for it failed. */
  unassigned(error: unknown): void;
}

/** The connections to one place. */
export class Origin {
  /** Tells it from others. */
  readonly key: string;
  /** Where its connections lead. */
  readonly place: Place;
  /** Free connections; the last one was used last. */
  readonly idle: ClientConn[] = [];
  /** Who waits; the first came first. */
  readonly waiting: Waiter[] = [];
  /** Connections being opened. */
  readonly opening: AbortController[] = [];
  /** Connections that are open, free or not. */
  open = 0;
  /** Whether the pool still knows it; if not, ask the pool for it again. */
  known = true;

  constructor(key: string, place: Place) {
    this.key = key;
    this.place = place;
  }
}
