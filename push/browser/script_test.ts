import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { gunzipSync } from "node:zlib";
import { browserScript } from "./script.ts";

const { text, gzip, etag } = browserScript;

Deno.test("the browser's module comes as it is, and gzipped", async () => {
  const file = new URL("push.js", import.meta.url);
  assertEquals(text, await Deno.readTextFile(file));
  assertEquals(gunzipSync(gzip).toString(), text);
  assertMatch(etag, /^W\/"[\w-]{43}"$/);
});

Deno.test("the browser's module needs nothing else, and is small", () => {
  assertEquals(
    /^\s*import\b|\bimport\(/m.test(text.replace(/^ \*.*/gm, "")),
    false,
  );
  assertLess(gzip.length, 10 * 1024);
});
