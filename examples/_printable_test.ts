import { assertEquals } from "@std/assert";
import { printable } from "./_printable.ts";

Deno.test("printable leaves nothing that a terminal obeys", () => {
  assertEquals(
    printable("a\tb\nc\r\x1b[31m\x9b\x00é"),
    "a\tb\nc\\x0d\\x1b[31m\\x9b\\x00é",
  );
});
