// What a client makes of what it gets, and must get.

import { assert, assertEquals } from "@std/assert";
import type { Version } from "../engine/engine.ts";
import type { Cursor } from "../model/cursor.ts";
import { applyMergePatch } from "../model/merge_patch.ts";
import { covers, matches } from "../model/topic_name.ts";
import type { Mode } from "../wire/protocol.ts";
import type { Got } from "./_fake_outlet_test_util.ts";
import type { HubModel, World } from "./_world_test_util.ts";

/** What a subscription is asked for with. */
export interface Ask {
  readonly filters: readonly string[];
  readonly mode: Mode;
  readonly delta: boolean;
}

/**
 * A subscription as its client sees it, which knows what is published, and fails
 * when it gets what it must not, or does not get what it must.
 */
export class SubscriptionModel {
  readonly ask: Ask;
  readonly name: string;
  readonly got: Got[] = [];
  readonly #world: World;
  /** What it comes back with. */
  cursor: Cursor | undefined;
  /** Values by topic, and their offsets. */
  #held = new Map<string, { offset: number; value: unknown }>();
  /** By topic, up to where nothing is missing that it was not told of. */
  #done = new Map<string, number>();
  /** The same for topics that it knows nothing of. */
  #doneTo = 0;
  #epoch: string;
  #last = 0;
  /** Where topics begin if all begins anew. */
  anew = new Map<string, number>();
  /** How many more are missing, as it was told. */
  #missed = 0;
  /** Up to here any number may be missing. */
  #looseTo = 0;
  /** It came with more than its hub had. */
  #wasAhead = false;
  #mayReset = false;

  constructor(world: World, ask: Ask) {
    this.#world = world;
    this.ask = ask;
    // As the hub names a set of filters: without those that others cover.
    this.name = ask.filters.filter((filter) =>
      !ask.filters.some((other) => other !== filter && covers(other, filter))
    ).sort().join(",");
    this.#epoch = world.store.epoch;
  }

  matches(topic: string): boolean {
    return this.ask.filters.some((filter) => matches(filter, topic));
  }

  /** It subscribes now, or the hub has begun anew. */
  begins(
    since: Cursor | "newest" | "oldest",
    hub: HubModel,
    isNew: boolean,
  ): void {
    const { store } = this.#world;
    this.anew = new Map();
    for (const { topic, previous } of isNew ? hub.retained() : store.versions) {
      this.anew.set(topic, previous);
    }
    this.#mayReset = true;
    if (!isNew) return;
    this.#missed = this.#looseTo = 0;
    // It has a cursor at most.
    this.#held.clear();
    this.#wasAhead = false;
    if (since === "newest" || since === "oldest") {
      this.#epoch = hub.core.store.epoch;
      this.#last = 0;
      this.#doneTo = 0;
      this.#done = new Map(this.anew);
      if (since === "oldest") {
        const oldest = new Map<string, number>();
        for (const { topic, previous } of hub.retained()) {
          if (!oldest.has(topic)) oldest.set(topic, previous);
        }
        this.#done = oldest;
      }
      this.#mayReset = false;
      return;
    }
    this.#done.clear();
    this.#doneTo = this.#last = since.offset;
    this.#epoch = since.epoch;
    this.#mayReset = since.epoch !== hub.core.store.epoch;
    this.#wasAhead = since.offset > hub.core.store.offset;
  }

  take(got: Got): void {
    const { kind, epoch } = got;
    const { to: _to, anew: _anew, ...shown } = got;
    this.got.push(shown);
    const what = `${this.name}: ${JSON.stringify(shown)}`;
    if (kind === "reset") return this.#reset(got, what);
    assertEquals(epoch, this.#epoch, `another epoch without a reset: ${what}`);
    if (kind === "gap") return this.#gap(got, what);
    this.#value(got, what);
  }

  #doneOf(topic: string): number {
    return this.#done.get(topic) ?? this.#doneTo;
  }

