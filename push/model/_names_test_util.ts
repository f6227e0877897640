/**
 * Topics and filters for property tests.
 *
 * @module
 */

import fc from "fast-check";

const word = fc.constantFrom("a", "b", "c");
const part = fc.oneof(
  { weight: 3, arbitrary: word },
  { weight: 1, arbitrary: fc.constant("+") },
);

/** Topics of few levels and few words, so that filters match them. */
export const smallTopic: fc.Arbitrary<string> = fc
  .array(word, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join("/"));

/** Filters of few levels and few words. */
export const smallFilter: fc.Arbitrary<string> = fc
  .tuple(fc.array(part, { maxLength: 4 }), fc.boolean())
  .map(([levels, isRest]) =>
    (isRest || levels.length === 0 ? [...levels, "#"] : levels).join("/")
  );

/** All topics of some words, up to a number of levels. */
export function allTopics(words: readonly string[], depth: number): string[] {
  if (depth === 1) return [...words];
  const shorter = allTopics(words, depth - 1);
  const longer = shorter.flatMap((topic) =>
    words.map((word) => `${topic}/${word}`)
  );
  return [...new Set([...shorter, ...longer])];
}

/** All filters of some words, up to a number of levels. */
export function allFilters(words: readonly string[], depth: number): string[] {
  const plain = allTopics([...words, "+"], depth);
  return ["#", ...plain, ...plain.map((filter) => `${filter}/#`)];
}
