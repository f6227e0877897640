import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import {
  allFilters,
  allTopics,
  smallFilter,
  smallTopic,
} from "./_names_test_util.ts";
import {
  checkFilter,
  checkTopic,
  covers,
  isPattern,
  matches,
} from "./topic_name.ts";

const VALID = [
  "a",
  "plant/ahu-1/state",
  "Größe/温度/🦦",
  " ",
  ".",
  "a$/b",
  "x".repeat(256),
  "é".repeat(128),
  "🦦".repeat(64),
  "a/".repeat(127) + "a",
];

/** What neither a topic nor a filter may be, and what is expected. */
const WRONG: [name: string, expected: string][] = [
  ["", "at least one character"],
  ["x".repeat(257), "at most 256 bytes"],
  ["é".repeat(128) + "x", "at most 256 bytes"],
  ["🦦".repeat(64) + "x", "at most 256 bytes"],
  ["a\n", "no control characters"],
  ["\0", "no control characters"],
  ["a\x7f", "no control characters"],
  ["a\x85b", "no control characters"],
  ["a\ud800", "no control characters"],
  ["\udc00\ud800", "no control characters"],
  ["/", "no empty level"],
  ["/a", "no empty level"],
  ["a/", "no empty level"],
  ["a//b", "no empty level"],
  ["$SYS/a", 'no "$" at the beginning'],
];

Deno.test("a topic is one to 256 bytes in levels that are not empty", () => {
  for (const topic of VALID) {
    checkTopic(topic);
    checkFilter(topic);
    assert(!isPattern(topic));
  }
  for (const [topic, expected] of WRONG) {
    assertThrows(() => checkTopic(topic), ConnError, expected);
    assertThrows(() => checkFilter(topic), ConnError, expected);
  }
});

Deno.test("a topic has no wildcards", () => {
  for (const topic of ["+", "#", "a+", "a/#", "#a", "a/+/b"]) {
    assertThrows(() => checkTopic(topic), ConnError, 'no "+" and no "#"');
  }
});

Deno.test("a filter has its wildcards as whole levels, and # last", () => {
  for (const filter of ["+", "#", "+/#", "a/+/b", "a/#", "+/+", "é/+/🦦/#"]) {
    checkFilter(filter);
    assert(isPattern(filter));
  }
  for (const filter of ["a+", "+a", "++", "a/+b/c", "a/b+", "+#"]) {
    assertThrows(() => checkFilter(filter), ConnError, '"+" as a whole level');
  }
  for (const filter of ["#/a", "a#", "#a", "##", "a/#/b", "a/b#", "#+"]) {
    assertThrows(
      () => checkFilter(filter),
      ConnError,
      filter === "#+" ? '"+" as a whole level' : '"#" as the last level',
    );
  }
});

Deno.test("a wrong name is shown in its error, escaped and cut", () => {
  const topic = assertThrows(() => checkTopic("a\n"), ConnError);
  assertEquals(
    topic.message,
    'Cannot use "a\\n" as a topic: expected no control characters',
  );
  assertEquals(
    [topic.code, topic.side, topic.reply],
    ["topic_invalid", "remote", 400],
  );
  const filter = assertThrows(() => checkFilter("x".repeat(9999)), ConnError);
  assertEquals(
    filter.message,
    `Cannot use "${"x".repeat(64)}" as a filter: expected at most 256 bytes`,
  );
  assertEquals(
    [filter.code, filter.side, filter.reply],
    ["filter_invalid", "remote", 400],
  );
});

Deno.test("a filter matches as in MQTT", () => {
  const cases: [filter: string, topic: string, expected: boolean][] = [
    ["plant/#", "plant", true],
    ["plant/#", "plant/a/b", true],
    ["plant/#", "plants", false],
    ["plant/+/#", "plant", false],
    ["plant/+/#", "plant/a", true],
    ["#", "a", true],
    ["+", "a", true],
    ["+", "a/b", false],
    ["+/b", "a/b", true],
    ["a/+", "a", false],
    ["a", "a/b", false],
    ["a/b", "a", false],
    ["a", "A", false],
    // The same to the eye, but composed differently.
    ["\u00e9", "e\u0301", false],
  ];
  for (const [filter, topic, expected] of cases) {
    assertEquals(matches(filter, topic), expected, `${filter} ${topic}`);
  }
});

Deno.test("matches agrees with a regular expression", () => {
  fc.assert(fc.property(smallFilter, smallTopic, (filter, topic) => {
    const source = filter.replaceAll("+", "[^/]+")
      .replace(/\/#$/, "(/.*)?").replace("#", ".*");
    assertEquals(matches(filter, topic), new RegExp(`^${source}$`).test(topic));
  }));
});

Deno.test("covers is exact for all filters of three levels", () => {
  // A word and a depth that no filter has stand for all the others.
  const topics = allTopics(["a", "b", "z"], 5);
  const filters = allFilters(["a", "b"], 3);
  const matched = new Map(filters.map((filter) => [
    filter,
    topics.map((topic) => matches(filter, topic)),
  ]));
  for (const filter of filters) {
    const granted = matched.get(filter)!;
    for (const requested of filters) {
      const expected = matched.get(requested)!.every((is, i) =>
        !is || granted[i]
      );
      assertEquals(
        covers(filter, requested),
        expected,
        `${filter} covers ${requested}`,
      );
    }
  }
});

Deno.test("covers a topic as matches does", () => {
  fc.assert(fc.property(smallFilter, smallTopic, (filter, topic) => {
    assertEquals(covers(filter, topic), matches(filter, topic));
  }));
});
