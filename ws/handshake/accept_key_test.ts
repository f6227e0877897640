import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { acceptKey, isKey, makeKey } from "./accept_key.ts";

Deno.test("acceptKey answers the key of RFC 6455 §1.3", () => {
  assertEquals(
    acceptKey("dGhlIHNhbXBsZSBub25jZQ=="),
    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  );
});

Deno.test("makeKey makes 16 bytes in base64, others each time", () => {
  const key = makeKey();
  assert(isKey(key), key);
  assertEquals(atob(key).length, 16);
  assertNotEquals(makeKey(), key);
});

Deno.test("isKey takes 16 bytes in base64, whatever the bits too many are", () => {
  assert(isKey("AQIDBAUGBwgJCgsMDQ4PEA=="));
  // The example of RFC 6455 §4.1.
  assert(isKey("AQIDBAUGBwgJCgsMDQ4PEC=="));
});

Deno.test("isKey refuses what is not 16 bytes in base64", () => {
  for (
    const key of [
      "",
      "==",
      btoa("x".repeat(15)),
      btoa("x".repeat(17)),
      btoa("x".repeat(18)),
      "AQIDBAUGBwgJCgsMDQ4PEA",
      "AQIDBAUGBwgJCgsMDQ4P-_==",
      "AQIDBAUGBwgJCgsMDQ4PEA==\n",
      " AQIDBAUGBwgJCgsMDQ4PEA==",
      "AQIDBAUGBwgJCgsMDQ4PEA==, AQIDBAUGBwgJCgsMDQ4PEA==",
    ]
  ) assert(!isKey(key), key);
});
