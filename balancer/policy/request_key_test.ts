import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { Fields } from "../../http/codec/fields.ts";
import { RequestKey } from "./request_key.ts";

const KEYS: [by: string, fields: Record<string, string>, key: string][] = [
  ["address", { "X-Key": "k" }, "192.0.2.9"],
  ["header:x-key", { "X-Key": "k" }, "k"],
  ["header:X-Key", {}, "192.0.2.9"],
  ["header:X-Key", { "X-Key": "" }, "192.0.2.9"],
  ["cookie:id", { Cookie: "a=1; id=k" }, "k"],
  ["cookie:id", { Cookie: "a=1; id=" }, "192.0.2.9"],
  ["cookie:id", { Cookie: "a=1" }, "192.0.2.9"],
  ["cookie:id", {}, "192.0.2.9"],
];

for (const [by, fields, key] of KEYS) {
  Deno.test(`the key by ${by} of ${JSON.stringify(fields)} is ${key}`, () => {
    assertEquals(new RequestKey(by).of(new Fields(fields), "192.0.2.9"), key);
  });
}

Deno.test("there is no key by anything else", () => {
  for (
    const by of ["", "addr", "header", "header:", "cookie:", "address:a", "a:b"]
  ) {
    const error = assertThrows(() => new RequestKey(by), ConnError);
    assertEquals(error.code, "bad_key", by);
  }
});
