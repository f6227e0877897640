import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import {
  candidate,
  candidates,
  counts,
  picks,
  request,
} from "./_policy_test_util.ts";
import { ConsistentHash } from "./hash.ts";
import type { Candidate } from "./policy.ts";

const KEYS = Array.from({ length: 5000 }, (_, i) => `198.51.100.${i}`);

/** Who gets each key. */
function owners(
  policy: ConsistentHash,
  list: readonly Candidate[],
  keys = KEYS,
): (string | undefined)[] {
  return keys.map((key) => policy.pick(list, request({}, key))?.id);
}

/** How many are not the same. */
function moved<T>(before: T[], after: T[]): number {
  return before.filter((owner, i) => owner !== after[i]).length;
}

Deno.test("hash gives a key always to the same one", () => {
  const policy = new ConsistentHash();
  const list = candidates("abcde");
  const before = owners(policy, list);
  assertEquals(owners(policy, list), before);
  assertEquals(owners(new ConsistentHash(), list), before);
  assertEquals(owners(new ConsistentHash(), [...list].reverse()), before);
  assertEquals(Object.keys(counts(before as string[])).length, 5);
});

Deno.test("hash moves only the keys of the one that goes, about one in n", () => {
  const list = candidates("abcdefgh");
  const before = owners(new ConsistentHash(), list);
  for (const gone of list) {
    const rest = list.filter((one) => one !== gone);
    const after = owners(new ConsistentHash(), rest);
    const own = before.filter((owner) => owner === gone.id).length;
    assertEquals(moved(before, after), own);
    assert(
      own > 0.7 * KEYS.length / 8 && own < 1.3 * KEYS.length / 8,
      `${own}`,
    );
  }
});

Deno.test("hash gives its keys back to one that was away", () => {
  const policy = new ConsistentHash();
  const list = candidates("abcd");
  const rest = list.slice(1);
  const before = owners(policy, list);
  // The ring of all, without one, is the ring of the others.
  assertEquals(owners(policy, rest), owners(new ConsistentHash(), rest));
  assertEquals(owners(policy, list), before);
});

Deno.test("hash gives one that comes only keys of its own", () => {
  const policy = new ConsistentHash();
  const before = owners(policy, candidates("abcd"));
  const after = owners(policy, candidates("abcde"));
  const own = after.filter((owner) => owner === "e").length;
  assertEquals(moved(before, after), own);
  assert(own > 0.7 * KEYS.length / 5 && own < 1.3 * KEYS.length / 5, `${own}`);
});

Deno.test("hash takes a changed weight over", () => {
  const policy = new ConsistentHash();
  const before = owners(policy, candidates("ab"));
  const list = [candidate("a"), candidate("b", { weight: 3 })];
  const after = owners(policy, list);
  const share = after.filter((owner) => owner === "b").length / KEYS.length;
  assert(share > 0.68 && share < 0.82, `${share}`);
  // Nothing goes to the one that lost.
  assert(before.every((owner, i) => owner === "a" || after[i] === "b"));
  const none = [candidate("a"), candidate("b", { weight: 0 })];
  assertEquals(counts(owners(policy, none) as string[]), { a: KEYS.length });
});

Deno.test("hash goes by a header or a cookie", () => {
  const list = candidates("abcdefgh");
  for (
    const [by, fields] of [
      ["header:X-User", (key: string) => ({ "X-User": key })],
      ["cookie:user", (key: string) => ({ Cookie: `user=${key}` })],
    ] as const
  ) {
    const policy = new ConsistentHash({ by });
    const found = KEYS.map((key) =>
      policy.pick(list, request(fields(key)))?.id
    );
    assertEquals(found, owners(new ConsistentHash(), list));
    const missing = request({}, "198.51.100.7");
    assertEquals(
      policy.pick(list, missing)?.id,
      owners(policy, list, ["198.51.100.7"])[0],
    );
  }
});

Deno.test("hash takes turns where there is neither a key nor an address", () => {
  const policy = new ConsistentHash({ by: "header:X-User" });
  const list = candidates("abc");
  const ids = Array.from(
    { length: 6 },
    () => policy.pick(list, request({}, "")),
  );
  assertEquals(ids.map((one) => one?.id).join(""), "abcabc");
});

Deno.test("hash refuses to go by anything else", () => {
  const error = assertThrows(() => new ConsistentHash({ by: "ip" }), ConnError);
  assertEquals(error.code, "bad_key");
});

Deno.test("hash chooses nobody of none", () => {
  const policy = new ConsistentHash();
  assertEquals(picks(policy, [], 1), "-");
  assertEquals(picks(policy, candidates("ab", { weight: 0 }), 1), "-");
});

Deno.test("hash lets one key run over to the next one at the bound", () => {
  const policy = new ConsistentHash({ loadFactor: 1.5 });
  const list = candidates("abcd");
  const order: string[] = [];
  for (let i = 0; i < 100; i++) {
    const { id } = policy.pick(list, request())!;
    list.find((one) => one.id === id)!.inFlight++;
    if (!order.includes(id)) order.push(id);
  }
  // 100 requests, 25 on average, 1.5 times that at most.
  const loads = order.map((id) => list.find((one) => one.id === id)!.inFlight);
  assertEquals(loads[0], 38);
  assertEquals(loads[1], 38);
  // Where all runs over to next is where it goes when the first one is gone.
  const rest = list.filter(({ id }) => id !== order[0]);
  for (const one of rest) one.inFlight = 0;
  assertEquals(policy.pick(rest, request())?.id, order[1]);
});

Deno.test("hash stays within the bound for any keys, loads and weights", () => {
  const load = fc.record({
    weight: fc.integer({ min: 1, max: 10 }),
    inFlight: fc.nat({ max: 20 }),
  });
  fc.assert(fc.property(
    fc.array(load, { minLength: 1, maxLength: 8 }),
    fc.double({ min: 1, max: 3, noNaN: true }),
    fc.string({ minLength: 1 }),
    (loads, loadFactor, key) => {
      const list = loads.map((load, i) => candidate(`${i}`, load));
      const policy = new ConsistentHash({ loadFactor });
      const { inFlight, weight } = policy.pick(list, request({}, key))!;
      const total = loads.reduce((sum, one) => sum + one.inFlight, 1);
      const weights = loads.reduce((sum, one) => sum + one.weight, 0);
      const bound = Math.ceil(loadFactor * total / weights * weight + 1e-9);
      assert(inFlight + 1 <= bound);
    },
  ));
});

Deno.test("hash has no bound with an infinite factor", () => {
  const policy = new ConsistentHash({ loadFactor: Infinity });
  const list = candidates("abcd");
  const { id } = policy.pick(list, request())!;
  list.find((one) => one.id === id)!.inFlight = 1e6;
  assertEquals(policy.pick(list, request())?.id, id);
});

Deno.test("hash goes by the key alone where all have more than the bound", () => {
  const list = candidates("abcd", { inFlight: 9 });
  const policy = new ConsistentHash({ loadFactor: 0.5 });
  assertEquals(owners(policy, list), owners(new ConsistentHash(), list));
});
