/**
 * Clients that are told who comes and goes.
 *
 * @module
 */

import type { Encoding, Outlet } from "../delivery/encoding.ts";
import type { Member, MembersMessage } from "../wire/protocol.ts";

/** A client, as far as it is needed here. */
export interface Watcher {
  readonly outlet: Outlet;
  readonly encodings: { readonly whole: Encoding };
}

/** Tells clients of the members of topics: all at first, and then the changes. */
export class Watchers {
  readonly #membersOf: (topic: string) => Member[];
  readonly #byTopic = new Map<string, Set<Watcher>>();
  /** Topics of which clients are to be told all: they are new, or were busy. */
  readonly #missed = new Map<Watcher, Set<string>>();

  /** What was told to those who came in this turn, by topic. */
  readonly #wholes = new Map<string, Map<Encoding, unknown>>();

  constructor(membersOf: (topic: string) => Member[]) {
    this.#membersOf = membersOf;
  }

  /** Begins to tell a client, at the end of the turn, with all that are there. */
  add(topic: string, client: Watcher): void {
    const watching = this.#byTopic.get(topic);
    if (watching !== undefined) watching.add(client);
    else this.#byTopic.set(topic, new Set([client]));
    this.#note(topic, client);
    queueMicrotask(() => this.drained(client));
  }

  /** Tells a client no more. */
  delete(topic: string, client: Watcher): void {
    const watching = this.#byTopic.get(topic);
    watching?.delete(client);
    if (watching?.size === 0) this.#byTopic.delete(topic);
    const missed = this.#missed.get(client);
    missed?.delete(topic);
    if (missed?.size === 0) this.#missed.delete(client);
  }

  /** Tells of changes; who is busy is told of all when it has room again. */
  tell(topic: string, joined: Member[], left: Member[]): void {
    this.#wholes.delete(topic);
    const message = { type: "members", topic, joined, left } as const;
    const payloads = new Map<Encoding, unknown>();
    for (const client of this.#byTopic.get(topic) ?? []) {
      const { outlet, encodings: { whole } } = client;
      if (outlet.needsDrain) this.#note(topic, client);
      // It is told of all, soon.
      if (this.#missed.get(client)?.has(topic)) continue;
      if (!payloads.has(whole)) payloads.set(whole, whole.message(message));
      const payload = payloads.get(whole);
      if (payload !== undefined) outlet.send(payload);
    }
  }

  /** A client has room again. */
  drained(client: Watcher): void {
    const missed = this.#missed.get(client);
    if (missed === undefined) return;
    for (const topic of missed) {
      if (client.outlet.needsDrain) return;
      missed.delete(topic);
      this.#tellAll(topic, client);
    }
    this.#missed.delete(client);
  }

  #note(topic: string, client: Watcher): void {
    const missed = this.#missed.get(client);
    if (missed === undefined) this.#missed.set(client, new Set([topic]));
    else missed.add(topic);
  }

  #tellAll(topic: string, { outlet, encodings: { whole } }: Watcher): void {
    const payload = this.#payloadOfAll(topic, whole);
    if (payload !== undefined) outlet.send(payload);
  }

  /** All members, put together once for those who come in the same turn. */
  #payloadOfAll(topic: string, encoding: Encoding): unknown {
    if (this.#wholes.size === 0) queueMicrotask(() => this.#wholes.clear());
    let payloads = this.#wholes.get(topic);
    if (!payloads) this.#wholes.set(topic, payloads = new Map());
    if (!payloads.has(encoding)) {
      const joined = this.#membersOf(topic);
      const message: MembersMessage = {
        type: "members",
        topic,
        joined,
        left: [],
        whole: true,
      };
      payloads.set(encoding, encoding.message(message));
    }
    return payloads.get(encoding);
  }
}
