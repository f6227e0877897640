import { Fields, type FieldsInit } from "../../http/codec/fields.ts";
import type { Candidate, Policy, PolicyRequest } from "./policy.ts";

/** A candidate whose figures a test changes. */
export interface TestCandidate extends Candidate {
  weight: number;
  inFlight: number;
  latency: number;
}

/** A candidate with nothing to do. */
export function candidate(
  id: string,
  figures: Partial<TestCandidate> = {},
): TestCandidate {
  return {
    id,
    address: `192.0.2.1:${id}`,
    weight: 1,
    inFlight: 0,
    latency: 0,
    ...figures,
  };
}

/** A candidate for each letter. */
export function candidates(
  ids: string,
  figures: Partial<TestCandidate> = {},
): TestCandidate[] {
  return Array.from(ids, (id) => candidate(id, figures));
}

/** A request, and the cookies that a policy adds to its response. */
export function request(
  fields: FieldsInit = {},
  clientAddress = "192.0.2.9",
): PolicyRequest & { cookies: string[] } {
  const cookies: string[] = [];
  return {
    method: "GET",
    target: "/",
    fields: new Fields(fields),
    clientAddress,
    setCookie: (value) => cookies.push(value),
    cookies,
  };
}

/** The ids that a policy chooses, one after the other, `-` for nobody. */
export function picks(
  policy: Policy,
  list: readonly Candidate[],
  count: number,
): string {
  let ids = "";
  for (let i = 0; i < count; i++) {
    ids += policy.pick(list, request())?.id ?? "-";
  }
  return ids;
}

/** How often each letter is there. */
export function counts(ids: Iterable<string>): Record<string, number> {
  const result: Record<string, number> = {};
  for (const id of ids) result[id] = (result[id] ?? 0) + 1;
  return result;
}

/** Numbers from 0 to below 1 that are the same in each run: mulberry32. */
export function seededRandom(seed = 1): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let value = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}
