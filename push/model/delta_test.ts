import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { mergePatch } from "./delta.ts";
import { applyMergePatch } from "./merge_patch.ts";

Deno.test("mergePatch says what has changed", () => {
  const long = "x".repeat(40);
  const cases: [base: unknown, target: unknown, patch: unknown][] = [
    [{ a: 1, long }, { a: 2, long }, { a: 2 }],
    [{ a: 1, long }, { long }, { a: null }],
    [{ long }, { long, a: { b: [1, { c: null }] } }, {
      a: { b: [1, { c: null }] },
    }],
    [{ a: { b: 1, c: 2 }, long }, { a: { b: 1, c: 3 }, long }, { a: { c: 3 } }],
    [{ a: [1, 2], long }, { a: [1], long }, { a: [1] }],
    [{ a: null, long }, { a: null, b: 1, long }, { b: 1 }],
    [{ long }, { long }, {}],
  ];
  for (const [base, target, patch] of cases) {
    const text = mergePatch(JSON.stringify(base), JSON.stringify(target));
    assertEquals(JSON.parse(text!), patch);
  }
});

Deno.test("mergePatch gives none that is not exact, or no shorter", () => {
  const long = "x".repeat(40);
  const cases: [base: unknown, target: unknown][] = [
    [{ a: 1, long }, { a: null, long }],
    [{ long }, { a: { b: null }, long }],
    [{ a: [1], long }, { a: { b: null }, long }],
    [{ a: 1 }, { b: 2 }],
    [{}, {}],
    [{ long }, "a"],
    ["a", { long }],
    [[1, long], [2, long]],
    [1, 1],
    [null, null],
    [[{ long }], { long }],
  ];
  for (const [base, target] of cases) {
    const given = mergePatch(JSON.stringify(base), JSON.stringify(target));
    assertEquals(given, undefined);
  }
});

Deno.test("mergePatch tells -0 from 0 and takes numbers as they come back", () => {
  const long = "x".repeat(40);
  const value = (a: string) => `{"a":${a},"long":"${long}"}`;
  assertEquals(mergePatch(value("0"), value("-0")), undefined);
  assertEquals(mergePatch(value("1"), value("1e999")), undefined);
  assertEquals(mergePatch(value("1"), value("1.50")), '{"a":1.5}');
});

Deno.test("mergePatch takes members named as an object's properties", () => {
  const long = "x".repeat(80);
  for (const name of ["__proto__", "constructor", "prototype", "toString"]) {
    const value = (a: string) => `{"${name}":${a},"long":"${long}"}`;
    for (const [base, target] of [["1", "2"], ['{"a":1}', '{"a":2}']]) {
      const patch = mergePatch(value(base!), value(target!));
      if (patch === undefined) continue;
      const made = applyMergePatch(JSON.parse(value(base!)), JSON.parse(patch));
      assertEquals(JSON.stringify(made), value(target!));
    }
    const patched = applyMergePatch({}, JSON.parse(`{"${name}":{"a":1}}`));
    assertEquals(JSON.stringify(patched), `{"${name}":{"a":1}}`);
  }
});

Deno.test("mergePatch gives none for values that are very deep", () => {
  const nested = (depth: number, x: number) =>
    `{"long":"${"x".repeat(40)}","a":`.repeat(depth) + x + "}".repeat(depth);
  assert(mergePatch(nested(100, 1), nested(100, 2)) !== undefined);
  assertEquals(mergePatch(nested(101, 1), nested(101, 2)), undefined);
  assertEquals(mergePatch(nested(100_000, 1), nested(100_000, 2)), undefined);
});

Deno.test("mergePatch takes wide objects, and names that objects have anyway", () => {
  const wide = (x: number) =>
    JSON.stringify(
      Object.fromEntries(
        Array.from({ length: 50_000 }, (_, i) => [`k${i}`, i]),
      ),
    ).replace(/0}$/, `${x}}`);
  assertEquals(mergePatch(wide(1), wide(1)), "{}");
  const value = (n: number) =>
    JSON.stringify({ pad: "x".repeat(20), list: [{ valueOf: 1 }], n });
  assertEquals(mergePatch(value(1), value(2)), '{"n":2}');
});

// RFC 7396, Appendix A.
const EXAMPLES: [target: string, patch: string, result: string][] = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', "{}"],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['["a","b"]', '["c","d"]', '["c","d"]'],
  ['{"a":"b"}', '["c"]', '["c"]'],
  ['{"a":"foo"}', "null", "null"],
  ['{"a":"foo"}', '"bar"', '"bar"'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
  ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
];

Deno.test("applyMergePatch does what RFC 7396 shows", () => {
  for (const [target, patch, result] of EXAMPLES) {
    const made = applyMergePatch(JSON.parse(target), JSON.parse(patch));
    assertEquals(JSON.stringify(made), result);
  }
});

const json = fc.jsonValue({ maxDepth: 4 });
const object = fc.letrec<{ object: unknown; member: unknown }>((tie) => ({
  object: fc.dictionary(
    fc.constantFrom("a", "b", "c", "__proto__"),
    tie("member"),
    { maxKeys: 4 },
  ),
  member: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(1, 2, "one", null, true),
    fc.array(fc.constantFrom(1, null, { a: null }), { maxLength: 2 }),
    tie("object"),
  ),
})).object;

Deno.test("a patch makes the target of the base, and is shorter", () => {
  let given = 0;
  const value = fc.oneof(json, object, object);
  fc.assert(
    fc.property(value, value, (base, target) => {
      const [from, to] = [JSON.stringify(base), JSON.stringify(target)];
      const patch = mergePatch(from, to);
      if (patch === undefined) return;
      given++;
      assert(patch.length < to.length);
      const made = applyMergePatch(JSON.parse(from), JSON.parse(patch));
      assertEquals(made, JSON.parse(to));
    }),
    { numRuns: 1000 },
  );
  assert(given > 0);
});

Deno.test("applyMergePatch changes neither of its arguments", () => {
  fc.assert(fc.property(object, object, (target, patch) => {
    const before = JSON.stringify([target, patch]);
    applyMergePatch(target, patch);
    assertEquals(JSON.stringify([target, patch]), before);
  }));
});
