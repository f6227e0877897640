// Hubs without a network, over one store, and their clients.

import { assert } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import { HubCore } from "../core.ts";
import type { Version } from "../engine/engine.ts";
import { FakeEngine, FakeStore } from "../engine/fake_engine_test_util.ts";
import type { Cursor } from "../model/cursor.ts";
import type { HubOptions } from "../options.ts";
import { HubClient } from "./client.ts";
import { FakeEncoding, FakeOutlet } from "./_fake_outlet_test_util.ts";
import {
  type Ask,
  SubscriptionModel,
} from "./_subscription_model_test_util.ts";

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

  /** The connection is lost, with what is on the way but for the first items. */
  disconnect(received = 0): void {
    if (this.client === undefined) return;
    this.outlet.cut(received);
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
