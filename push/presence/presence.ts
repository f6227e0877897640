/**
 * Who is there: the clients of all hubs that share an engine, by topic.
 *
 * Each hub knows its own members for certain, and tells the others. It counts the
 * changes that it tells, so that a hub that has missed one notices, at the next one
 * or at the next beat, and asks for all of it. A hub that is not heard is gone.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import type { Member } from "../wire/protocol.ts";
import {
  formatMessage,
  type HubMessage,
  parseMessage,
  type Presenter,
  split,
} from "./_messages.ts";
import { Peer } from "./_peer.ts";
import { Roster, type RosterChanges } from "./_roster.ts";

/** Options of {@linkcode Presence}. */
export interface PresenceOptions {
  /** Names the hub; never used by another one, nor again after it has ended. */
  hub: string;
  /** Tells the other hubs; a message may get lost. It must not throw. */
  signal(message: string): void;
  /**
   * Who has come to a topic and gone from it, at any hub, once a turn. A member
   * in both is another user now: it has left before it has joined.
   */
  changed(topic: string, joined: Member[], left: Member[]): void;
  /** Where the time comes from. */
  clock: Clock;
  /**
   * How often the hub tells that it is alive, in milliseconds; the same at all
   * hubs. One that is silent for three times that is gone.
   *
   * @default {5000}
   */
  interval?: number;
}

/** After so many intervals of silence a hub is gone. */
const SILENT_INTERVALS = 3;
/** A state is told so often at most, however many hubs ask for it. */
const STATES_PER_INTERVAL = 5;

