import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { contentRange, MAX_RANGES, parseRange } from "./_range.ts";

const TABLE: [field: string, expected: string][] = [
  ["bytes=0-0", "0-1"],
  ["bytes=0-499", "0-500"],
  ["bytes=500-999", "500-1000"],
  ["bytes=999-", "999-1000"],
  ["bytes=0-", "0-1000"],
  ["bytes=0-5000", "0-1000"],
  ["BYTES=0-1", "0-2"],
  ["bytes=-1", "999-1000"],
  ["bytes=-1000", "0-1000"],
  ["bytes=-5000", "0-1000"],
  ["bytes= 0-1 ,\t3-4 ", "0-2 3-5"],
  ["bytes=,0-1,,3-4,", "0-2 3-5"],
  ["bytes=3-4,0-1", "3-5 0-2"],
  ["bytes=0-1,1000-", "0-2"],
  ["bytes=0-1,-0", "0-2"],
  ["bytes=1000-", "unsatisfiable"],
  ["bytes=1000-2000,5000-", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=99999999999999999999999-", "unsatisfiable"],
  ["bytes=0-999999999999999999999", "0-1000"],
  ["bytes=", "whole"],
  ["bytes=-", "whole"],
  ["bytes=,", "whole"],
  ["bytes=5-4", "whole"],
  ["bytes=a-b", "whole"],
  ["bytes=0x1-2", "whole"],
  ["bytes=1.5-2", "whole"],
  ["bytes=+1-2", "whole"],
  ["bytes=--1", "whole"],
  ["bytes=0-1-2", "whole"],
  ["bytes=0 - 1", "whole"],
  ["bytes=0-1;2-3", "whole"],
  ["bytes=0-1, bytes=2-3", "whole"],
  ["bytes 0-1", "whole"],
  ["bytes =0-1", "whole"],
  ["items=0-1", "whole"],
  ["0-1", "whole"],
  ["", "whole"],
  ["bytes=0-,0-", "whole"],
  ["bytes=0-599,300-799", "whole"],
  ["bytes=0-99,50-149", "0-100 50-150"],
];

function show(field: string, size: number): string {
  const verdict = parseRange(field, size);
  return typeof verdict === "string"
    ? verdict
    : verdict.map((range) => `${range.start}-${range.end}`).join(" ");
}

Deno.test("parseRange gives each field of the table its verdict", () => {
  for (const [field, expected] of TABLE) {
    assertEquals(show(field, 1000), expected, field);
  }
});

Deno.test("parseRange has no satisfiable first byte in an empty file", () => {
  assertEquals(show("bytes=0-", 0), "unsatisfiable");
  assertEquals(show("bytes=0-0", 0), "unsatisfiable");
  assertEquals(show("bytes=-5", 0), "whole");
});

Deno.test("parseRange gives the whole beyond a number of ranges", () => {
  const field = (count: number): string =>
    "bytes=" + Array.from({ length: count }, (_, i) => `${i}-${i}`).join();
  assertEquals(parseRange(field(MAX_RANGES), 1000).length, MAX_RANGES);
  assertEquals(parseRange(field(MAX_RANGES + 1), 1000), "whole");
});

Deno.test("parseRange never leaves the file or sends more than it has", () => {
  const number = fc.oneof(fc.constant(""), fc.nat(40).map(String));
  const spec = fc.tuple(number, number).map(([a, b]) => `${a}-${b}`);
  fc.assert(
    fc.property(fc.array(spec), fc.nat(30), (specs, size) => {
      const verdict = parseRange(`bytes=${specs.join()}`, size);
      if (typeof verdict === "string") return;
      let total = 0;
      for (const { start, end } of verdict) {
        assert(0 <= start && start <= end && end <= size);
        total += end - start;
      }
      assert(total > 0 && total <= size);
    }),
  );
});

Deno.test("contentRange counts the last byte in", () => {
  assertEquals(contentRange({ start: 0, end: 500 }, 1000), "bytes 0-499/1000");
});
