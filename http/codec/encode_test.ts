import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeLatin1, isAscii, utf8Length } from "./encode.ts";
import { decodeLatin1 } from "./head_values.ts";

Deno.test("utf8Length counts what TextEncoder makes, lone surrogates too", () => {
  const encoder = new TextEncoder();
  const units = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.constantFrom(0x7f, 0x80, 0x7ff, 0x800, 0xd83d, 0xdc3e, 0xd800, 0xdfff),
    ),
    { maxLength: 12 },
  ).map((codes) => String.fromCharCode(...codes));
  fc.assert(
    fc.property(units, (text) => {
      assertEquals(utf8Length(text), encoder.encode(text).length);
    }),
    { seed: 3629 },
  );
});

Deno.test("encodeLatin1 and decodeLatin1 keep every byte", () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i & 0xff);
  assertEquals(encodeLatin1(decodeLatin1(bytes)), bytes);
});

Deno.test("isAscii tells a text that is the same in UTF-8 and Latin-1", () => {
  for (const text of ["", "a\0~\x7f"]) assertEquals(isAscii(text), true);
  for (const text of ["\x80", "ab\xff", "€a"]) {
    assertEquals(isAscii(text), false);
  }
});
