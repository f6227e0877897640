/**
 * What goes to subscribers: versions, and notices between them.
 *
 * @module
 */

import type { Version } from "../engine/engine.ts";
import { mergePatch } from "../model/delta.ts";
import type { Topic } from "./topic.ts";

/** A version that a hub holds, and what was made of it. */
export class Entry {
  readonly topic: Topic;
  /** See {@linkcode Version}. */
  readonly offset: number;
  /** See {@linkcode Version}. */
  readonly previous: number;
  /** See {@linkcode Version}. */
  readonly at: number;
  /** See {@linkcode Version}. */
  readonly data: string;
  /** What it is on the wire, by where it goes; see {@linkcode Entry.cached}. */
  #frames: WeakMap<object, unknown> | undefined;
  /** The patches that lead here, by the offset of the version that they apply to. */
  #patches: Map<number, string | undefined> | undefined;

  constructor(topic: Topic, version: Version) {
    this.topic = topic;
    this.offset = version.offset;
    this.previous = version.previous;
    this.at = version.at;
    this.data = version.data;
  }

  /** The patch from another version of the topic; made once for each of those. */
  patchFrom(base: Entry): string | undefined {
    const patches = this.#patches ??= new Map();
    if (patches.has(base.offset)) return patches.get(base.offset);
    const patch = mergePatch(base.data, this.data);
    patches.set(base.offset, patch);
    return patch;
  }

  /** What was made for `wire`, or what `make` makes for it now. */
  cached<T>(wire: object, make: () => T): T {
    const frames = this.#frames ??= new WeakMap();
    let made = frames.get(wire) as T | undefined;
    if (made === undefined) frames.set(wire, made = make());
    return made;
  }
}

/** Versions of a topic are missing here. */
export interface Gap {
  readonly kind: "gap";
  /** Left out if versions of any topic are missing. */
  readonly topic?: string;
  /** What is missing is not after this offset. */
  readonly offset: number;
  /** How many, if that is known. */
  readonly missed?: number;
}

/** What was sent before is void; the current value follows. */
export interface Reset {
  readonly kind: "reset";
  /** Left out for all topics. */
  readonly topic?: string;
  readonly reason: "epoch" | "history";
  /** For all topics: what to come back with is before all that is retained. */
  readonly offset?: 0;
}

/** What a subscriber in mode `every` gets, in order. */
export type Item = Entry | Gap | Reset;
