// The connections to one backend: those that are kept, new ones, and the queue of
// attempts that wait for one.

import type { Clock } from "../../conn/clock.ts";
import { ConnError } from "../../conn/error.ts";
import { type TimerWheel, WheelEntry, wheelFor } from "../../conn/wheel.ts";
import type { PoolConfig } from "../config/config.ts";
import type { Attempt, ClientAddress } from "./_attempt.ts";
import type { BackendConn, ConnOwner } from "./_backend_conn.ts";

/** A connection that was opened, and how long it took, in milliseconds. */
export interface Opened {
  readonly conn: BackendConn;
  readonly connectTime: number;
}

/** Opens a connection, for whoever needs one or for one client. */
export type Opener = (
  owner: ConnOwner,
  retireAt: number,
  client: ClientAddress | undefined,
) => Promise<Opened>;

/** A backend's announced time is not used up: a request takes a while to arrive. */
const MARGIN = 1000;

/** What a pool needs. */
export interface PoolOptions {
  readonly settings: Readonly<Required<PoolConfig>>;
  readonly clock: Clock;
  readonly open: Opener;
  /** No connection could be opened, and nobody waits for it any more. */
  readonly onFailure: (code: string) => void;
  /** Each connection is for one attempt. */
  readonly dedicated: boolean;
  /** Whether a connection is still of use. */
  readonly isCurrent: (conn: BackendConn) => boolean;
  /** The backend's, for who is refused. */
  readonly name: string;
}

/** The connections to one backend. */
export class BackendPool extends WheelEntry implements ConnOwner {
  readonly #options: PoolOptions;
  #settings: Readonly<Required<PoolConfig>>;
  /** Each connection is for one attempt. */
  #dedicated: boolean;
  /** Put aside, the one that was used last at the end. */
  readonly #idle: BackendConn[] = [];
  readonly #waiting: Attempt[] = [];
  #open = 0;
  #opening = 0;
  #retired = false;
  readonly #wheel: TimerWheel;

  constructor(options: PoolOptions) {
    super();
    this.#wheel = wheelFor(options.clock);
    this.#options = options;
    this.#settings = options.settings;
    this.#dedicated = options.dedicated;
  }

