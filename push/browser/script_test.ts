import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { browserScript } from "./script.ts";

const { text, gzip, etag } = browserScript;

Deno.test("the browser's module comes without its comments, and gzipped", async () => {
  const file = new URL("push.js", import.meta.url);
  const lines = (await Deno.readTextFile(file)).split("\n");
  const code = lines.filter((line) => !/^\s*(\/\*\*|\*|\/\/|$)/.test(line));
  assertEquals(text.trimEnd().split("\n"), code);
  assertEquals(gunzipSync(gzip).toString(), text);
  assertMatch(etag, /^W\/"[\w-]{43}"$/);
});

Deno.test("the browser's module needs nothing else, and is small", () => {
  assertEquals(
    /^\s*import\b|\bimport\(/m.test(text),
    false,
  );
  assertLess(gzip.length, 7 * 1024);
});
