import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  candidate,
  candidates,
  counts,
  picks,
  seededRandom,
  type TestCandidate,
} from "./_policy_test_util.ts";
import { PowerOfTwo } from "./p2c.ts";

/** What a and b are, and who is chosen of them. */
const PAIRS: [
  name: string,
  a: Partial<TestCandidate>,
  b: Partial<TestCandidate>,
  chosen: string,
][] = [
  ["the faster one", { latency: 5 }, { latency: 6 }, "a"],
  ["the one with less to do", { latency: 5, inFlight: 2 }, { latency: 6 }, "b"],
  [
    "the faster one although it has a little more to do",
    { latency: 5, inFlight: 1 },
    { latency: 20 },
    "a",
  ],
  [
    "the one with the larger weight",
    { latency: 5, weight: 2 },
    { latency: 5, weight: 3 },
    "b",
  ],
  ["the one that nothing is known of", { latency: 0.01 }, {}, "b"],
  [
    "nobody who is just being found out about",
    { latency: 60_000, inFlight: 50 },
    { inFlight: 1 },
    "a",
  ],
  ["of two unknown ones the idle one", { inFlight: 1 }, {}, "b"],
  [
    "of two unknown busy ones the one with less for its weight",
    { inFlight: 3, weight: 1 },
    { inFlight: 4, weight: 2 },
    "b",
  ],
  ["nobody without a weight", { latency: 9 }, { weight: 0 }, "a"],
];

for (const [name, a, b, chosen] of PAIRS) {
  Deno.test(`p2c chooses ${name}`, () => {
    const policy = new PowerOfTwo(seededRandom());
    const list = [candidate("a", a), candidate("b", b)];
    assertEquals(picks(policy, list, 50), chosen.repeat(50));
  });
}

Deno.test("p2c chooses who is alone, and nobody of none", () => {
  assertEquals(picks(new PowerOfTwo(), candidates("a"), 2), "aa");
  assertEquals(picks(new PowerOfTwo(), candidates("a", { weight: 0 }), 1), "-");
});

Deno.test("p2c never chooses the worst, and the best no more often than drawn", () => {
  const list = candidates("abcd").map((one, i) => ({ ...one, latency: i + 1 }));
  const found = counts(picks(new PowerOfTwo(seededRandom()), list, 60_000));
  // Of the six pairs "a" is in three, and "b" the better one of two.
  assertAlmostEquals(found["a"]! / 60_000, 3 / 6, 0.01);
  assertAlmostEquals(found["b"]! / 60_000, 2 / 6, 0.01);
  assertAlmostEquals(found["c"]! / 60_000, 1 / 6, 0.01);
  assertEquals(found["d"], undefined);
});

Deno.test("p2c draws by weight", () => {
  // The costs are the same, so the first one that is drawn is chosen.
  const list = [1, 2, 5].map((weight, i) =>
    candidate("abc"[i]!, { weight, latency: weight })
  );
  const found = counts(picks(new PowerOfTwo(seededRandom()), list, 40_000));
  assertAlmostEquals(found["a"]! / 40_000, 1 / 8, 0.01);
  assertAlmostEquals(found["b"]! / 40_000, 2 / 8, 0.01);
  assertAlmostEquals(found["c"]! / 40_000, 5 / 8, 0.01);
});

Deno.test("p2c draws two different ones whatever chance says", () => {
  const weights = fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), {
    minLength: 2,
    maxLength: 6,
  });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(fc.property(weights, chance, chance, (weights, one, other) => {
    const drawn = new Set<string>();
    const list = weights.map((weight, i) => ({
      ...candidate(`${i}`, { weight }),
      // Looked at for each one that is drawn.
      get latency() {
        drawn.add(this.id);
        return 1;
      },
    }));
    const numbers = [one, other];
    new PowerOfTwo(() => numbers.shift()!).pick(list);
    assertEquals(drawn.size, 2);
  }));
});

Deno.test("p2c spreads load by speed and weight", () => {
  // A closed queue: 60 clients, each candidate serves at its own rate.
  const random = seededRandom();
  const policy = new PowerOfTwo(random);
  const list = [
    candidate("a", { latency: 10 }),
    candidate("b", { latency: 10 }),
    candidate("c", { latency: 20 }),
    candidate("d", { latency: 10, weight: 2 }),
  ];
  for (let i = 0; i < 60; i++) {
    const { id } = policy.pick(list)!;
    list.find((one) => one.id === id)!.inFlight++;
  }
  const [a, b, c, d] = list.map(({ inFlight }) => inFlight);
  assert(Math.abs(a! - b!) <= 4, `${a} ${b}`);
  assert(c! < a! && c! < b!, `${c}`);
  assert(d! > 1.4 * a!, `${d}`);
});
