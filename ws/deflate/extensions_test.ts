import { assertEquals } from "@std/assert";
import { parseExtensions } from "./extensions.ts";

Deno.test("parseExtensions reads names, parameters and values in order", () => {
  assertEquals(parseExtensions("foo"), [{ name: "foo", parameters: [] }]);
  assertEquals(parseExtensions('a;x;y=1 ; z = "2", b'), [
    { name: "a", parameters: [["x", undefined], ["y", "1"], ["z", "2"]] },
    { name: "b", parameters: [] },
  ]);
});

Deno.test("parseExtensions keeps a parameter that is there twice", () => {
  assertEquals(parseExtensions("a; x=1; x"), [
    { name: "a", parameters: [["x", "1"], ["x", undefined]] },
  ]);
});

Deno.test("parseExtensions unquotes values", () => {
  assertEquals(parseExtensions('a; x="\\1\\0"'), [
    { name: "a", parameters: [["x", "10"]] },
  ]);
});

Deno.test("parseExtensions ignores empty members", () => {
  assertEquals(parseExtensions(", a ,\t, b,")?.map(({ name }) => name), [
    "a",
    "b",
  ]);
});

Deno.test("parseExtensions rejects what the grammar does not allow", () => {
  for (
    const value of [
      "",
      " , ",
      "a b",
      "a;",
      "a;;x",
      ";x",
      "a; =1",
      "a; x=",
      'a; x=""',
      'a; x="1',
      'a; x="1 2"',
      'a; x="1,2"',
      'a; x="1;2"',
      "a; x=1 2",
      "a; x y",
      "a/1",
      "ä",
      "a, b;",
      "a\n",
      '"a"',
    ]
  ) {
    assertEquals(parseExtensions(value), undefined, value);
  }
});

Deno.test("parseExtensions takes a long hostile value in linear time", () => {
  // Would take hours if the pattern tried all ways to divide the value.
  const value = `a; x="${"\\1".repeat(20_000)} "`;
  assertEquals(parseExtensions(value), undefined);
});
