// An engine whose store the test holds, and may harm.

import type {
  Engine,
  EngineListener,
  EnginePublish,
  EnginePublished,
  EngineState,
  Version,
} from "./engine.ts";

/** What all engines of a test share, beyond the end of each. */
export class FakeStore {
  epoch = "e1";
  offset = 0;
  /** What is retained, in order. */
  versions: Version[] = [];
  /** All there ever was, by epoch. */
  readonly truth = new Map<string, Version[]>();
  /** The engines of the hubs that share it. */
  readonly engines = new Set<FakeEngine>();
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

/** One hub's engine over a store. What other hubs do, it tells when it is to. */
export class FakeEngine implements Engine {
  readonly name = "fake";
  readonly store: FakeStore;
  readonly trimmed: [topic: string, offset: number][] = [];
  /** The hub, as long as it is open. */
  listener: EngineListener | undefined;
  /** What the hub was told last, which it is told again. */
  #last: readonly Version[] = [];
  /** What the hub was not told yet. */
  #untold: ((listener: EngineListener, engine: FakeEngine) => void)[] = [];

  constructor(store = new FakeStore()) {
    this.store = store;
  }

  open(listener: EngineListener): Promise<EngineState> {
    this.listener = listener;
    this.store.engines.add(this);
    return Promise.resolve(this.store.state());
  }

  /** Tells the next few things, by default all. */
  tell(most = Infinity): void {
    for (const each of this.#untold.splice(0, most)) each(this.listener!, this);
  }

  /** Tells all anew. */
  reload(): void {
    this.#untold = [];
    this.#last = [];
    this.listener!.reload(this.store.state());
  }

  publish({ topic, data }: EnginePublish): Promise<EnginePublished> {
    const version = this.store.append(topic, data);
    this.#happens((listener, engine) => {
      listener.versions([...engine.#last, version]);
      engine.#last = [version];
    });
    return Promise.resolve({ offset: version.offset, duplicate: false });
  }

  trim(topic: string, offset: number): void {
    this.trimmed.push([topic, offset]);
  }

  remove(topic: string): Promise<void> {
    if (this.store.remove(topic)) {
      this.#happens((listener) => listener.removed(topic));
    }
    return Promise.resolve();
  }

  /** For all hubs; this one is told at once, and so of all that was before. */
  #happens(
    what: (listener: EngineListener, engine: FakeEngine) => void,
  ): void {
    for (const engine of this.store.engines) engine.#untold.push(what);
    this.tell();
  }

  signal(): void {}

  close(): Promise<void> {
    this.listener = undefined;
    this.store.engines.delete(this);
    return Promise.resolve();
  }
}
