import { assertEquals } from "@std/assert";
import { First } from "./first.ts";
import { candidate, candidates, picks } from "./_policy_test_util.ts";

Deno.test("first chooses the first that has a weight", () => {
  const policy = new First();
  const [a, b, c] = candidates("abc");
  assertEquals(picks(policy, [a!, b!, c!], 3), "aaa");
  assertEquals(picks(policy, [b!, c!], 2), "bb");
  assertEquals(picks(policy, [candidate("x", { weight: 0 }), c!], 2), "cc");
  assertEquals(picks(policy, [candidate("x", { weight: 0 })], 1), "-");
});
