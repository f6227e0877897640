/**
 * Which connection a request goes over: kept ones, new ones, and the queue of
 * those that have to wait.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import type { ClientConn } from "./_client_conn.ts";
import { Origin, type Waiter } from "./_origin.ts";
import type { Place } from "./_connector.ts";
import type { ConnKeeper } from "./_exchange.ts";
import type { PoolOptions } from "./client_options.ts";

/** Opens a connection for an origin. */
export type Opener = (
  origin: Origin,
  signal: AbortSignal,
) => Promise<ClientConn>;

/** Unused for so many milliseconds, a connection may be dead without our knowing. */
const DOUBT_AFTER = 20;
/** So many microtasks is what a program takes from a reply to the next request. */
const REST_AFTER = 16;
/** A server's announced time is not used up: a request takes a while to arrive. */
const MARGIN = 1000;

const resolved = Promise.resolve();

/** The connections of a client. */
export class Pool implements ConnKeeper {
  readonly clock: Clock;
  readonly #opener: Opener;
  readonly #options: Required<PoolOptions>;
  readonly #origins = new Map<string, Origin>();
  readonly #conns = new Set<ClientConn>();
  /** Those that take no more requests, and have not closed yet. */
  readonly #closing = new Set<ClientConn>();
  /** Those that were put aside lately. */
  readonly #rested: ClientConn[] = [];
  #opening = 0;
  #waiting = 0;
  /** Whether free connections are kept. */
  #keeping = true;
  #closed = false;
  /** A connection closes for one that is about to be opened. */
  #makingRoom = false;

