import { assertEquals } from "@std/assert";
import { evaluate, rangeApplies, validatorsOf } from "./_conditional.ts";
import type { Validators, Verdict } from "./_conditional.ts";

const NOW = Date.UTC(2026, 5, 1, 12);
const MTIME = Date.UTC(2026, 4, 1, 12, 0, 0, 700);
const BEFORE = "Fri, 01 May 2026 11:59:59 GMT";
const EXACT = "Fri, 01 May 2026 12:00:00 GMT";
const AFTER = "Fri, 01 May 2026 12:00:01 GMT";

const strong: Validators = { etag: '"a"', modified: MTIME };
const weak: Validators = { etag: 'W/"a"', modified: MTIME };

type Fields = Record<string, string>;
type Row = [fields: Fields, onStrong: Verdict, onWeak: Verdict, none: Verdict];

const P = "proceed";
const N = "not modified";
const F = "failed";

const TABLE: Row[] = [
  [{}, P, P, P],
  // §13.1.1, strong comparison
  [{ "if-match": '"a"' }, P, F, F],
  [{ "if-match": 'W/"a"' }, F, F, F],
  [{ "if-match": '"b", "a"' }, P, F, F],
  [{ "if-match": '"b"' }, F, F, F],
  [{ "if-match": "*" }, P, P, P],
  [{ "if-match": "a" }, F, F, F],
  [{ "if-match": "" }, F, F, F],
  // §13.1.2, weak comparison
  [{ "if-none-match": '"a"' }, N, N, P],
  [{ "if-none-match": 'W/"a"' }, N, N, P],
  [{ "if-none-match": '"b","c" , W/"a"' }, N, N, P],
  [{ "if-none-match": ',, "a",' }, N, N, P],
  [{ "if-none-match": '"b"' }, P, P, P],
  [{ "if-none-match": '"a, b"' }, P, P, P],
  [{ "if-none-match": '"b,"a"' }, P, P, P],
  [{ "if-none-match": 'w/"a"' }, P, P, P],
  [{ "if-none-match": "*" }, N, N, N],
  [{ "if-none-match": "a" }, P, P, P],
  // §13.1.3
  [{ "if-modified-since": BEFORE }, P, P, P],
  [{ "if-modified-since": EXACT }, N, N, P],
  [{ "if-modified-since": AFTER }, N, N, P],
  [{ "if-modified-since": "tomorrow" }, P, P, P],
  [{ "if-modified-since": "2027" }, P, P, P],
  // §13.1.4
  [{ "if-unmodified-since": BEFORE }, F, F, P],
  [{ "if-unmodified-since": EXACT }, P, P, P],
  [{ "if-unmodified-since": AFTER }, P, P, P],
  [{ "if-unmodified-since": "yesterday" }, P, P, P],
  // §13.2.2: a tag goes before a date, If-Match before If-None-Match
  [{ "if-match": '"a"', "if-unmodified-since": BEFORE }, P, F, F],
  [{ "if-match": '"b"', "if-unmodified-since": AFTER }, F, F, F],
  [{ "if-none-match": '"b"', "if-modified-since": AFTER }, P, P, P],
  [{ "if-none-match": '"a"', "if-modified-since": BEFORE }, N, N, P],
  [{ "if-match": '"b"', "if-none-match": '"a"' }, F, F, F],
  [{ "if-match": "*", "if-none-match": '"a"' }, N, N, P],
  [{ "if-unmodified-since": BEFORE, "if-none-match": '"a"' }, F, F, P],
  [{ "if-unmodified-since": AFTER, "if-modified-since": AFTER }, N, N, P],
];

Deno.test("evaluate gives each combination of the table its verdict", () => {
  for (const [fields, onStrong, onWeak, none] of TABLE) {
    const headers = new Headers(fields);
    const text = JSON.stringify(fields);
    assertEquals(evaluate(headers, strong, NOW), onStrong, text);
    assertEquals(evaluate(headers, weak, NOW), onWeak, text);
    assertEquals(evaluate(headers, undefined, NOW), none, text);
  }
});

Deno.test("rangeApplies follows RFC 9110 §13.1.5", () => {
  const table: [field: string, onStrong: boolean][] = [
    ['"a"', true],
    ['W/"a"', false],
    ['"b"', false],
    ['"a", "b"', false],
    [EXACT, true],
    [BEFORE, false],
    [AFTER, false],
    ["*", false],
    ["nonsense", false],
  ];
  for (const [field, onStrong] of table) {
    const headers = new Headers({ "if-range": field });
    assertEquals(rangeApplies(headers, strong, NOW), onStrong, field);
    assertEquals(rangeApplies(headers, weak, NOW), false, field);
    assertEquals(rangeApplies(headers, undefined, NOW), false, field);
  }
  assertEquals(rangeApplies(new Headers(), undefined, NOW), true);
});

Deno.test("validatorsOf makes a weak tag of a file that has just changed", () => {
  const tag = (age: number): string | undefined =>
    validatorsOf({ size: 5, mtime: new Date(NOW - age) }, NOW, "")?.etag;
  assertEquals(tag(5000)?.startsWith('"'), true);
  assertEquals(tag(2000)?.startsWith('"'), true);
  assertEquals(tag(1999)?.startsWith("W/"), true);
  assertEquals(tag(-60_000)?.startsWith("W/"), true);
});

Deno.test("validatorsOf tells sizes, times and codings apart", () => {
  const tags = new Set(
    [[5, 5000, ""], [6, 5000, ""], [5, 5001, ""], [5, 5000, "-br"]].map(
      ([size, age, suffix]) =>
        validatorsOf(
          { size: size as number, mtime: new Date(NOW - (age as number)) },
          NOW,
          suffix as string,
        )?.etag,
    ),
  );
  assertEquals(tags.size, 4);
});

Deno.test("validatorsOf gives nothing where the time says nothing", () => {
  for (const mtime of [null, new Date(0), new Date(1000), new Date(NaN)]) {
    assertEquals(validatorsOf({ size: 5, mtime }, NOW, ""), undefined);
  }
});

Deno.test("validatorsOf never gives a time ahead of now", () => {
  const mtime = new Date(NOW + 60_000);
  assertEquals(validatorsOf({ size: 5, mtime }, NOW, "")?.modified, NOW);
});
