/**
 * An upstream while the balancer runs.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { sameBackend, samePolicy, sameSettings } from "../config/diff.ts";
import {
  type BackendSettings,
  MAX_WEIGHT,
  type UpstreamSettings,
} from "../config/settings.ts";
import { RetryBudget } from "../limits/retry_budget.ts";
import { createPolicy, policyName } from "../policy/create.ts";
import type { Policy, PolicyRequest } from "../policy/policy.ts";
import { RequestKey } from "../policy/request_key.ts";
import type { BackendState, UpstreamSnapshot } from "../telemetry/snapshot.ts";
import { Backend, type BackendOwner } from "./backend.ts";
import type { Surroundings } from "./_dialer.ts";

/** What an upstream would do with a request. */
export interface UpstreamExplanation {
  /** Its name. */
  readonly name: string;
  /** The policy's name. */
  readonly policy: string;
  /** So few are available that all are tried. */
  readonly panic: boolean;
  /** The backend that the request would get, if the policy does not take turns. */
  readonly next?: string;
  /** Its backends, in the order of the configuration. */
  readonly backends: readonly {
    readonly id: string;
    readonly address: string;
    readonly weight: number;
    readonly state: BackendState;
    /** Why it is in that state; empty if it is simply up. */
    readonly reason: string;
    /** Whether the policy may choose it. */
    readonly candidate: boolean;
  }[];
}

/** Backends, and how one of them is chosen. */
export class Upstream implements BackendOwner {
  readonly name: string;
  settings: UpstreamSettings;
  budget: RetryBudget;
  retries = 0;
  hedges = 0;
  budgetRefused = 0;
  #policy: Policy;
  readonly #surroundings: Surroundings;
  #backends: Backend[] = [];
  /** Those that may be chosen, until something changes. */
  #available: readonly Backend[] | undefined;
  /** One of them gets less than its share for now. */
  #starting = false;
  #panic = false;
  /** Nothing new comes here: what is under way still has these. */
  #last: readonly Backend[] | undefined;

  constructor(
    settings: UpstreamSettings,
    surroundings: Surroundings,
  ) {
    this.name = settings.name;
    this.settings = settings;
    this.#surroundings = surroundings;
    this.#policy = this.#createPolicy(settings);
    this.budget = new RetryBudget(settings.retryBudget);
    for (const backend of settings.backends) this.add(backend);
  }

  /** Its backends, in the order of the configuration. */
  get backends(): readonly Backend[] {
    return this.#backends;
  }

  /** Whether one of its backends is available. */
  get isReady(): boolean {
    return this.#able().some(({ isAvailable }) => isAvailable);
  }

  /** A backend may have become available, or is not any more. */
  changed(): void {
    this.#available = undefined;
  }

