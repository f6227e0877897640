import { assert, assertEquals } from "@std/assert";
import type { Engine, EngineListener, EngineState, Version } from "./engine.ts";

/** How long {@linkcode Recorder.until} waits before it gives up, in milliseconds. */
const PATIENCE = 10_000;

/** What an engine has told, as `told` lists it. */
export type Told =
  | { type: "versions"; versions: readonly Version[] }
  | { type: "reload"; state: EngineState }
  | { type: "removed"; topic: string }
  | { type: "signal"; message: string }
  | { type: "reachable"; reachable: boolean };

/**
 * A hub as engines see it: it notes what it is told, has what the engine keeps,
 * and checks that versions come in order, each linked to the one before it.
 */
export class Recorder implements EngineListener {
  /** All that it was told, in order. */
  readonly told: Told[] = [];
  /** By topic, all versions that were not removed. */
  readonly topics = new Map<string, Version[]>();
  epoch = "";
  /** The offset of the last version. */
  offset = 0;
  readonly #waiting = new Set<() => void>();

  /** Opens an engine. */
  static async open(engine: Engine): Promise<Recorder> {
    const recorder = new Recorder();
    recorder.#begin(await engine.open(recorder));
    return recorder;
  }

  versions(versions: readonly Version[]): void {
    assert(versions.length > 0, "versions() was called without any");
    for (const version of versions) this.#add(version);
    this.#note({ type: "versions", versions });
  }

  reload(state: EngineState): void {
    this.#begin(state);
    this.#note({ type: "reload", state });
  }

  removed(topic: string): void {
    this.topics.delete(topic);
    this.#note({ type: "removed", topic });
  }

  signal(message: string): void {
    this.#note({ type: "signal", message });
  }

  reachable(reachable: boolean): void {
    this.#note({ type: "reachable", reachable });
  }

  /** All versions that it was told, in order, those of removed topics too. */
  get log(): Version[] {
    return this.told.flatMap((told) =>
      told.type === "versions" ? told.versions : []
    );
  }

  /** The signals that it was told. */
  get signals(): string[] {
    return this.told.flatMap((told) =>
      told.type === "signal" ? told.message : []
    );
  }

  /** The newest value of a topic, as JSON text. */
  newest(topic: string): string | undefined {
    return this.topics.get(topic)?.at(-1)?.data;
  }

  /** The values of a topic, as JSON text. */
  data(topic: string): string[] {
    return this.topics.get(topic)?.map(({ data }) => data) ?? [];
  }

  /** Waits until something is true, looking whenever something was told. */
  async until(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = () => {
      if (condition()) resolve();
    };
    const timer = setTimeout(
      () => reject(new Error(`Waited in vain until ${what}`)),
      PATIENCE,
    );
    this.#waiting.add(look);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  #note(told: Told): void {
    this.told.push(told);
    for (const look of this.#waiting) look();
  }

  #begin({ epoch, offset, versions }: EngineState): void {
    assert(/^[a-z0-9]{1,32}$/.test(epoch), `The epoch is "${epoch}"`);
    this.epoch = epoch;
    this.offset = 0;
    this.topics.clear();
    for (const version of versions) this.#add(version);
    assert(offset >= this.offset, "The state's offset is behind its versions");
    this.offset = offset;
  }

  #add(version: Version): void {
    const { topic, offset, previous } = version;
    assert(Number.isSafeInteger(offset) && offset > 0, `offset is ${offset}`);
    assert(offset > this.offset, `${offset} was told after ${this.offset}`);
    assert(previous < offset, `previous of ${offset} is ${previous}`);
    const before = this.topics.get(topic);
    if (before !== undefined) {
      assertEquals(previous, before.at(-1)!.offset, `previous of ${offset}`);
      before.push(version);
    } else this.topics.set(topic, [version]);
    this.offset = offset;
  }
}
