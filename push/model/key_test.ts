import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { checkKey } from "./key.ts";

Deno.test("a key has 1 to 256 characters", () => {
  for (const key of ["a", " ", "order 7", "é".repeat(256), "🦫"]) checkKey(key);
});

Deno.test("an empty, a long and a broken key are refused", () => {
  for (const key of ["", "a".repeat(257), "\ud800", "a\udc00b"]) {
    const error = assertThrows(() => checkKey(key), ConnError);
    assertEquals(error.code, "key_invalid");
    assertEquals(error.reply, 400);
  }
});
