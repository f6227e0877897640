/**
 * Who is at one hub, by topic.
 *
 * @module
 */

import type { Member } from "../wire/protocol.ts";
import type { Presenter } from "./_messages.ts";

/** What has changed in the end. */
export interface RosterChanges {
  readonly left: readonly Presenter[];
  readonly joined: readonly Presenter[];
}

/**
 * Members by topic and client, and what has changed since it was asked last: who
 * has come and gone again in between has not changed anything.
 */
export class Roster {
  readonly #topics = new Map<string, Map<string, Member>>();
  /** Those touched, as they were before. */
  readonly #before = new Map<string, Map<string, Member | undefined>>();
  readonly #touched: (roster: Roster) => void;

  /** @param touched Called when there may be changes to be taken. */
  constructor(touched: (roster: Roster) => void) {
    this.#touched = touched;
  }

  /** A member comes; again, maybe as another user. */
  join(topic: string, member: Member): void {
    this.#touch(topic, member.client);
    const members = this.#topics.get(topic);
    if (members !== undefined) members.set(member.client, member);
    else this.#topics.set(topic, new Map([[member.client, member]]));
  }

  /** A member goes, if it is there. */
  leave(topic: string, client: string): void {
    const members = this.#topics.get(topic);
    if (!members?.has(client)) return;
    this.#touch(topic, client);
    members.delete(client);
    if (members.size === 0) this.#topics.delete(topic);
  }

  /** These and no others are there now. */
  replace(presenters: Iterable<Presenter>): void {
    for (const { topic, member } of [...this.all()]) {
      this.leave(topic, member.client);
    }
    for (const { topic, member } of presenters) this.join(topic, member);
  }

  /** The members of a topic. */
  members(topic: string): Iterable<Member> {
    return this.#topics.get(topic)?.values() ?? [];
  }

  /** How many members a topic has. */
  count(topic: string): number {
    return this.#topics.get(topic)?.size ?? 0;
  }

  /** All members of all topics. */
  *all(): IterableIterator<Presenter> {
    for (const [topic, members] of this.#topics) {
      for (const member of members.values()) yield { topic, member };
    }
  }

  /** What has changed since this was called last. */
  takeChanges(): RosterChanges {
    const left: Presenter[] = [];
    const joined: Presenter[] = [];
    for (const [topic, touched] of this.#before) {
      const members = this.#topics.get(topic);
      for (const [client, before] of touched) {
        const now = members?.get(client);
        if (isSame(before, now)) continue;
        if (before !== undefined) left.push({ topic, member: before });
        if (now !== undefined) joined.push({ topic, member: now });
      }
    }
    this.#before.clear();
    return { left, joined };
  }

  /** Remembers how it was before a change. */
  #touch(topic: string, client: string): void {
    if (this.#before.size === 0) this.#touched(this);
    let touched = this.#before.get(topic);
    if (touched === undefined) this.#before.set(topic, touched = new Map());
    if (touched.has(client)) return;
    touched.set(client, this.#topics.get(topic)?.get(client));
  }
}

function isSame(a: Member | undefined, b: Member | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.user === b.user;
}
