import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { encodeLatin1, utf8Length } from "./encode.ts";
import { decodeLatin1 } from "./_head_values.ts";

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
