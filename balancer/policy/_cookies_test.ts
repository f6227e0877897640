import { assertEquals } from "@std/assert";
import { findCookie } from "./_cookies.ts";

const FIELDS: [field: string, value: string | undefined][] = [
  ["a=1", "1"],
  ["b=2; a=1", "1"],
  ["b=2;a=1", "1"],
  ["a=1; b=2", "1"],
  ["a=1 ; b=2", "1"],
  ["  a=1", "1"],
  ["a=1; a=2", "1"],
  ["a=", ""],
  ["a=x=y==", "x=y=="],
  ["", undefined],
  ["a", undefined],
  ["a;", undefined],
  ["a; b=1", undefined],
  ["A=1", undefined],
  ["aa=1", undefined],
  ["ba=1; b=a=1", undefined],
  [";;; ; a=1", "1"],
  ["b=2;", undefined],
  ["   ", undefined],
];

for (const [field, value] of FIELDS) {
  Deno.test(`the cookie a of ${JSON.stringify(field)} is ${value}`, () => {
    assertEquals(findCookie(field, "a"), value);
  });
}
