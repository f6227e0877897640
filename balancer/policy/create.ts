/**
 * Policies by their names.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { PolicyConfig, PolicyName } from "../config/config.ts";
import { First } from "./first.ts";
import { ConsistentHash } from "./hash.ts";
import { LeastConnections } from "./least_connections.ts";
import { PowerOfTwo } from "./p2c.ts";
import type {
  Candidate,
  Policy,
  PolicyFunction,
  PolicyRequest,
} from "./policy.ts";
import { RoundRobin } from "./round_robin.ts";
import { Sticky } from "./sticky.ts";
import { Weighted } from "./weighted.ts";

/** Options of {@linkcode createPolicy}. */
export interface CreatePolicyOptions {
  /**
   * Gives numbers from 0 to below 1.
   *
   * @default {Math.random}
   */
  random?: () => number;
}

/**
 * Creates a policy, with a state of its own: to be used alone, or by a function
 * that chooses between several.
 *
 * @example A header that asks for the first backend
 * ```ts
 * import { createPolicy, type PolicyFunction } from "@meerkat/net/balancer";
 * import { Fields } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const first = createPolicy("first");
 * const rest = createPolicy("round_robin");
 * const policy: PolicyFunction = (candidates, request) =>
 *   (request.fields.has("X-Debug") ? first : rest).pick(candidates, request);
 *
 * const load = { weight: 1, inFlight: 0, latency: 0 };
 * const candidates = [
 *   { id: "a", address: "127.0.0.1:8910", ...load },
 *   { id: "b", address: "127.0.0.1:8911", ...load },
 * ];
 * const pick = (fields: Fields) =>
 *   policy(candidates, {
 *     method: "GET",
 *     target: "/",
 *     fields,
 *     clientAddress: "192.0.2.1",
 *     setCookie: () => {},
 *   })?.id;
 * assertEquals([1, 2, 3].map(() => pick(new Fields())), ["a", "b", "a"]);
 * assertEquals(pick(new Fields({ "X-Debug": "1" })), "a");
 * ```
 *
 * @param config Its name, its name and options, or a function.
 * @param options Where chance comes from.
 * @throws {ConnError} With code `"bad_policy"`, `"bad_key"` or
 * `"bad_cookie_name"` if there is no such policy.
 */
export function createPolicy(
  config: PolicyName | PolicyConfig | PolicyFunction,
  options: CreatePolicyOptions = {},
): Policy {
  if (typeof config === "function") return new CheckedPolicy(config);
  if (typeof config === "string") {
    return createPolicy({ type: config }, options);
  }
  switch (config.type) {
    case "round_robin":
      return new RoundRobin();
    case "weighted":
      return new Weighted();
    case "least_connections":
      return new LeastConnections();
    case "p2c":
      return new PowerOfTwo(options.random);
    case "hash":
      return new ConsistentHash(config);
    case "first":
      return new First();
    case "sticky": {
      const fallback = config.fallback ?? "least_connections";
      return new Sticky(config, createPolicy(fallback, options));
    }
  }
  // Programs without types get here.
  const { type } = config as { type: unknown };
  throw new ConnError(
    `Cannot choose backends by ${JSON.stringify(type)}: ` +
      "expected the name of a policy",
    { code: "bad_policy", side: "local" },
  );
}

/**
 * The name of a policy for logs and the admin page.
 *
 * @param config What it was made of.
 * @returns Its type; `"custom"` for a function.
 */
export function policyName(config: PolicyConfig | PolicyFunction): string {
  return typeof config === "function" ? "custom" : config.type;
}

/** A program's own policy. It may have kept a candidate that is gone. */
class CheckedPolicy implements Policy {
  readonly #choose: PolicyFunction;

  constructor(choose: PolicyFunction) {
    this.#choose = choose;
  }

  pick(
    candidates: readonly Candidate[],
    request: PolicyRequest,
  ): Candidate | undefined {
    const choose = this.#choose;
    const candidate = choose(candidates, request);
    if (candidate === undefined || candidates.includes(candidate)) {
      return candidate;
    }
    throw new ConnError(
      `Cannot use ${
        JSON.stringify(candidate?.id)
      }, which the policy chose: expected one of the candidates`,
      { code: "bad_pick", side: "local" },
    );
  }
}