  #reset({ topic, epoch, reason, anew }: Got, what: string): void {
    if (topic === undefined) {
      assertEquals(reason, "epoch");
      const mayReset = this.#mayReset || epoch !== this.#epoch;
      assert(mayReset, `reset without a reason: ${what}`);
      this.#mayReset = false;
      this.#missed = this.#looseTo = 0;
      this.#epoch = epoch;
      this.#done = new Map(anew);
      this.#doneTo = this.#last = 0;
      this.#held.clear();
      return;
    }
    assertEquals(reason, "history");
    assertEquals(this.ask.mode, "every", what);
    assert(this.matches(topic), what);
    const begins = anew!.get(topic) ?? 0;
    assert(begins > this.#doneOf(topic), `history is complete: ${what}`);
    this.#done.set(topic, begins);
    this.#held.delete(topic);
  }

  #gap({ topic, offset, missed, now }: Got, what: string): void {
    assertEquals(this.ask.mode, "every", what);
    assert(offset! >= this.#last, `goes back: ${what}`);
    this.#last = offset!;
    this.cursor = { epoch: this.#epoch, offset: offset! };
    if (topic !== undefined) {
      const lost = this.#between(topic, this.#doneOf(topic), offset!);
      // A removal may look like a gap to who was not told of it; and a hub does not
      // know what a client had from another one.
      const wasRemoved = this.#world.removed.has(`${this.#epoch} ${topic}`);
      const isSure = !wasRemoved && !this.#wasAhead;
      assert(lost > 0 || !isSure, `nothing is missing: ${what}`);
      this.#done.set(topic, offset!);
    } else if (missed === undefined) this.#looseTo = now;
    else {
      assert(missed > 0, `nothing is missing: ${what}`);
      this.#missed += missed;
    }
  }

  /** How many versions there were after an offset, up to another one. */
  #between(topic: string, after: number, to: number): number {
    return this.#world.truth(this.#epoch).filter((version) =>
      version.topic === topic && version.offset > after && version.offset <= to
    ).length;
  }

  #value(got: Got, what: string): void {
    const topic = got.topic!;
    const offset = got.offset!;
    assert(this.matches(topic), `not subscribed to: ${what}`);
    assert(offset > this.#last, `not in order, after ${this.#last}: ${what}`);
    const truth = this.#world.truth(this.#epoch);
    const version = truth.find((version) => version.offset === offset);
    assertEquals(version?.topic, topic, what);
    if (this.ask.mode === "every") this.#checkNext(version!, what);
    else {
      const newest = truth.findLast((version) =>
        version.topic === topic && version.offset <= got.now
      );
      if (!this.#world.isHarmed) {
        assertEquals(offset, newest?.offset, `overtaken: ${what}`);
      }
    }
    this.#done.set(topic, offset);
    this.#last = offset;
    this.cursor = { epoch: this.#epoch, offset };
    let value: unknown = JSON.parse(got.text!);
    if (got.kind === "patch") {
      const held = this.#held.get(topic);
      assertEquals(held?.offset, got.base, `patch of what it lacks: ${what}`);
      value = applyMergePatch(held?.value, value);
    }
    assertEquals(value, JSON.parse(version!.data), `wrong value: ${what}`);
    this.#held.set(topic, { offset, value });
  }

  /** What is left out was told of. */
  #checkNext({ topic, previous }: Version, what: string): void {
    const done = this.#doneOf(topic);
    const removed = this.#world.removed.get(`${this.#epoch} ${topic}`) ?? 0;
    const after = Math.max(done, removed, this.#looseTo);
    this.#missed -= this.#between(topic, after, previous);
    assert(this.#missed >= 0, `missing ${previous}, has ${done}: ${what}`);
  }

  /** All was delivered: it has what it must have. */
  checkEnd(): void {
    const { store } = this.#world;
    const newest = new Map(
      store.versions.map((version) => [version.topic, version]),
    );
    for (const [topic, { offset }] of newest) {
      if (!this.matches(topic)) continue;
      assertEquals(this.#epoch, store.epoch, `${this.name}: no reset`);
      assert(
        this.#doneOf(topic) >= offset,
        `${this.name}: ${topic}@${offset} never came, only ${
          this.#doneOf(topic)
        }: ${JSON.stringify(this.got.slice(-5))}`,
      );
    }
    if (this.#world.isHarmed) return;
    assertEquals(this.#missed, 0, `${this.name}: fewer are missing than told`);
  }
}
