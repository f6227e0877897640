import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Delimiter } from "./_delimiter.ts";

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

// Little else than what a delimiter is made of, so that near misses are common.
const near = fc.array(
  fc.constantFrom("\r", "\n", "-", "a", "b", "\r\n", "\r\n--", "\r\n--ab", "x"),
  { maxLength: 30 },
).map((pieces) => pieces.join(""));

Deno.test("Delimiter finds what a plain search finds", () => {
  for (const boundary of ["a", "ab", "aaab", "abab-", "-", "a".repeat(70)]) {
    const delimiter = new Delimiter(boundary);
    fc.assert(
      fc.property(near, fc.nat(10), (text, from) => {
        const found = delimiter.indexIn(latin1(text), from);
        assertEquals(found, text.indexOf(`\r\n--${boundary}`, from));
      }),
      { numRuns: 200 },
    );
  }
});

Deno.test("Delimiter finds where the input ends in the middle of one", () => {
  const delimiter = new Delimiter("abab");
  const whole = "\r\n--abab";
  fc.assert(
    fc.property(near, fc.nat(10), (text, from) => {
      if (text.indexOf(whole, from) >= 0) return;
      let expected = text.length;
      for (let length = 1; length < whole.length; length++) {
        const at = text.length - length;
        if (at >= from && text.endsWith(whole.slice(0, length))) expected = at;
      }
      assertEquals(delimiter.cutIn(latin1(text), from), expected);
    }),
  );
});

Deno.test("Delimiter tells a start from a beginning that may become one", () => {
  const delimiter = new Delimiter("ab");
  assertEquals(delimiter.startsAt(latin1("xy\r\n--abz"), 2), true);
  assertEquals(delimiter.startsAt(latin1("\r\n--a"), 0), undefined);
  assertEquals(delimiter.startsAt(latin1("\r\n--ac"), 0), false);
  assertEquals(delimiter.startsAt(latin1("\r\n-"), 0), undefined);
  assertEquals(delimiter.startsAt(latin1("\r\nx"), 0), false);
});
