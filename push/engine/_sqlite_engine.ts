import type { DatabaseSync } from "node:sqlite";
import type { ConnError } from "../../conn/error.ts";
import type {
  Engine,
  EngineListener,
  EnginePublish,
  EnginePublished,
  EngineState,
  Version,
} from "./engine.ts";
import {
  type Outcome,
  SqliteStore,
  type SqliteStoreOptions,
  type Task,
} from "./_sqlite_store.ts";
import { cannotOpen } from "./_sqlite_file.ts";
import { unavailable } from "./unavailable.ts";

/** A task, and who waits for it. */
interface Pending {
  readonly task: Task;
  readonly done: (outcome: Outcome) => void;
}

/**
 * Versions that may go are dropped when so much was published since, in
 * characters, each version counted as so many at least.
 */
const TRIM_EVERY = 2 ** 20;
const TRIM_LEAST = 2 ** 12;

const resolved = Promise.resolve();

/**
 * What is asked for in a turn of the event loop is done at its end, in one
 * transaction; the listener is told, and then the promises resolve.
 */
export class SqliteEngine implements Engine {
  readonly name = "sqlite";
  readonly #path: string;
  readonly #openFile: (path: string) => DatabaseSync;
  readonly #options: SqliteStoreOptions;
  #listener: EngineListener | undefined;
  #store: SqliteStore | undefined;
  #closed = false;
  #pending: Pending[] = [];
  /** By topic, the offset up to which versions may go. */
  readonly #trims = new Map<string, number>();
  /** How much was published since versions were dropped. */
  #published = 0;

  constructor(
    path: string,
    openFile: (path: string) => DatabaseSync,
    options: SqliteStoreOptions,
  ) {
    this.#path = path;
    this.#openFile = openFile;
    this.#options = options;
  }

  // deno-lint-ignore require-await -- What it throws must reject.
  async open(listener: EngineListener): Promise<EngineState> {
    if (this.#store !== undefined || this.#closed) {
      throw unavailable("Cannot open the engine: a hub has opened it before");
    }
    const file = this.#openFile(this.#path);
    try {
      const store = new SqliteStore(file, this.#options);
      const state = store.load();
      this.#store = store;
      this.#listener = listener;
      return state;
    } catch (error) {
      file.close();
      throw cannotOpen(this.#path, error);
    }
  }

  async publish(publish: EnginePublish): Promise<EnginePublished> {
    const outcome = await this.#add({ type: "publish", publish });
    switch (outcome.type) {
      case "version":
        return { offset: outcome.version.offset, duplicate: false };
      case "duplicate":
        return { offset: outcome.offset, duplicate: true };
      default:
        throw refusal(`publish to "${publish.topic}"`, outcome);
    }
  }

  trim(topic: string, offset: number): void {
    const newest = this.#store?.newest(topic) ?? 0;
    const last = Math.min(offset, newest - 1);
    const before = this.#trims.get(topic) ?? 0;
    if (last > before) this.#trims.set(topic, last);
  }

  async remove(topic: string): Promise<void> {
    const outcome = await this.#add({ type: "remove", topic });
    if (outcome.type === "removed") return;
    throw refusal(`remove the topic "${topic}"`, outcome);
  }

  signal(): void {
    // There is no other hub.
  }

  close(): Promise<void> {
    this.#closed = true;
    const store = this.#store;
    if (store === undefined) return resolved;
    this.#flush();
    this.#store = undefined;
    try {
      this.#trim(store);
      store.close();
    } catch {
      // What was kept is kept: the next one to open the file finds it all.
    }
    return resolved;
  }

  #add(task: Task): Promise<Outcome> {
    if (this.#store === undefined) {
      const error = new Error("the engine is not open");
      return Promise.resolve({ type: "failed", error });
    }
    if (this.#pending.length === 0) resolved.then(this.#flush);
    return new Promise((done) => this.#pending.push({ task, done }));
  }

  readonly #flush = (): void => {
    if (this.#pending.length === 0) return;
    const pending = this.#pending;
    this.#pending = [];
    const outcomes = this.#keep(pending.map(({ task }) => task));
    this.#tell(outcomes);
    for (const [i, outcome] of outcomes.entries()) pending[i]!.done(outcome);
  };

  #keep(tasks: readonly Task[]): Outcome[] {
    const store = this.#store!;
    try {
      if (this.#published >= TRIM_EVERY) this.#trim(store);
      return store.keep(tasks);
    } catch {
      return this.#keepEach(store, tasks);
    }
  }

  /** Where not all can be done, what can be is. */
  #keepEach(store: SqliteStore, tasks: readonly Task[]): Outcome[] {
    try {
      // There may be room, then.
      this.#trim(store);
    } catch {
      // What else fails now says why.
    }
    return tasks.map((task) => {
      try {
        return store.keep([task])[0]!;
      } catch (error) {
        return { type: "failed", error };
      }
    });
  }

  #trim(store: SqliteStore): void {
    store.trim(this.#trims);
    this.#trims.clear();
    this.#published = 0;
  }

  /** Tells what there is to tell, in order. */
  #tell(outcomes: readonly Outcome[]): void {
    const listener = this.#listener!;
    let versions: Version[] = [];
    const tellVersions = () => {
      if (versions.length > 0) listener.versions(versions);
      versions = [];
    };
    for (const outcome of outcomes) {
      if (outcome.type === "version") {
        versions.push(outcome.version);
        this.#published += TRIM_LEAST + outcome.version.data.length;
      } else if (outcome.type === "removed") {
        tellVersions();
        listener.removed(outcome.topic);
      }
    }
    tellVersions();
  }
}

function refusal(action: string, outcome: Outcome): ConnError {
  const error = outcome.type === "failed" ? outcome.error : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  return unavailable(`Cannot ${action}: ${reason}`, error);
}
