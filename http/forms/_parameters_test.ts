import { assertEquals } from "@std/assert";
import { parseParameterized } from "./_parameters.ts";

function parse(text: string) {
  const result = parseParameterized(text);
  return result && [result.value, Object.fromEntries(result.parameters)];
}

for (
  const [text, value, parameters] of [
    ["text/plain", "text/plain", {}],
    [" Text/HTML ; CharSet=UTF-8", "text/html", { charset: "UTF-8" }],
    ["a;b=c;d=e ", "a", { b: "c", d: "e" }],
    ["a;b=c;", "a", { b: "c" }],
    ['a;b="c;d=e"; f="" ', "a", { b: "c;d=e", f: "" }],
    ['a;b="c\\"d\\\\e"', "a", { b: 'c"d\\e' }],
    ['a;b="C:\\dir\\file"', "a", { b: "C:\\dir\\file" }],
    ['a;b="ends in \\"', "a", { b: "ends in \\" }],
    ['a;b="x\\"; c="y"', "a", { b: "x\\", c: "y" }],
    ['a;b="日本"', "a", { b: "日本" }],
  ] as const
) {
  Deno.test(`parseParameterized reads ${text}`, () => {
    assertEquals(parse(text), [value, parameters]);
  });
}

for (
  const text of [
    "",
    ";a=b",
    "a b",
    "a;b",
    "a;=c",
    "a;b=",
    "a;b =c",
    "a;b= c",
    "a;b=c;B=d",
    'a;b="c',
    'a;b="c"d',
    'a;b="c"d"',
    "a;b=c d",
    "a;;b=c",
    'a;b=c"d"',
  ]
) {
  Deno.test(`parseParameterized refuses ${JSON.stringify(text)}`, () => {
    assertEquals(parse(text), undefined);
  });
}

Deno.test("parseParameterized takes a time linear in the input", () => {
  for (const piece of ["\\", '\\"', ";", " ", '"', "a"]) {
    assertEquals(parse(`a;b="${piece.repeat(200_000)}\0`), undefined);
  }
});
