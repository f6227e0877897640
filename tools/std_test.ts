import {
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertInstanceOf,
  AssertionError,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import { decodeBase64, encodeBase64 } from "@std/encoding/base64";
import { decodeBase64Url, encodeBase64Url } from "@std/encoding/base64url";
import { decodeHex, encodeHex } from "@std/encoding/hex";
import { format as formatBytes } from "@std/fmt/bytes";
import { bold, stripAnsiCode } from "@std/fmt/colors";
import { format as formatDuration } from "@std/fmt/duration";
import { contentType, parseMediaType } from "@std/media-types";
import { fromFileUrl, join, relative, toFileUrl } from "@std/path";

Deno.test("the @std/assert bridge narrows types and fails with AssertionError", async () => {
  const value: unknown = new TypeError("Cannot");
  assertInstanceOf(value, TypeError);
  assertEquals(value.message, "Cannot");
  const found: string | undefined = ["a"][0];
  assertExists(found);
  assertEquals(found.length, 1);
  assertAlmostEquals(0.1 + 0.2, 0.3);
  assertArrayIncludes([1, 2, 3], [3]);
  assertThrows(() => assertStrictEquals(1, 2), AssertionError);
  const error = await assertRejects(() => Promise.reject(value), TypeError);
  assertEquals(error.message, "Cannot");
});

Deno.test("the @std/cli bridge types options by how they are declared", () => {
  const args = parseArgs(
    ["-p", "80", "-H", "a", "-H", "b", "--verbose", "url"],
    {
      string: ["p", "H", "o", "s"],
      boolean: ["v"],
      collect: ["H"],
      default: { o: "out" },
      alias: { v: "verbose" },
    },
  );
  const port: string | undefined = args.p;
  const headers: string[] = args.H;
  const output: string = args.o;
  const verbose: boolean = args.v;
  assertEquals([port, headers, output, verbose, args.s, args._], [
    "80",
    ["a", "b"],
    "out",
    true,
    undefined,
    ["url"],
  ]);
});

Deno.test("the @std/encoding bridge decodes what it encodes", () => {
  const bytes = new Uint8Array([0xfb, 0xff, 0]);
  assertEquals(encodeBase64(bytes), "+/8A");
  assertEquals(decodeBase64("+/8A"), bytes);
  assertEquals(encodeBase64Url(bytes), "-_8A");
  assertEquals(decodeBase64Url("-_8A"), bytes);
  assertEquals(encodeHex(bytes), "fbff00");
  assertEquals(decodeHex("fbff00"), bytes);
});

Deno.test("the @std/fmt bridge formats sizes, durations and colours", () => {
  assertEquals(formatBytes(1536, { binary: true }), "1.5 kiB");
  assertEquals(formatDuration(61_000, { ignoreZero: true }), "1m 1s");
  assertEquals(stripAnsiCode(bold("Meerkat")), "Meerkat");
});

Deno.test("the @std/media-types bridge knows types and their parameters", () => {
  assertEquals(contentType(".html"), "text/html; charset=UTF-8");
  assertEquals(contentType(".no-such-extension"), undefined);
  assertEquals(parseMediaType("text/plain; charset=utf-8"), [
    "text/plain",
    { charset: "utf-8" },
  ]);
});

Deno.test("the @std/path bridge joins and converts paths", () => {
  assertEquals(join("a", "..", "b"), "b");
  assertEquals(relative("/a/b", "/a/c"), join("..", "c"));
  assertEquals(fromFileUrl(toFileUrl("/a b")), "/a b");
});
