import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import type { TopicOptions } from "../options.ts";
import { TopicRules } from "./topic_rules.ts";

const NONE = { history: undefined, delta: false, presence: false };
const HISTORY = { count: 100, bytes: 1_048_576, age: Infinity };

Deno.test("a topic without options keeps its newest value only", () => {
  assertEquals(new TopicRules().for("a"), NONE);
  assertEquals(new TopicRules({ b: { delta: true } }).for("a"), NONE);
});

Deno.test("the first pattern that matches counts, whole", () => {
  const rules = new TopicRules({
    "plant/+/state": { history: true, delta: true },
    "plant/#": { presence: true },
    "#": { history: false },
  });
  assertEquals(rules.for("plant/a/state"), {
    history: HISTORY,
    delta: true,
    presence: false,
  });
  assertEquals(rules.for("plant"), { ...NONE, presence: true });
  assertEquals(rules.for("else"), NONE);
  assertStrictEquals(rules.for("plant/a/state"), rules.for("plant/b/state"));
});

Deno.test("a history has the limits that are set, and defaults", () => {
  const history = (options: TopicOptions["history"] & object) =>
    new TopicRules({ a: { history: options } }).for("a").history;
  assertEquals(history({}), HISTORY);
  assertEquals(history({ count: 5 }), { ...HISTORY, count: 5 });
  const least = { count: 1, bytes: 0, age: 0 };
  assertEquals(history(least), least);
  for (const [name, value] of Object.entries(least)) {
    assertEquals(history({ [name]: Infinity }), {
      ...HISTORY,
      [name]: Infinity,
    });
    for (const wrong of [value - 0.5, NaN, "10", null]) {
      assertThrows(
        () => history({ [name]: wrong as number }),
        RangeError,
        `Cannot set "${name}" of a history to ${wrong}: expected a number that is at least ${value}`,
      );
    }
  }
});

Deno.test("a pattern that is no filter is refused", () => {
  assertThrows(
    () => new TopicRules({ "a/#": {}, "a#": {} }),
    RangeError,
    'Cannot use "a#" as a filter: expected "#" as the last level',
  );
});
