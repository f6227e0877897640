import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { candidate, candidates, picks } from "./_policy_test_util.ts";
import { RoundRobin } from "./round_robin.ts";

Deno.test("round robin alternates exactly", () => {
  const policy = new RoundRobin();
  assertEquals(picks(policy, candidates("ab"), 6), "ababab");
  assertEquals(picks(new RoundRobin(), candidates("abc"), 7), "abcabca");
});

Deno.test("round robin ignores weights but for 0", () => {
  const list = [
    candidate("a", { weight: 5 }),
    candidate("b", { weight: 0 }),
    candidate("c", { weight: 0.1 }),
  ];
  assertEquals(picks(new RoundRobin(), list, 4), "acac");
  assertEquals(
    picks(new RoundRobin(), candidates("ab", { weight: 0 }), 1),
    "-",
  );
});

/** Candidates, how many are chosen, and who that must be; in turn. */
const CHANGES: [name: string, steps: [ids: string, chosen: string][]][] = [
  ["one comes at the end", [["ab", "ab"], ["abc", "cab"]]],
  ["one comes behind the last one", [["ac", "a"], ["abc", "bca"]]],
  ["the last one goes", [["abc", "ab"], ["ac", "ca"]]],
  ["the last one goes with the next", [["abcd", "ab"], ["ad", "dad"]]],
  ["the next one goes", [["abc", "a"], ["ac", "cac"]]],
  ["the last of the list goes", [["abc", "abc"], ["ab", "ab"]]],
  ["all others go", [["abc", "a"], ["b", "bb"], ["abc", "cab"]]],
  ["nobody stays", [["abc", "ab"], ["xy", "xyx"]]],
  ["the order changes", [["abc", "a"], ["cab", "bca"]]],
  ["nobody is there for a while", [["ab", "a"], ["", "-"], ["ab", "ba"]]],
  ["a second attempt goes without one", [
    ["abc", "a"],
    ["bc", "b"],
    ["abc", "c"],
    ["abc", "a"],
    ["bc", "b"],
  ]],
];

for (const [name, steps] of CHANGES) {
  Deno.test(`round robin goes on in order when ${name}`, () => {
    const policy = new RoundRobin();
    for (const [ids, chosen] of steps) {
      assertEquals(picks(policy, candidates(ids), chosen.length), chosen);
    }
  });
}

Deno.test("round robin passes nobody over who stays", () => {
  const subset = fc.tuple(fc.subarray([..."bcdef"]), fc.nat({ max: 3 }));
  fc.assert(fc.property(fc.array(subset, { maxLength: 40 }), (steps) => {
    const policy = new RoundRobin();
    // "a" is always there: at most each of the five others comes in between.
    let chosen = "";
    for (const [others, count] of steps) {
      const ids = ["a", ...others].sort().join("");
      chosen += picks(policy, candidates(ids), count);
    }
    for (const others of chosen.split("a")) {
      assert(others.length <= 5, chosen);
      assertEquals(new Set(others).size, others.length, chosen);
    }
  }));
});
