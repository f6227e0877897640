import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import type { PolicyConfig, PolicyName } from "../config/config.ts";
import {
  candidates,
  counts,
  picks,
  request,
  seededRandom,
} from "./_policy_test_util.ts";
import { createPolicy, policyName } from "./create.ts";

/** What each chooses three times of a, b and c that are the same. */
const NAMES: [name: PolicyName, chosen: string][] = [
  ["round_robin", "abc"],
  ["weighted", "abc"],
  ["least_connections", "abc"],
  ["first", "aaa"],
  ["sticky", "abc"],
];

for (const [type, chosen] of NAMES) {
  Deno.test(`createPolicy makes ${type} by name and by options`, () => {
    const config = { type } as PolicyConfig;
    assertEquals(picks(createPolicy(type), candidates("abc"), 3), chosen);
    assertEquals(picks(createPolicy(config), candidates("abc"), 3), chosen);
    assertEquals(policyName(config), type);
  });
}

Deno.test("createPolicy gives p2c its chance", () => {
  const ids = (seed: number) =>
    picks(
      createPolicy("p2c", { random: seededRandom(seed) }),
      candidates("abc"),
      50,
    );
  assertEquals(ids(1), ids(1));
  assert(ids(1) !== ids(2));
  assertEquals(Object.keys(counts(ids(1))).length, 3);
});

Deno.test("createPolicy gives hash its options", () => {
  const list = candidates("abcdefgh");
  const policy = createPolicy({
    type: "hash",
    by: "header:X-Key",
    loadFactor: Infinity,
  });
  const ids = Array.from({ length: 50 }, (_, i) => {
    const { id } = policy.pick(list, request({ "X-Key": `${i}` }))!;
    list.find((one) => one.id === id)!.inFlight += 1000;
    assertEquals(policy.pick(list, request({ "X-Key": `${i}` }))?.id, id);
    return id;
  });
  assert(Object.keys(counts(ids)).length > 4);
});

Deno.test("createPolicy gives sticky its options and its fallback", () => {
  const policy = createPolicy({
    type: "sticky",
    cookie: "lb",
    secure: true,
    fallback: "first",
  });
  const asked = request();
  assertEquals(picks(policy, candidates("ab"), 2), "aa");
  policy.pick(candidates("ab"), asked);
  assert(asked.cookies[0]!.startsWith("lb="));
  assert(asked.cookies[0]!.endsWith("; Secure"));
});

Deno.test("createPolicy makes a policy of a function", () => {
  const list = candidates("ab");
  const asked = request();
  const policy = createPolicy((given, request) => {
    assert(given === list && request === asked);
    return given[1];
  });
  assert(policy.pick(list, asked) === list[1]);
  assertEquals(createPolicy(() => undefined).pick(list, asked), undefined);
  assertEquals(policyName(() => undefined), "custom");
});

Deno.test("createPolicy lets a function choose nobody that it was not given", () => {
  const [a, b] = candidates("ab");
  const policy = createPolicy(() => a);
  const error = assertThrows(() => policy.pick([b!], request()), ConnError);
  assertEquals(
    [error.code, error.side, error.reply],
    ["bad_pick", "local", undefined],
  );
  assertEquals(
    error.message,
    'Cannot use "a", which the policy chose: expected one of the candidates',
  );
});

Deno.test("createPolicy refuses what there is not", () => {
  const error = assertThrows(
    () => createPolicy("random" as PolicyName),
    ConnError,
    'Cannot choose backends by "random": expected the name of a policy',
  );
  assertEquals(error.code, "bad_policy");
});