/** The members of topics, at all hubs. One for each hub. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #clock: Clock;
  readonly #interval: number;
  readonly #peers = new Map<string, Peer>();
  /** Those with changes that are not reported yet; of hubs that are gone, too. */
  readonly #touched = new Set<Roster>();
  readonly #touch = (roster: Roster): void => {
    this.#touched.add(roster);
    this.#schedule();
  };
  readonly #own = new Roster(this.#touch);
  #stage: "new" | "running" | "stopped" = "new";
  /** Whether there will be a flush at the end of the turn. */
  #isScheduled = false;
  /** What the flush does besides. */
  #owesState = false;
  #asksAll = false;
  /** How many changes and how many states were told. */
  #changes = 0;
  #states = 0;
  #timer: unknown;
  #wakeAt = 0;
  #beatAt = 0;
  /** When a state may be told again. */
  #stateAt = 0;

  /** Creates one that knows of no other hub before {@linkcode Presence.start}. */
  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#interval = options.interval ?? 5_000;
  }

  /** A client of this hub comes to a topic. */
  join(topic: string, member: Member): void {
    this.#own.join(topic, member);
  }

  /** A client of this hub goes from a topic. */
  leave(topic: string, client: string): void {
    this.#own.leave(topic, client);
  }

  /** Who is at a topic, at any hub. */
  members(topic: string): Member[] {
    const members = [...this.#own.members(topic)];
    for (const { roster } of this.#peers.values()) {
      members.push(...roster.members(topic));
    }
    return members;
  }

  /** How many are at a topic, at any hub. */
  count(topic: string): number {
    let count = this.#own.count(topic);
    for (const { roster } of this.#peers.values()) count += roster.count(topic);
    return count;
  }

  /** Takes what another hub has signalled; what is no message is ignored. */
  receive(text: string): void {
    if (this.#stage !== "running") return;
    const message = parseMessage(text);
    if (message === undefined || message.hub === this.#options.hub) return;
    const peer = this.#peer(message.hub);
    peer.heardAt = this.#clock.now();
    peer.receive(message);
    if (message.type === "ask") {
      this.#owesState ||= (message.of ?? this.#options.hub) ===
        this.#options.hub;
    }
    this.#schedule();
  }

  /** Begins to talk with the other hubs. */
  start(): void {
    if (this.#stage !== "new") return;
    this.#stage = "running";
    this.#stateAt = this.#clock.now();
    this.#beatAt = this.#stateAt + this.#interval;
    this.#sleep();
    // The others ask for nothing if they are told before they notice.
    this.#owesState = this.#asksAll = true;
    this.#schedule();
  }

  /** Tells the other hubs that this one ends, and forgets them; for good. */
  stop(): void {
    if (this.#stage === "running") {
      this.#clock.clearTimeout(this.#timer);
      this.#signal({ type: "gone", hub: this.#options.hub });
    }
    this.#stage = "stopped";
    for (const hub of this.#peers.keys()) this.#drop(hub);
  }

  #peer(hub: string): Peer {
    let peer = this.#peers.get(hub);
    if (peer === undefined) {
      peer = new Peer(new Roster(this.#touch), this.#clock.now());
      this.#peers.set(hub, peer);
    }
    return peer;
  }

  /** All who were at another hub have left. */
  #drop(hub: string): void {
    this.#peers.get(hub)?.roster.replace([]);
    this.#peers.delete(hub);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#flush());
  }

  /** Tells and reports what this turn has brought. */
  #flush(): void {
    this.#isScheduled = false;
    const news = new News();
    for (const roster of this.#touched) {
      const changes = roster.takeChanges();
      news.add(changes);
      if (roster !== this.#own || this.#stage !== "running") continue;
      // In this order, as a member that is another user now is in both.
      this.#tell("left", changes.left);
      this.#tell("joined", changes.joined);
    }
    this.#touched.clear();
    if (this.#stage === "running") this.#converse();
    // At last, as it may do anything.
    for (const [topic, { joined, left }] of news.topics) {
      this.#options.changed(topic, joined, left);
    }
  }

  /** Tells the other hubs who has come here, or gone. */
  #tell(type: "joined" | "left", members: readonly Presenter[]): void {
    const { hub } = this.#options;
    for (const part of split(members)) {
      this.#signal({ type, hub, number: ++this.#changes, members: part });
    }
  }

  /** Answers and asks. */
  #converse(): void {
    const { hub } = this.#options;
    if (this.#owesState) this.#answer();
    if (this.#asksAll) this.#signal({ type: "ask", hub });
    this.#asksAll = false;
    for (const [of, peer] of this.#peers) {
      if (peer.takeAsk()) this.#signal({ type: "ask", hub, of });
    }
  }

  /** Tells all who are here; if many hubs ask, once for all of them. */
  #answer(): void {
    const now = this.#clock.now();
    if (now < this.#stateAt) return this.#sleep();
    this.#owesState = false;
    this.#stateAt = now + this.#interval / STATES_PER_INTERVAL;
    const lists = split(this.#own.all());
    const common = {
      type: "state",
      hub: this.#options.hub,
      number: this.#changes,
      state: ++this.#states,
      parts: Math.max(1, lists.length),
    } as const;
    for (let part = 0; part < common.parts; part++) {
      this.#signal({ ...common, part, members: lists[part] ?? [] });
    }
  }

  #signal(message: HubMessage): void {
    this.#options.signal(formatMessage(message));
  }

  /** Sleeps until something is due. */
  #sleep(): void {
    let next = this.#beatAt;
    if (this.#owesState) next = Math.min(next, this.#stateAt);
    for (const { heardAt } of this.#peers.values()) {
      next = Math.min(next, heardAt + SILENT_INTERVALS * this.#interval);
    }
    this.#wakeAt = next;
    this.#clock.clearTimeout(this.#timer);
    const delay = Math.max(0, next - this.#clock.now());
    this.#timer = this.#clock.setTimeout(() => this.#wake(), delay);
    // Beats alone keep no program alive.
    this.#clock.unrefTimer?.(this.#timer);
  }

  #wake(): void {
    const now = this.#clock.now();
    const late = now - this.#wakeAt;
    for (const [hub, peer] of this.#peers) {
      // While this process stood still, it has heard nobody.
      if (late > this.#interval) peer.heardAt += late;
      const silent = now - peer.heardAt;
      if (silent >= SILENT_INTERVALS * this.#interval) this.#drop(hub);
    }
    if (now >= this.#beatAt) {
      const { hub } = this.#options;
      this.#signal({ type: "beat", hub, number: this.#changes });
      this.#beatAt = now + this.#interval;
    }
    this.#converse();
    this.#sleep();
  }
}

/** Changes of all hubs, by topic. */
class News {
  readonly topics = new Map<string, { joined: Member[]; left: Member[] }>();

  add({ left, joined }: RosterChanges): void {
    for (const { topic, member } of left) this.#of(topic).left.push(member);
    for (const { topic, member } of joined) this.#of(topic).joined.push(member);
  }

  #of(topic: string): { joined: Member[]; left: Member[] } {
    let news = this.topics.get(topic);
    if (news === undefined) {
      this.topics.set(topic, news = { joined: [], left: [] });
    }
    return news;
  }
}