  constructor(clock: Clock, opener: Opener, options: PoolOptions = {}) {
    this.clock = clock;
    this.#opener = opener;
    this.#options = {
      connectionsPerOrigin: options.connectionsPerOrigin ?? 128,
      connections: options.connections ?? 1024,
      queueSize: options.queueSize ?? 10_000,
      idleTimeout: options.idleTimeout ?? 60_000,
      maxAge: options.maxAge ?? 600_000,
    };
  }

  /** How old a connection may get. */
  get maxAge(): number {
    return this.#options.maxAge;
  }

  /** All open connections. */
  get conns(): ReadonlySet<ClientConn> {
    return this.#conns;
  }

  /** The origin of that key, made if it is not there. */
  origin(key: string, place: Place): Origin {
    let origin = this.#origins.get(key);
    if (origin === undefined) {
      this.#origins.set(key, origin = new Origin(key, place));
    }
    return origin;
  }

  /** Finds a connection, now or later. */
  acquire(origin: Origin, waiter: Waiter, now: number): void {
    if (this.#closed) return waiter.unassigned(closedError());
    if (!waiter.fresh && origin.waiting.length === 0) {
      const conn = this.#takeIdle(origin, now);
      if (conn !== undefined) return this.#assign(origin, conn, waiter, now);
    }
    if (this.#waiting >= this.#options.queueSize) {
      return waiter.unassigned(
        new ConnError(
          `Cannot queue the request: ${this.#waiting} others wait for a connection`,
          { code: "queue_full", side: "local" },
        ),
      );
    }
    origin.waiting.push(waiter);
    this.#waiting++;
    this.#openMore(origin);
  }

  /** Takes a waiter out; does nothing if it does not wait. */
  leave(origin: Origin, waiter: Waiter): void {
    const index = origin.waiting.indexOf(waiter);
    if (index < 0) return;
    origin.waiting.splice(index, 1);
    this.#waiting--;
    // Nobody is left who would use what is being opened.
    while (origin.opening.length > origin.waiting.length) {
      origin.opening.pop()!.abort();
    }
    this.#forget(origin);
  }

  /** Whether a connection is being opened that a waiter is going to get. */
  isOpening(origin: Origin, waiter: Waiter): boolean {
    return origin.waiting.indexOf(waiter) < origin.opening.length;
  }

  /** A connection is free. */
  release(conn: ClientConn, now: number): void {
    const origin = conn.origin;
    if (conn.gone) return conn.close();
    // A new one is used before it is given up, or nobody would ever get any.
    const starved = conn.uses === 0 ? undefined : this.#starved(origin);
    if (starved !== undefined) {
      this.#closeForAnother(conn);
      this.#openMore(starved);
      return this.#openWaited();
    }
    const waiter = this.#nextWaiter(origin);
    if (waiter !== undefined) return waiter.assigned(conn, now);
    const keep = Math.min(
      this.#options.idleTimeout,
      conn.announcedIdle === undefined
        ? Infinity
        : Math.max(0, conn.announcedIdle - MARGIN),
    );
    if (keep <= 0 || !this.#keeping) return conn.close();
    origin.idle.push(conn);
    conn.idle(now, Math.min(now + keep, conn.retireAt));
    if (this.#rested.push(conn) === 1) this.#restSoon(REST_AFTER);
  }

  /** A connection takes no more requests, and closes. */
  drop(conn: ClientConn, closing: boolean): void {
    if (!this.#conns.delete(conn)) return;
    if (closing) this.#closing.add(conn);
    const origin = conn.origin;
    origin.open--;
    const index = origin.idle.indexOf(conn);
    if (index >= 0) origin.idle.splice(index, 1);
    if (this.#waiting > 0 && !this.#makingRoom) this.#openWaited();
    this.#forget(origin);
  }

  /** Closes what is free; nothing is kept from now on. */
  empty(): void {
    this.#keeping = false;
    for (const origin of [...this.#origins.values()]) {
      for (const conn of [...origin.idle]) conn.close();
    }
  }

  /** Gives everything up at once, and resolves when all of it has closed. */
  async abort(error: ConnError): Promise<void> {
    this.#closed = true;
    this.#keeping = false;
    for (const origin of [...this.#origins.values()]) {
      for (const opening of origin.opening.splice(0)) opening.abort(error);
      for (const waiter of origin.waiting.splice(0)) {
        this.#waiting--;
        waiter.unassigned(error);
      }
    }
    const all = [...this.#conns, ...this.#closing];
    for (const conn of all) conn.break(error);
    await Promise.all(all.map(({ conn }) => conn.closed));
  }

  /**
   * Stops idle connections from keeping the process alive, a few microtasks
   * later: most are in use again by then.
   */
  #restSoon(turns: number): void {
    resolved.then(() => {
      if (turns > 0) return this.#restSoon(turns - 1);
      for (const conn of this.#rested.splice(0)) conn.rest();
    });
  }

  /** A connection has closed. */
  closed(conn: ClientConn): void {
    this.#closing.delete(conn);
  }

  #takeIdle(origin: Origin, now: number): ClientConn | undefined {
    let conn: ClientConn | undefined;
    while ((conn = origin.idle.pop()) !== undefined) {
      if (conn.wake(now)) return conn;
      conn.close();
    }
    return undefined;
  }

  #assign(
    origin: Origin,
    conn: ClientConn,
    waiter: Waiter,
    now: number,
  ): void {
    if (now - conn.idleSince < DOUBT_AFTER || waiter.repeatable) {
      return waiter.assigned(conn, now);
    }
    // The server may have closed it, and the news not have been read yet. What
    // must not be sent twice takes the two milliseconds for a look.
    this.clock.setTimeout(() => {
      const later = this.clock.now();
      if (!conn.gone) waiter.assigned(conn, later);
      else this.acquire(origin, waiter, later);
    }, 0);
  }

  #nextWaiter(origin: Origin): Waiter | undefined {
    const waiter = origin.waiting.shift();
    if (waiter !== undefined) this.#waiting--;
    return waiter;
  }

  /** Opens connections for those who wait, as far as the limits allow. */
  #openMore(origin: Origin): void {
    while (
      origin.waiting.length > origin.opening.length &&
      origin.open + origin.opening.length <
        this.#options.connectionsPerOrigin &&
      this.#room()
    ) {
      this.#open(origin);
    }
  }

  /** Whether one more connection fits; makes room by closing a free one. */
  #room(): boolean {
    if (this.#conns.size + this.#opening < this.#options.connections) {
      return true;
    }
    for (const origin of this.#origins.values()) {
      const conn = origin.idle[0];
      if (conn === undefined) continue;
      this.#closeForAnother(conn);
      return true;
    }
    return false;
  }

  #closeForAnother(conn: ClientConn): void {
    this.#makingRoom = true;
    conn.close();
    this.#makingRoom = false;
  }

  #open(origin: Origin): void {
    const controller = new AbortController();
    origin.opening.push(controller);
    this.#opening++;
    const over = (): void => {
      this.#opening--;
      const index = origin.opening.indexOf(controller);
      if (index >= 0) origin.opening.splice(index, 1);
    };
    this.#opener(origin, controller.signal).then((conn) => {
      over();
      if (this.#closed) return conn.break(controller.signal.reason);
      if (conn.gone) return this.#openMore(origin);
      origin.open++;
      this.#conns.add(conn);
      this.release(conn, this.clock.now());
    }, (error) => {
      over();
      // An aborted one was for somebody who has left.
      if (!controller.signal.aborted) {
        this.#nextWaiter(origin)?.unassigned(error);
      }
      this.#openWaited();
      this.#forget(origin);
    });
  }

  /** Another origin that waits, has no connection and cannot get one. */
  #starved(except: Origin): Origin | undefined {
    if (this.#waiting === except.waiting.length) return undefined;
    const { connections } = this.#options;
    if (this.#conns.size + this.#opening < connections) return undefined;
    for (const origin of this.#origins.values()) {
      const has = origin.open + origin.opening.length;
      if (origin !== except && has === 0 && origin.waiting.length > 0) {
        return origin;
      }
    }
    return undefined;
  }

  /** Opens what is waited for, first for those who have nothing at all. */
  #openWaited(): void {
    const origins = [...this.#origins.values()];
    for (const origin of origins) {
      if (origin.open === 0) this.#openMore(origin);
    }
    for (const origin of origins) this.#openMore(origin);
  }

  #forget(origin: Origin): void {
    if (
      origin.open === 0 && origin.opening.length === 0 &&
      origin.waiting.length === 0
    ) {
      origin.known = false;
      this.#origins.delete(origin.key);
    }
  }
}

function closedError(): ConnError {
  return new ConnError("Cannot send the request: the client is closed", {
    code: "client_closed",
    side: "local",
  });
}
