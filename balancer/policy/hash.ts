/**
 * The same for the same key.
 *
 * @module
 */

import type { Candidate, Policy, PolicyRequest } from "./policy.ts";
import { RequestKey } from "./request_key.ts";
import { hashText, Ring } from "./_ring.ts";
import { RoundRobin } from "./round_robin.ts";
import { usable } from "./_usable.ts";

/** Options of {@linkcode ConsistentHash}. */
export interface ConsistentHashOptions {
  /**
   * What is hashed: `"address"`, `"header:NAME"` or `"cookie:NAME"`.
   *
   * @default {"address"}
   */
  by?: string;
  /**
   * How much more than the average of its weight a candidate may have under way,
   * at least 1.
   *
   * @default {1.25}
   */
  loadFactor?: number;
}

/**
 * Consistent hashing with bounded loads: a key goes to the candidate whose point
 * on the ring is next, or, where that one has its share under way, to the next
 * one. When one of n candidates goes, only its own keys move, about one in n.
 *
 * A request without the field or cookie goes by its address, one without an
 * address in turn.
 */
export class ConsistentHash implements Policy {
  readonly #key: RequestKey;
  readonly #loadFactor: number;
  readonly #keyless = new RoundRobin();
  #candidates: readonly Candidate[] | undefined;
  #list: readonly Candidate[] = [];
  #weights = 0;
  #ring = new Ring([]);
  /** Who is on the ring, there or not, in order, with its weight there. */
  #members: ReadonlyMap<string, number> = new Map();
  /** The candidates by their indexes on the ring. */
  #present: (Candidate | undefined)[] = [];

  /**
   * Creates the policy.
   *
   * @throws {ConnError} With code `"bad_key"`.
   */
  constructor(options: ConsistentHashOptions = {}) {
    this.#key = new RequestKey(options.by ?? "address");
    this.#loadFactor = options.loadFactor ?? 1.25;
  }

  /** See {@linkcode Policy.pick}. */
  pick(
    candidates: readonly Candidate[],
    request: PolicyRequest,
  ): Candidate | undefined {
    const key = this.#key.of(request.fields, request.clientAddress);
    if (key === "") return this.#keyless.pick(candidates);
    if (candidates !== this.#candidates) this.#adopt(candidates);
    const { owners } = this.#ring;
    const room = this.#roomPerWeight();
    let at = this.#ring.find(hashText(key));
    let first: Candidate | undefined;
    for (let i = 0; i < owners.length; i++) {
      const candidate = this.#present[owners[at]!];
      if (candidate !== undefined) {
        if (candidate.inFlight < Math.ceil(room * candidate.weight)) {
          return candidate;
        }
        first ??= candidate;
      }
      at = at + 1 < owners.length ? at + 1 : 0;
    }
    return first;
  }

  /** How many requests there may be for a weight of 1, this one included. */
  #roomPerWeight(): number {
    const list = this.#list;
    let inFlight = 1;
    for (let i = 0; i < list.length; i++) inFlight += list[i]!.inFlight;
    return this.#loadFactor * inFlight / this.#weights;
  }

  /**
   * Takes new candidates over. To leave one out on the ring is the same as to make
   * a ring without it. So who is away for a while, or for a second attempt, costs
   * no new ring.
   */
  #adopt(candidates: readonly Candidate[]): void {
    this.#candidates = candidates;
    const list = this.#list = usable(candidates);
    this.#weights = list.reduce((sum, { weight }) => sum + weight, 0);
    const members = this.#members;
    if (list.some(({ id, weight }) => members.get(id) !== weight)) {
      this.#ring = new Ring(list);
      this.#members = new Map(list.map(({ id, weight }) => [id, weight]));
    }
    const byId = new Map(list.map((candidate) => [candidate.id, candidate]));
    this.#present = Array.from(this.#members.keys(), (id) => byId.get(id));
  }
}
