import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  candidate,
  candidates,
  counts,
  picks,
  seededRandom,
} from "./_policy_test_util.ts";
import type { Candidate } from "./policy.ts";
import { Weighted } from "./weighted.ts";

/** Candidates a, b, c, ... with weights. */
function weighing(...weights: number[]) {
  return weights.map((weight, i) => candidate("abcdefgh"[i]!, { weight }));
}

/** Weights, and who is chosen. The first is the example of nginx. */
const ORDERS: [weights: number[], chosen: string][] = [
  [[5, 1, 1], "aabacaaaabacaa"],
  [[1, 1], "abab"],
  [[1, 2], "babbab"],
  [[3, 0, 1], "aacaaaca"],
  [[0, 1], "bb"],
  [[0, 0], "--"],
  [[0.5, 0.25], "abaaba"],
  [[], "-"],
];

for (const [weights, chosen] of ORDERS) {
  Deno.test(`weighted chooses ${chosen} by ${weights.join(", ")}`, () => {
    const list = weighing(...weights);
    assertEquals(picks(new Weighted(), list, chosen.length), chosen);
  });
}

Deno.test("weighted gives each exactly its weight in a round", () => {
  const weights = fc.array(fc.integer({ min: 0, max: 20 }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(fc.property(weights, (weights) => {
    const list = weighing(...weights);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const found = counts(picks(new Weighted(), list, 2 * total));
    for (const { id, weight } of list) {
      assertEquals(found[id] ?? 0, 2 * weight);
    }
  }));
});

Deno.test("weighted remembers who was away", () => {
  const [a, b, c] = weighing(4, 1, 1);
  const policy = new Weighted();
  const all = [a!, b!, c!];
  let chosen = "";
  for (let i = 0; i < 60; i++) {
    chosen += picks(policy, all, 1);
    // A second attempt without "a", which must not make "a" forgotten.
    if (i % 6 === 0) picks(policy, [b!, c!], 1);
  }
  assertEquals(counts(chosen)["a"], 40);
});

Deno.test("weighted gives a new one its share at once, not more", () => {
  const policy = new Weighted();
  picks(policy, weighing(3, 3, 3, 3), 7);
  const list = weighing(3, 3, 3, 3, 3);
  assertEquals(counts(picks(policy, list, 10)), {
    a: 2,
    b: 2,
    c: 2,
    d: 2,
    e: 2,
  });
});

/** Chooses until it is somebody's turn, and how often that was. */
function turnOf(policy: Weighted, list: Candidate[], id: string): number {
  for (let count = 1;; count++) {
    assert(count < 1000);
    if (policy.pick(list)?.id === id) return count;
  }
}

Deno.test("weighted lets a new one begin among the others", () => {
  const policy = new Weighted();
  const large = candidate("a", { weight: 100 });
  // Who was chosen just now has least, and the other one has the difference.
  turnOf(policy, [large, candidate("b")], "b");
  assertAlmostEquals(turnOf(policy, [large, candidate("c")], "c"), 51, 1);
});

Deno.test("weighted forgets who is gone for good", () => {
  const policy = new Weighted();
  const large = candidate("a", { weight: 100 });
  turnOf(policy, [large, candidate("b")], "b");
  for (let i = 0; i < 40; i++) picks(policy, [large, candidate(`${i}`)], 1);
  const turn = turnOf(policy, [large, candidate("b")], "b");
  assertAlmostEquals(turn, 51, 1);
});

Deno.test("weighted does not pay back under small weights what was saved under large", () => {
  const policy = new Weighted();
  const list = weighing(1000, 1);
  picks(policy, list, 500);
  const equal = weighing(1, 1);
  const found = counts(picks(policy, equal, 20));
  assert(found["a"]! >= 8 && found["b"]! >= 8, JSON.stringify(found));
});

Deno.test("weighted keeps to growing weights whose list is new for each choice", () => {
  const policy = new Weighted();
  let chosen = "";
  let due = 0;
  for (let i = 1; i <= 1000; i++) {
    const weight = i / 1000;
    due += weight / (1 + weight);
    chosen += picks(policy, weighing(1, weight), 1);
  }
  assertAlmostEquals(counts(chosen)["b"]!, due, 3);
});

Deno.test("weighted starves nobody while others come and go under new names", () => {
  const policy = new Weighted();
  const random = seededRandom();
  const stays = candidate("s");
  let gap = 0;
  for (let i = 0; i < 2000; i++) {
    const list = [stays, candidate(`${i}`), candidate(`${i}+`)];
    for (let n = Math.floor(random() * 4); n >= 0; n--) {
      gap = policy.pick(list) === stays ? 0 : gap + 1;
      assert(gap < 20, `${i}`);
    }
  }
});

Deno.test("weighted chooses only of those it was given", () => {
  const policy = new Weighted();
  picks(policy, candidates("abc"), 2);
  assertEquals(picks(policy, candidates("c"), 3), "ccc");
});
