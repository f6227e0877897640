/**
 * Hubs and a bus between them that loses, delays and reorders what they signal.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { TestClock } from "../../conn/clock.ts";
import type { Member } from "../wire/protocol.ts";
import { Presence } from "./presence.ts";

/** What the bus does to a message on its way to one hub. */
export interface Fate {
  readonly isLost: boolean;
  /** In milliseconds. */
  readonly delay: number;
}

/** A hub, with what its `changed` has added up to. */
export class TestHub {
  readonly id: string;
  readonly presence: Presence;
  /** How often `changed` was called. */
  reports = 0;
  isAlive = true;
  readonly #seen = new Map<string, Map<string, string | undefined>>();

  constructor(id: string, bus: TestBus, interval?: number) {
    this.id = id;
    this.presence = new Presence({
      hub: id,
      clock: bus.clock,
      signal: (message) => bus.send(this, message),
      changed: (topic, joined, left) => this.#changed(topic, joined, left),
      ...interval === undefined ? {} : { interval },
    });
  }

  /** What `changed` says that a topic's members are, sorted. */
  seen(topic: string): string[] {
    return [...this.#seen.get(topic) ?? []]
      .map(([client, user]) => `${client} ${user}`).sort();
  }

  /** What `members` says, sorted; `count` must agree. */
  members(topic: string): string[] {
    const members = this.presence.members(topic);
    assertEquals(this.presence.count(topic), members.length);
    return members.map(({ client, user }) => `${client} ${user}`).sort();
  }

  #changed(topic: string, joined: Member[], left: Member[]): void {
    this.reports++;
    assert(joined.length + left.length > 0, "nothing has changed");
    const seen = this.#seen.get(topic) ?? new Map<string, string | undefined>();
    this.#seen.set(topic, seen);
    for (const { client, user } of left) {
      assert(seen.has(client), `${client} was not there`);
      assertEquals(user, seen.get(client));
      seen.delete(client);
    }
    for (const { client, user } of joined) {
      assert(!seen.has(client), `${client} was there`);
      seen.set(client, user);
    }
  }
}

/** Joins hubs that share a clock. */
export class TestBus {
  readonly clock = new TestClock();
  readonly hubs: TestHub[] = [];
  /** All that was sent. */
  readonly sent: string[] = [];
  /** Decides on each message; by default it comes at once. */
  fate: () => Fate = () => ({ isLost: false, delay: 0 });

  /** Adds a hub, not started. */
  hub(id: string, interval?: number): TestHub {
    const hub = new TestHub(id, this, interval);
    this.hubs.push(hub);
    return hub;
  }

  /** What was sent of one type since this was called last, and all else. */
  take(type: string): Record<string, unknown>[] {
    return this.sent.splice(0).map((text) => JSON.parse(text))
      .filter((message) => message.type === type);
  }

  /** A hub dies without a word: its beat goes on, but nobody hears it. */
  kill(hub: TestHub): void {
    hub.isAlive = false;
  }

  /** Stops all hubs, so that no timer is left. */
  end(): void {
    for (const { presence } of this.hubs) presence.stop();
    this.hubs.length = 0;
  }

  /** Brings a message to all other hubs. */
  send(from: TestHub, message: string): void {
    if (!from.isAlive) return;
    this.sent.push(message);
    for (const hub of this.hubs) {
      if (hub === from) continue;
      const { isLost, delay } = this.fate();
      if (isLost) continue;
      this.clock.setTimeout(() => {
        if (hub.isAlive) hub.presence.receive(message);
      }, delay);
    }
  }
}
