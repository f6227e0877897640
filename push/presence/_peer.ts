/**
 * Another hub, as far as this one knows it.
 *
 * @module
 */

import type {
  ChangesMessage,
  HubMessage,
  Presenter,
  StateMessage,
} from "./_messages.ts";
import type { Roster } from "./_roster.ts";

/**
 * Follows the changes of another hub by their numbers. Where one is missing, or the
 * hub was not known before, nothing counts until a whole state has come; who was
 * there stays there meanwhile.
 */
export class Peer {
  /** Who is there. */
  readonly roster: Roster;
  /** When the hub was heard of last, by the clock. */
  heardAt: number;
  /** The last changes that are known. */
  #number = 0;
  /** Something was missed, so that a state is needed. */
  #isBehind = true;
  /** It was asked for, and may still come. */
  #isAsked = false;
  /** The hub has said that it ends: what comes late does not count. */
  #isGone = false;
  /** The state whose parts are coming in. */
  #state = 0;
  readonly #parts = new Map<number, readonly Presenter[]>();

  constructor(roster: Roster, heardAt: number) {
    this.roster = roster;
    this.heardAt = heardAt;
  }

  /** Whether the hub has to be asked for its state now; then it counts as asked. */
  takeAsk(): boolean {
    const asks = this.#isBehind && !this.#isAsked && !this.#isGone;
    if (asks) this.#isAsked = true;
    return asks;
  }

  /** Takes a message of the hub. */
  receive(message: HubMessage): void {
    if (this.#isGone) return;
    switch (message.type) {
      case "joined":
      case "left":
        return this.#change(message);
      case "state":
        return this.#collect(message);
      case "beat":
        if (message.number > this.#number) this.#isBehind = true;
        // The question or the answer may be lost.
        this.#isAsked = false;
        return;
      case "gone":
        this.#isGone = true;
        this.#parts.clear();
        return this.roster.replace([]);
    }
  }

  #change({ type, number, members }: ChangesMessage): void {
    if (number > this.#number + 1) this.#isBehind = true;
    if (this.#isBehind || number <= this.#number) return;
    this.#number = number;
    for (const { topic, member } of members) {
      if (type === "joined") this.roster.join(topic, member);
      else this.roster.leave(topic, member.client);
    }
  }

  /** Collects the parts of a state, in any order, until there are all. */
  #collect({ number, state, part, parts, members }: StateMessage): void {
    const isNews = this.#isBehind
      ? number >= this.#number
      : number > this.#number;
    if (!isNews || state < this.#state) return;
    if (state > this.#state) this.#parts.clear();
    this.#state = state;
    this.#parts.set(part, members);
    if (this.#parts.size < parts) return;
    this.roster.replace([...this.#parts.values()].flat());
    this.#parts.clear();
    this.#number = number;
    this.#isBehind = this.#isAsked = false;
  }
}