  /**
   * Chooses a backend.
   *
   * @param request What asks.
   * @param tried Those that it was sent to already: it gets another one, an
   * unhealthy one if there is no healthy one left.
   */
  pick(
    request: PolicyRequest,
    tried: readonly Backend[] | undefined,
  ): Backend | undefined {
    let list = this.#available ?? this.#candidates();
    if (this.#starting) list = this.#withoutSlow(list);
    if (tried !== undefined) {
      const others = without(list, tried);
      list = others.length > 0 ? others : without(this.#able(), tried);
    }
    if (list.length === 0) return undefined;
    return this.#policy.pick(list, request) as Backend | undefined;
  }

  /** Whether there is an available one that was not tried. */
  hasOther(tried: readonly Backend[]): boolean {
    return without(this.#candidates(), tried).length > 0;
  }

  /** Whether there is any that was not tried, and that is not draining. */
  hasLast(tried: readonly Backend[]): boolean {
    return without(this.#able(), tried).length > 0;
  }

  /** The backend of that id. */
  backend(id: string): Backend {
    const backend = this.#backends.find((backend) => backend.id === id);
    if (backend !== undefined) return backend;
    throw new ConnError(
      `Cannot find the backend "${id}" in the upstream "${this.name}"`,
      { code: "unknown_backend", side: "local", reply: 404 },
    );
  }

  /** Adds a backend. */
  add(settings: BackendSettings): Backend {
    if (this.#backends.some(({ id }) => id === settings.id)) {
      throw new ConnError(
        `Cannot add the backend "${settings.id}": the upstream "${this.name}" has one of that id`,
        { code: "duplicate_backend", side: "local", reply: 409 },
      );
    }
    const backend = this.#make(settings);
    this.#backends = [...this.#backends, backend];
    this.changed();
    return backend;
  }

  /** Takes a backend out; what is under way there goes on to its end. */
  remove(id: string): Backend {
    const backend = this.backend(id);
    this.#backends = this.#backends.filter((other) => other !== backend);
    backend.retire();
    this.changed();
    return backend;
  }

  /** Changes a backend's share. */
  setWeight(id: string, weight: number): void {
    if (!(weight >= 0 && weight <= MAX_WEIGHT)) {
      throw new ConnError(
        `Cannot set the weight of "${id}" to ${weight}: expected a number from 0 to ${MAX_WEIGHT}`,
        { code: "bad_weight", side: "local", reply: 400 },
      );
    }
    this.backend(id).weight = weight;
    // A new array, which tells the policy.
    this.changed();
  }

  /**
   * Goes by other settings.
   *
   * @returns The backends that it has no more.
   */
  update(settings: UpstreamSettings): readonly Backend[] {
    const before = this.settings;
    if (sameSettings(before, settings)) return [];
    this.settings = settings;
    if (!samePolicy(before, settings)) {
      this.#policy = this.#createPolicy(settings);
    }
    if (!sameSettings(before.retryBudget, settings.retryBudget)) {
      this.budget = new RetryBudget(settings.retryBudget);
    }
    if (!sameSettings(before.backends, settings.backends)) {
      return this.#exchange(settings.backends);
    }
    // Those that were added or taken out by hand stay so.
    for (const backend of this.#backends) {
      backend.configure(backend.settings, settings);
    }
    this.changed();
    return [];
  }

  /** Ends what it does by itself; what is under way goes on to its end. */
  retire(): void {
    this.#last = this.#able();
    for (const backend of this.#backends) backend.retire();
  }

  /** What it would do with a request. */
  explain(request: PolicyRequest): UpstreamExplanation {
    const candidates = this.#candidates();
    // Those that take turns, or chance, have no answer.
    const next = candidates.length > 0 && tells(this.settings, request)
      ? this.#createPolicy(this.settings).pick(candidates, request)?.id
      : undefined;
    return {
      ...(next !== undefined && { next }),
      name: this.name,
      policy: policyName(this.settings.policy),
      panic: this.#panic,
      backends: this.#backends.map((backend) => ({
        id: backend.id,
        address: backend.address,
        weight: backend.weight,
        state: backend.state,
        reason: backend.reason,
        candidate: candidates.includes(backend),
      })),
    };
  }

  /** Its figures. */
  snapshot(): UpstreamSnapshot {
    this.#candidates();
    return {
      name: this.name,
      policy: policyName(this.settings.policy),
      panic: this.#panic,
      retries: this.retries,
      hedges: this.hedges,
      budgetRefused: this.budgetRefused,
      backends: this.#backends.map((backend) => backend.snapshot()),
    };
  }

  #createPolicy({ policy }: UpstreamSettings): Policy {
    return createPolicy(policy, { random: this.#surroundings.random });
  }

  #make(settings: BackendSettings): Backend {
    return new Backend(settings, this.settings, this, this.#surroundings);
  }

  #exchange(settings: readonly BackendSettings[]): readonly Backend[] {
    const old = this.#backends;
    this.#backends = settings.map((each) => {
      const same = old.find((backend) => sameBackend(backend.settings, each));
      if (same === undefined) {
        return this.#make(each);
      }
      same.configure(each, this.settings);
      return same;
    });
    const gone = old.filter((backend) => !this.#backends.includes(backend));
    for (const backend of gone) backend.retire();
    this.changed();
    return gone;
  }

  #candidates(): readonly Backend[] {
    if (this.#available !== undefined) return this.#available;
    const able = this.#able();
    const available = able.filter(({ isAvailable }) => isAvailable);
    const { panicThreshold } = this.settings;
    this.#panic = able.length > 0 &&
      available.length <= able.length * panicThreshold;
    const now = this.#surroundings.clock.now();
    const list = this.#panic ? able : available;
    this.#starting = !this.#panic &&
      list.some((backend) => backend.share(now) < 1);
    return this.#available = list;
  }

  /** Those that may get something, healthy or not. */
  #able(): readonly Backend[] {
    return this.#last ??
      this.#backends.filter(({ isDraining, weight }) =>
        !isDraining && weight > 0
      );
  }

  /** Leaves those that start slowly out, so often that they get their share. */
  #withoutSlow(list: readonly Backend[]): readonly Backend[] {
    const now = this.#surroundings.clock.now();
    const shares = list.map((backend) => backend.share(now));
    if (shares.every((share) => share >= 1)) this.changed();
    const chosen = list.filter((_, i) =>
      shares[i]! >= 1 || this.#surroundings.random() < shares[i]!
    );
    return chosen.length > 0 ? chosen : list;
  }
}

function without(
  list: readonly Backend[],
  tried: readonly Backend[],
): readonly Backend[] {
  return list.filter((backend) => !tried.includes(backend));
}

/** Whether the policy gives such requests the same backend, as long as all stays so. */
function tells({ policy }: UpstreamSettings, request: PolicyRequest): boolean {
  if (typeof policy === "function") return false;
  if (policy.type === "first") return true;
  // Without a key it takes turns.
  return policy.type === "hash" &&
    new RequestKey(policy.by ?? "address").of(request.fields, "") !== "";
}
