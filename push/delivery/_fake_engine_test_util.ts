// An engine whose store the test holds, and may harm.

import type {
  Engine,
  EngineListener,
  EnginePublish,
  EnginePublished,
  EngineState,
  Version,
} from "../engine/engine.ts";

/** What all engines of a test share, beyond the end of each. */
export class FakeStore {
  epoch = "e1";
  offset = 0;
  /** What is retained, in order. */
  versions: Version[] = [];
  /** All there ever was, by epoch. */
  readonly truth = new Map<string, Version[]>();
  readonly #newest = new Map<string, number>();

  /** Orders a value and keeps it; nobody is told. */
  append(topic: string, data: string): Version {
    const previous = this.#newest.get(topic) ?? 0;
    const offset = ++this.offset;
    const version = { topic, offset, previous, at: 0, data };
    this.#newest.set(topic, offset);
    this.versions.push(version);
    const all = this.truth.get(this.epoch);
    if (all === undefined) this.truth.set(this.epoch, [version]);
    else all.push(version);
    return version;
  }

  /** Drops all but the newest version of each topic. */
  forget(): void {
    const newest = new Set(this.#newest.values());
    this.versions = this.versions.filter(({ offset }) => newest.has(offset));
  }

  /** Drops a topic. */
  remove(topic: string): boolean {
    this.versions = this.versions.filter((version) => version.topic !== topic);
    return this.#newest.delete(topic);
  }

  /** Loses everything. */
  renew(epoch: string): void {
    this.epoch = epoch;
    this.offset = 0;
    this.versions = [];
    this.#newest.clear();
  }

  /** What is kept. */
  state(): EngineState {
    const { epoch, offset, versions } = this;
    return { epoch, offset, versions: [...versions] };
  }
}

/** One hub's engine over a store. */
export class FakeEngine implements Engine {
  readonly name = "fake";
  readonly store: FakeStore;
  readonly trimmed: [topic: string, offset: number][] = [];
  /** The hub, as long as it is open. */
  listener: EngineListener | undefined;

  constructor(store = new FakeStore()) {
    this.store = store;
  }

  open(listener: EngineListener): Promise<EngineState> {
    this.listener = listener;
    return Promise.resolve(this.store.state());
  }

  publish({ topic, data }: EnginePublish): Promise<EnginePublished> {
    const version = this.store.append(topic, data);
    this.listener?.versions([version]);
    return Promise.resolve({ offset: version.offset, duplicate: false });
  }

  trim(topic: string, offset: number): void {
    this.trimmed.push([topic, offset]);
  }

  remove(topic: string): Promise<void> {
    if (this.store.remove(topic)) this.listener?.removed(topic);
    return Promise.resolve();
  }

  signal(): void {}

  close(): Promise<void> {
    this.listener = undefined;
    return Promise.resolve();
  }
}
