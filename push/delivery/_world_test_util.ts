// A hub without a network, its clients, and what each of them must get.

import { assert, assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { HubCore } from "../core.ts";
import type { Version } from "../engine/engine.ts";
import { type Cursor, parseCursor } from "../model/cursor.ts";
import { applyMergePatch } from "../model/delta.ts";
import { matches } from "../model/topic_name.ts";
import type { HubOptions } from "../options.ts";
import type { Mode, ServerMessage } from "../wire/protocol.ts";
import { HubClient } from "./client.ts";
import type { Encoding, Outlet, Sendable, Wire } from "./encoding.ts";
import { Entry } from "./entry.ts";
import { FakeEngine, FakeStore } from "./_fake_engine_test_util.ts";

/** An item, as a client gets it. */
export interface Got {
  readonly kind: "value" | "patch" | "gap" | "reset";
  readonly filter: string;
  readonly epoch: string;
  readonly topic?: string | undefined;
  readonly offset?: number | undefined;
  readonly text?: string;
  /** What a patch applies to. */
  readonly base?: number;
  readonly missed?: number | undefined;
  readonly reason?: string;
  /** The last offset there was when it was sent. */
  readonly now: number;
  /** Where topics began when it was sent, if all has begun anew. */
  anew?: ReadonlyMap<string, number>;
  /** Who gets it. */
  to?: SubscriptionModel;
}

/** Gives what it is asked to encode. */
export class FakeEncoding implements Encoding<readonly Got[]> {
  readonly index: number;
  readonly delta: boolean;
  core: HubCore | undefined;

  constructor(index: number, delta: boolean) {
    this.index = index;
    this.delta = delta;
  }

  batch(
    items: readonly Sendable[],
    { filter }: Wire,
  ): readonly Got[] | undefined {
    const { epoch, offset: now } = this.core!.store;
    return items.map(({ item, base }): Got => {
      const common = { filter, epoch, now };
      if (!(item instanceof Entry)) return { ...common, ...item };
      const { topic: { name: topic }, offset } = item;
      const patch = this.delta ? base && item.patchFrom(base) : undefined;
      return patch === undefined
        ? { ...common, kind: "value", topic, offset, text: item.data }
        : {
          ...common,
          kind: "patch",
          topic,
          offset,
          text: patch,
          base: base!.offset,
        };
    });
  }

  message(_message: ServerMessage): undefined {}
}

/** A connection that takes as many payloads as the test says. */
export class FakeOutlet implements Outlet {
  /** So many more payloads make it busy. */
  room = Infinity;
  needsDrain = false;
  closed: [code: number, retry: number | undefined] | undefined;
  readonly #receive: (got: Got) => void;
  readonly #sent: (got: Got) => Got;
  /** What the client has not got yet. */
  #queue: Got[] = [];

  constructor(
    receive: (got: Got) => void,
    sent: (got: Got) => Got = (got) => got,
  ) {
    this.#receive = receive;
    this.#sent = sent;
  }

  send(payload: unknown): boolean {
    if (this.closed !== undefined) return false;
    this.#queue.push(...(payload as readonly Got[]).map(this.#sent));
    if (--this.room <= 0) this.needsDrain = true;
    else if (!this.needsDrain) this.#deliver();
    return !this.needsDrain;
  }

  close(code: number, _reason: string, retry?: number): void {
    if (this.closed !== undefined) return;
    this.closed = [code, retry];
    this.#deliver();
  }

  /** The client takes what there is; gives whether it was busy. */
  drain(room = Infinity): boolean {
    const was = this.needsDrain;
    this.needsDrain = false;
    this.room = room;
    this.#deliver();
    return was;
  }

  #deliver(): void {
    for (const got of this.#queue.splice(0)) this.#receive(got);
  }
}

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
  #mayReset = false;

  constructor(world: World, ask: Ask) {
    this.#world = world;
    this.ask = ask;
    this.name = [...new Set(ask.filters)].sort().join(",");
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
    if (since === "newest" || since === "oldest") {
      this.#held.clear();
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
      assert(lost > 0, `nothing is missing: ${what}`);
      this.#done.set(topic, offset!);
    } else if (missed === undefined) this.#looseTo = now;
    else {
      assert(missed > -1, `nothing is missing: ${what}`);
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

/** A client, over as many connections as it takes. */
export class ClientModel {
  readonly #world: World;
  readonly subscriptions = new Map<string, SubscriptionModel>();
  outlet!: FakeOutlet;
  client: HubClient | undefined;
  hub!: HubModel;

  constructor(world: World) {
    this.#world = world;
  }

  /** Connects to a hub, and subscribes again to what it did. */
  connect(room = Infinity, hub = 0): void {
    if (this.client !== undefined) return;
    this.hub = this.#world.hubs[hub]!;
    this.outlet = this.#newOutlet(room);
    const { core, encodings } = this.hub;
    this.client = new HubClient({
      id: core.nextClientId(),
      grant: {},
      remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
      transport: "websocket",
    }, { outlet: this.outlet, encodings });
    core.join(this.client);
    for (const subscription of this.subscriptions.values()) {
      this.#begin(subscription, subscription.cursor ?? "newest");
    }
  }

  #newOutlet(room: number): FakeOutlet {
    const outlet = new FakeOutlet((got) => {
      // A client that fails must not keep the hub from the others.
      const to = this.subscriptions.get(got.filter);
      if (to === undefined || to !== got.to) return;
      this.#world.attempt(() => to.take(got));
    }, (got) => {
      const to = this.subscriptions.get(got.filter);
      return to === undefined ? got : { ...got, to, anew: to.anew };
    });
    outlet.room = room;
    outlet.needsDrain = room <= 0;
    return outlet;
  }

  subscribe(ask: Ask, since: "newest" | "oldest"): void {
    const subscription = new SubscriptionModel(this.#world, ask);
    if (this.client === undefined) return;
    if (this.subscriptions.has(subscription.name)) return;
    this.subscriptions.set(subscription.name, subscription);
    this.#begin(subscription, since);
  }

  #begin(
    subscription: SubscriptionModel,
    since: Cursor | "newest" | "oldest",
  ): void {
    const { mode, delta, filters } = subscription.ask;
    const { name } = subscription;
    subscription.begins(since, this.hub, true);
    const options = { mode, since, delta, presence: false };
    this.hub.core.subscribe(this.client!, name, filters, options);
  }

  unsubscribe(): void {
    const [name] = this.subscriptions.keys();
    if (name === undefined) return;
    this.subscriptions.delete(name);
    if (this.client) assert(this.hub.core.unsubscribe(this.client, name));
  }

  /** The connection is lost, and what was on the way. */
  disconnect(): void {
    if (this.client === undefined) return;
    this.hub.core.leave(this.client);
    this.client = undefined;
  }

  drain(room = Infinity): void {
    if (this.client === undefined) return;
    if (this.outlet.drain(room)) this.client.drained();
  }

  /** The hub has closed it. */
  settle(): void {
    if (this.client && this.outlet.closed !== undefined) this.disconnect();
  }
}

/** One of the hubs that share a store. */
export class HubModel {
  readonly encodings = {
    whole: new FakeEncoding(0, false),
    delta: new FakeEncoding(1, true),
  };
  readonly #world: World;
  core!: HubCore;
  engine!: FakeEngine;

  constructor(world: World) {
    this.#world = world;
  }

  async open(): Promise<void> {
    const { options, store } = this.#world;
    this.engine = new FakeEngine(store);
    const clock = new TestClock();
    this.core = await HubCore.open({ ...options, engine: this.engine, clock });
    this.encodings.whole.core = this.encodings.delta.core = this.core;
  }

  publish(topic: string): void {
    this.core.publish(topic, this.#world.data(topic), undefined);
  }

  /** What it retains. */
  *retained(): Generator<Version, void, void> {
    const { store } = this.core;
    for (const topic of store.names()) {
      for (const { offset, previous, at, data } of store.get(topic)!.after(0)) {
        yield { topic, offset, previous, at, data };
      }
    }
  }

  /** Its clients. */
  *clients(): Generator<ClientModel, void, void> {
    for (const client of this.#world.clients) {
      if (client.client !== undefined && client.hub === this) yield client;
    }
  }

  /** The engine tells it to load all again. */
  reload(): void {
    if (this.#world.store.epoch !== this.core.store.epoch) {
      for (const client of this.clients()) {
        for (const each of client.subscriptions.values()) {
          each.begins("newest", this, false);
        }
      }
    }
    this.engine.reload();
  }

  /** It ends, and another one begins over the same store. */
  async restart(): Promise<void> {
    for (const client of this.clients()) client.disconnect();
    await this.core.close();
    await this.open();
  }
}

/** Hubs that share a store, and their clients. */
export class World {
  readonly store = new FakeStore();
  readonly options: HubOptions;
  readonly hubs: HubModel[] = [];
  readonly clients: ClientModel[] = [];
  /** By epoch and topic, the last offset of before it was removed. */
  readonly removed = new Map<string, number>();
  /** Whether the hubs were not told of some versions. */
  isHarmed = false;
  #epochs = 1;
  readonly #failures: unknown[] = [];

  private constructor(options: HubOptions) {
    this.options = options;
  }

  static async open(
    options: HubOptions = {},
    { hubs = 1, clients = 0 } = {},
  ): Promise<World> {
    const world = new World(options);
    for (let i = 0; i < hubs; i++) {
      const hub = new HubModel(world);
      await hub.open();
      world.hubs.push(hub);
    }
    for (let i = 0; i < clients; i++) world.client();
    return world;
  }

  /** The only hub. */
  get hub(): HubModel {
    return this.hubs[0]!;
  }

  /** A client that is connected to the first hub. */
  client(room = Infinity): ClientModel {
    const client = new ClientModel(this);
    client.connect(room);
    this.clients.push(client);
    return client;
  }

  truth(epoch: string): readonly Version[] {
    return this.store.truth.get(epoch) ?? [];
  }

  /** A value that no other version has. */
  data(topic: string): string {
    const pad = "as long as it must be for patches";
    return JSON.stringify({ n: this.store.offset + 1, of: topic, pad });
  }

  /** Something is published, and no hub is told. */
  publishUnseen(topic: string): void {
    this.isHarmed = true;
    this.store.append(topic, this.data(topic));
  }

  remove(topic: string): void {
    const { epoch, offset } = this.store;
    this.removed.set(`${epoch} ${topic}`, offset);
    this.isHarmed = true;
    this.hub.core.remove(topic);
  }

  /** The store loses all. */
  renew(): void {
    this.store.renew(`e${++this.#epochs}`);
  }

  /** Keeps what it throws for {@linkcode World.check}. */
  attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failures.push(error);
    }
  }

  /** Throws what a client has found. */
  check(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  /** The turn ends. */
  async turn(): Promise<void> {
    await Promise.resolve();
    await Promise.resolve();
    for (const client of this.clients) client.settle();
    this.check();
  }

  /** All come back and take what there is; then all must be well. */
  async finish(): Promise<void> {
    for (const { engine } of this.hubs) engine.tell();
    // Who was closed by the hub has to come back.
    for (let i = 0; i < 3; i++) {
      await this.turn();
      for (const client of this.clients) {
        client.connect();
        client.drain();
      }
    }
    this.check();
    for (const client of this.clients) {
      for (const each of client.subscriptions.values()) each.checkEnd();
    }
    for (const { core } of this.hubs) await core.close();
  }
}
