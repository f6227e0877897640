// What is done in the tables: transactions of versions and removals.

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { EnginePublish, EngineState, Version } from "./engine.ts";

/** Something to be done, in its turn. */
export type Task =
  | { readonly type: "publish"; readonly publish: EnginePublish }
  | { readonly type: "remove"; readonly topic: string };

/** What became of it. */
export type Outcome =
  | { readonly type: "version"; readonly version: Version }
  | { readonly type: "duplicate"; readonly offset: number }
  | { readonly type: "removed"; readonly topic: string }
  | { readonly type: "failed"; readonly error: unknown };

/**
 * So many offsets are set aside at a time. A machine that goes down may lose the
 * last commits, and their offsets with them; as the next ones are above what was
 * set aside, none means two versions, and a cursor stays true.
 */
const RESERVE = 65_536;

/** Expired keys that go for each that comes. */
const SWEEP = 2;

/** Options of {@linkcode SqliteStore}. */
export interface SqliteStoreOptions {
  /** Wait for the disk at each commit. */
  durable: boolean;
  /** How long a key is remembered, in milliseconds. */
  keyTtl: number;
  /** Gives the time of day. */
  time: () => number;
}

/** The versions of a file that was opened. Whatever throws has changed nothing. */
export class SqliteStore {
  readonly #file: DatabaseSync;
  readonly #options: SqliteStoreOptions;
  readonly #statements: Statements;
  /** The offset of the last version. */
  #offset = 0;
  /** The file says that no offset is above it. */
  #ceiling = 0;
  /** The offset of each topic's newest version. */
  readonly #newest = new Map<string, number>();
  /** What a transaction has made of it so far; 0 for a topic that was removed. */
  readonly #changed = new Map<string, number>();

  constructor(file: DatabaseSync, options: SqliteStoreOptions) {
    this.#file = file;
    this.#options = options;
    this.#statements = prepare(file);
  }

  /** Reads all that is kept, and makes ready for more. */
  load(): EngineState {
    const row = this.#statements.sequence.get();
    if (row === undefined) throw new Error("its sequence is missing");
    const { epoch, ceiling } = row as { epoch: string; ceiling: number };
    const versions: Version[] = [];
    for (const row of this.#statements.versions.iterate()) {
      const version = { ...row } as unknown as Version;
      versions.push(version);
      this.#newest.set(version.topic, version.offset);
    }
    this.#offset = ceiling;
    this.#statements.sweepAll.run(Math.floor(this.#options.time()));
    this.#reserve(RESERVE);
    return { epoch, offset: ceiling, versions };
  }

  /** The offset of a topic's newest version, 0 if it has none. */
  newest(topic: string): number {
    return this.#changed.get(topic) ?? this.#newest.get(topic) ?? 0;
  }

  /** Does all of it, or throws. */
  keep(tasks: readonly Task[]): Outcome[] {
    const before = this.#offset;
    if (before + tasks.length > this.#ceiling) {
      this.#reserve(tasks.length + RESERVE);
    }
    try {
      const outcomes = this.#transact(() => tasks.map(this.#do));
      for (const [topic, offset] of this.#changed) {
        if (offset === 0) this.#newest.delete(topic);
        else this.#newest.set(topic, offset);
      }
      return outcomes;
    } catch (error) {
      this.#offset = before;
      throw error;
    } finally {
      this.#changed.clear();
    }
  }

  /** Drops versions: by topic, all up to an offset. */
  trim(topics: ReadonlyMap<string, number>): void {
    this.#transact(() => {
      for (const [topic, offset] of topics) {
        this.#statements.trim.run(topic, offset);
      }
    });
  }

  /** Notes where the offsets end, and closes the file. */
  close(): void {
    try {
      this.#statements.reserve.run(this.#offset);
    } finally {
      this.#file.close();
    }
  }

  readonly #do = (task: Task): Outcome => {
    if (task.type === "publish") return this.#publish(task.publish);
    const { topic } = task;
    this.#statements.trim.run(topic, this.newest(topic));
    this.#changed.set(topic, 0);
    return { type: "removed", topic };
  };

  #publish({ topic, data, key }: EnginePublish): Outcome {
    const at = Math.floor(this.#options.time());
    const offset = this.#offset + 1;
    if (key !== undefined) {
      const used = this.#statements.findKey.get(topic, key, at);
      if (used !== undefined) {
        return { type: "duplicate", offset: used.offset as number };
      }
      const expires = Math.min(at + this.#options.keyTtl, FOREVER);
      this.#statements.putKey.run(topic, key, offset, Math.floor(expires));
      this.#statements.sweep.run(at, SWEEP);
    }
    const previous = this.newest(topic);
    this.#statements.insert.run(offset, topic, previous, at, data);
    this.#offset = offset;
    this.#changed.set(topic, offset);
    return { type: "version", version: { topic, offset, previous, at, data } };
  }

  /**
   * Sets offsets aside: this is on the disk before one of them is used, and all
   * that was committed before with it.
   */
  #reserve(count: number): void {
    const ceiling = this.#offset + count;
    this.#file.exec("PRAGMA synchronous = FULL");
    try {
      this.#statements.reserve.run(ceiling);
    } finally {
      if (!this.#options.durable) {
        this.#file.exec("PRAGMA synchronous = NORMAL");
      }
    }
    this.#ceiling = ceiling;
  }

  #transact<T>(fn: () => T): T {
    this.#file.exec("BEGIN IMMEDIATE");
    try {
      const result = fn();
      this.#file.exec("COMMIT");
      return result;
    } catch (error) {
      // A full disk, among others, has ended the transaction by itself.
      if (this.#file.isTransaction) this.#file.exec("ROLLBACK");
      throw error;
    }
  }
}

/** The latest time that the tables can hold as JavaScript's number. */
const FOREVER = Number.MAX_SAFE_INTEGER;

type Statements = ReturnType<typeof prepare>;

function prepare(file: DatabaseSync) {
  const statement = (sql: string): StatementSync => file.prepare(sql);
  return {
    sequence: statement("SELECT epoch, ceiling FROM sequence"),
    reserve: statement("UPDATE sequence SET ceiling = ?"),
    versions: statement(
      "SELECT topic, offset, previous, at, data FROM versions ORDER BY offset",
    ),
    insert: statement("INSERT INTO versions VALUES (?, ?, ?, ?, ?)"),
    trim: statement("DELETE FROM versions WHERE topic = ? AND offset <= ?"),
    findKey: statement(
      "SELECT offset FROM keys WHERE topic = ? AND key = ? AND expires > ?",
    ),
    putKey: statement(
      `INSERT INTO keys VALUES (?, ?, ?, ?) ON CONFLICT (topic, key)
       DO UPDATE SET offset = excluded.offset, expires = excluded.expires`,
    ),
    sweep: statement(
      `DELETE FROM keys WHERE rowid IN
       (SELECT rowid FROM keys WHERE expires <= ? LIMIT ?)`,
    ),
    sweepAll: statement("DELETE FROM keys WHERE expires <= ?"),
  };
}