  /**
   * Attempts that wait and that no connection is being opened for come after so
   * many others.
   */
  get #served(): number {
    // Who has a connection of its own does not wait with the others.
    return this.#dedicated ? 0 : this.#opening;
  }

  /** How many of those there are. */
  get #queued(): number {
    return this.#waiting.length - this.#served;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#open;
  }

  /** Of these, the ones that carry nothing. */
  get idle(): number {
    return this.#idle.length;
  }

  /** Attempts that wait for a connection. */
  get queued(): number {
    return this.#waiting.length;
  }

  /** Finds a connection for an attempt, now or later. */
  acquire(attempt: Attempt): void {
    const now = attempt.startedAt;
    if (!attempt.fresh && !this.#waiting.some(takesKept)) {
      const conn = this.#takeIdle(now, attempt.unsafe);
      if (conn !== undefined) return this.#assign(conn, attempt, now);
    }
    const { maxQueue, maxConnections } = this.#settings;
    const total = this.#open + this.#opening;
    if (total >= maxConnections && this.#queued >= maxQueue) {
      return this.#refuse(attempt, "queue_full", `${this.#queued} others wait`);
    }
    this.#waiting.push(attempt);
    if (total < maxConnections) this.#openOne();
    // It cannot use those that are idle, so they must not be in its way.
    else this.#idle[0]?.close();
    this.#watchQueue();
  }

  /** Takes an attempt out of the queue. */
  leave(attempt: Attempt): void {
    const index = this.#waiting.indexOf(attempt);
    if (index >= 0) this.#waiting.splice(index, 1);
    this.#watchQueue();
  }

  /** A connection is free. */
  released(conn: BackendConn, now: number): void {
    if (this.#dedicated) return conn.close();
    const next = this.#waiting.length > 0 ? this.#next(false) : undefined;
    if (next !== undefined) return this.#assign(conn, next, now);
    // Who waits needs a new one, for which this one may be in the way.
    if (this.#queued > 0) return conn.close();
    const { maxIdle, idleTimeout } = this.#settings;
    const keep = Math.min(idleTimeout, conn.announcedIdle - MARGIN);
    if (
      this.#retired || this.#idle.length >= maxIdle || keep <= 0 ||
      !this.#options.isCurrent(conn)
    ) return conn.close();
    this.#idle.push(conn);
    conn.idle(now, now + keep);
  }

  /** A connection carries nothing more. */
  left(conn: BackendConn): void {
    this.#open--;
    const index = this.#idle.lastIndexOf(conn);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#openForWaiting();
  }

  /** Goes by other settings. */
  configure(
    settings: Readonly<Required<PoolConfig>>,
    dedicated: boolean,
  ): void {
    this.#settings = settings;
    this.#dedicated = dedicated;
    this.#watchQueue();
    const places = settings.maxConnections - this.#open - this.#opening;
    for (let i = Math.min(places, this.#queued); i > 0; i--) this.#openOne();
  }

  /** Closes those put aside that are not of use any more. */
  review(): void {
    for (const conn of [...this.#idle]) {
      if (!this.#options.isCurrent(conn)) conn.close();
    }
  }

  /** Keeps nothing from now on; what is under way goes on to its end. */
  retire(): void {
    this.#retired = true;
    for (const conn of [...this.#idle]) conn.close();
  }

  /** Uses it again. */
  restore(): void {
    this.#retired = false;
  }

  #takeIdle(now: number, unsafe: boolean): BackendConn | undefined {
    for (;;) {
      const conn = this.#idle.at(-1);
      if (conn === undefined) return undefined;
      // The one that was used last is the freshest of all.
      if (unsafe && now - conn.idleSince > this.#settings.unsafeIdle) {
        return undefined;
      }
      this.#idle.pop();
      if (conn.isUsable(now)) return conn;
      conn.close();
    }
  }

  #assign(conn: BackendConn, attempt: Attempt, now: number): void {
    attempt.queueTime = now - attempt.startedAt;
    conn.begin(attempt, now);
    attempt.owner.assigned(attempt);
  }

  /**
   * Takes the first out that waits.
   *
   * @param isNew Whether it is for a connection that was not used before.
   */
  #next(isNew: boolean): Attempt | undefined {
    const index = this.#waiting.findIndex(({ fresh }) => isNew || !fresh);
    if (index < 0) return undefined;
    const [next] = this.#waiting.splice(index, 1);
    this.#watchQueue();
    return next;
  }

  async #openOne(): Promise<void> {
    const { clock, open } = this.#options;
    const dedicated = this.#dedicated;
    const { maxConnections, maxAge } = this.#settings;
    if (this.#open + this.#opening >= maxConnections) return;
    const own = dedicated ? this.#next(true) : undefined;
    if (dedicated && own === undefined) return;
    this.#opening++;
    this.#watchQueue();
    try {
      const retireAt = clock.now() + maxAge;
      const opened = await open(this, retireAt, own?.owner.source);
      this.#opening--;
      this.#open++;
      this.#opened(opened, own ?? this.#next(true));
    } catch (error) {
      this.#opening--;
      const next = own ?? this.#next(true);
      const failure = asConnError(error);
      if (next !== undefined && !next.over) next.owner.failed(next, failure);
      else this.#options.onFailure(failure.code);
      this.#openForWaiting();
    }
  }

  #openForWaiting(): void {
    if (this.#queued > 0) this.#openOne();
  }

  #opened({ conn, connectTime }: Opened, attempt: Attempt | undefined): void {
    const now = this.#options.clock.now();
    if (attempt === undefined || attempt.over) return this.released(conn, now);
    attempt.connectTime = connectTime;
    this.#assign(conn, attempt, now);
  }

  #refuse(attempt: Attempt, code: string, why: string): void {
    attempt.owner.failed(
      attempt,
      new ConnError(
        `Cannot get a connection to "${this.#options.name}": ${why}`,
        { code, side: "local", reply: 503 },
      ),
    );
  }

  /** Sees to it that nobody waits too long. */
  #watchQueue(): void {
    const first = this.#waiting[this.#served];
    if (first === undefined) return this.#wheel.cancel(this);
    const { queueTimeout } = this.#settings;
    this.#wheel.schedule(this, first.startedAt + queueTimeout);
  }

  override due(now: number): void {
    const { queueTimeout } = this.#settings;
    const why = `none was free within ${queueTimeout} ms`;
    for (;;) {
      const first = this.#waiting[this.#served];
      if (first === undefined || first.startedAt + queueTimeout > now) break;
      this.#waiting.splice(this.#served, 1);
      this.#refuse(first, "queue_timeout", why);
    }
    this.#watchQueue();
  }
}

/** Whether an attempt could use a connection that has been put aside for long. */
function takesKept({ fresh, unsafe }: Attempt): boolean {
  return !fresh && !unsafe;
}

function asConnError(error: unknown): ConnError {
  return error instanceof ConnError ? error : new ConnError(
    `Cannot connect: ${error instanceof Error ? error.message : error}`,
    { code: "connect_failed", side: "transport", cause: error },
  );
}
