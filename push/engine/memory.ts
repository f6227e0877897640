/**
 * The engine of a single hub that keeps nothing beyond its own end.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import type {
  Engine,
  EngineListener,
  EnginePublish,
  EnginePublished,
  EngineState,
} from "./engine.ts";
import { randomName } from "../random_name.ts";
import { checkNotNegative, KEY_TTL } from "./_key_options.ts";
import { unavailable } from "./unavailable.ts";
import { wallTime } from "../wall_time.ts";

/** Options of {@linkcode memoryEngine}. */
export interface MemoryEngineOptions {
  /**
   * How long the key of a published value is remembered, in milliseconds.
   *
   * @default {600000}
   */
  keyTtl?: number;
  /**
   * The most keys that are remembered; the oldest are forgotten first.
   *
   * @default {100000}
   */
  maxKeys?: number;
  /** The clock that times go by; for tests. By default the system's. */
  clock?: Clock;
}

const MAX_KEYS = 100_000;

/**
 * Creates an engine that orders the versions of one hub and keeps none: the hub
 * has them in memory. With it they are gone, and the next one has another epoch.
 *
 * @param options How long keys are remembered.
 * @returns The engine, for one hub.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example What becomes of a value that is published twice
 * ```ts
 * import { memoryEngine } from "@meerkat/net/push";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = memoryEngine({ keyTtl: 60_000 });
 * const told: string[] = [];
 * await engine.open({
 *   versions: (versions) => told.push(...versions.map(({ data }) => data)),
 *   reload() {},
 *   removed() {},
 *   signal() {},
 *   reachable() {},
 * });
 * const value = { topic: "lucky", data: "42", key: "a" };
 * assertEquals(await engine.publish(value), { offset: 1, duplicate: false });
 * assertEquals(await engine.publish(value), { offset: 1, duplicate: true });
 * assertEquals(told, ["42"]);
 * await engine.close();
 * ```
 */
export function memoryEngine(options: MemoryEngineOptions = {}): Engine {
  const { keyTtl = KEY_TTL, maxKeys = MAX_KEYS } = options;
  checkNotNegative("keyTtl", keyTtl);
  checkNotNegative("maxKeys", maxKeys);
  return new MemoryEngine(keyTtl, maxKeys, wallTime(options.clock));
}

/** A key that is remembered, and of what. */
interface UsedKey {
  readonly offset: number;
  /** When it is forgotten, as a time of day. */
  readonly expires: number;
}

class MemoryEngine implements Engine {
  readonly name = "memory";
  readonly #keyTtl: number;
  readonly #maxKeys: number;
  readonly #time: () => number;
  #listener: EngineListener | undefined;
  #opened = false;
  #offset = 0;
  /** The offset of each topic's newest version. */
  readonly #newest = new Map<string, number>();
  /** By topic and key, the oldest first. */
  readonly #keys = new Map<string, UsedKey>();
  /**
   * Goes through the keys, once: each time from the start, it would have to step
   * over the places of all that were dropped.
   */
  #ages = this.#keys.entries();
  /** Where it is. */
  #oldest: [string, UsedKey] | undefined;

  constructor(keyTtl: number, maxKeys: number, time: () => number) {
    this.#keyTtl = keyTtl;
    this.#maxKeys = maxKeys;
    this.#time = time;
  }

  open(listener: EngineListener): Promise<EngineState> {
    if (this.#opened) {
      const message = "Cannot open the engine: a hub has opened it before";
      return Promise.reject(unavailable(message));
    }
    this.#opened = true;
    this.#listener = listener;
    return Promise.resolve({ epoch: randomName(), offset: 0, versions: [] });
  }

  publish(publish: EnginePublish): Promise<EnginePublished> {
    const { topic, data, key } = publish;
    const listener = this.#listener;
    if (listener === undefined) return Promise.reject(notOpen());
    const at = this.#time();
    if (key !== undefined) {
      const used = this.#use(topic, key, at);
      if (used !== undefined) {
        return Promise.resolve({ offset: used, duplicate: true });
      }
    }
    const offset = ++this.#offset;
    const previous = this.#newest.get(topic) ?? 0;
    this.#newest.set(topic, offset);
    listener.versions([{ topic, offset, previous, at, data }]);
    return Promise.resolve({ offset, duplicate: false });
  }

  trim(): void {
    // Nothing is kept.
  }

  remove(topic: string): Promise<void> {
    if (this.#listener === undefined) return Promise.reject(notOpen());
    if (this.#newest.delete(topic)) this.#listener.removed(topic);
    return Promise.resolve();
  }

  signal(): void {
    // There is no other hub.
  }

  close(): Promise<void> {
    this.#listener = undefined;
    this.#newest.clear();
    this.#keys.clear();
    return Promise.resolve();
  }

  /**
   * Looks a key up, and remembers it for the next version if it is new.
   *
   * @returns The offset that it was used for.
   */
  #use(topic: string, key: string, now: number): number | undefined {
    // No topic has a control character in it: no two pairs look the same.
    const name = `${topic}\n${key}`;
    const used = this.#keys.get(name);
    if (used !== undefined && used.expires > now) return used.offset;
    // Last in the order again, though it was there.
    if (used !== undefined) this.#keys.delete(name);
    this.#keys.set(name, {
      offset: this.#offset + 1,
      expires: now + this.#keyTtl,
    });
    this.#forget(now);
    return undefined;
  }

  /** Drops keys that are too old, or too many. */
  #forget(now: number): void {
    for (;;) {
      this.#oldest ??= this.#ages.next().value;
      if (this.#oldest === undefined) {
        // It has come to its end, and none is left.
        this.#ages = this.#keys.entries();
        return;
      }
      const [name, used] = this.#oldest;
      // If not, it was used anew, and comes again.
      if (this.#keys.get(name) === used) {
        if (used.expires > now && this.#keys.size <= this.#maxKeys) return;
        this.#keys.delete(name);
      }
      this.#oldest = undefined;
    }
  }
}

function notOpen() {
  return unavailable("Cannot publish: the engine is not open");
}
