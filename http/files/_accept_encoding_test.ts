import { assertEquals } from "@std/assert";
import { acceptableSiblings } from "./_accept_encoding.ts";

const TABLE: [field: string | null, expected: string][] = [
  [null, ""],
  ["", ""],
  ["gzip", "gzip"],
  ["br", "br"],
  ["gzip, br", "br gzip"],
  ["gzip, deflate, br, zstd", "br gzip"],
  ["GZip", "gzip"],
  ["x-gzip", "gzip"],
  ["gzip;q=1, br;q=0.5", "gzip br"],
  ["gzip;q=0.5, br;q=0.501", "br gzip"],
  ["gzip ; q=0.5,\tbr ; Q=0.4", "gzip br"],
  ["gzip;q=0", ""],
  ["gzip;q=0.000, br", "br"],
  ["*", "br gzip"],
  ["*;q=0", ""],
  ["*;q=0, gzip", "gzip"],
  ["*, br;q=0", "gzip"],
  ["identity", ""],
  ["identity;q=0.5, gzip;q=0.4, br", "br"],
  ["identity;q=0, gzip;q=0.1", "gzip"],
  ["deflate", ""],
  ["gzip;q=2", ""],
  ["gzip;q=0.1234", ""],
  ["gzip;q=", ""],
  ["gzip;level=9", ""],
  ["brotli, xgzip", ""],
];

Deno.test("acceptableSiblings weighs each field of the table", () => {
  for (const [field, expected] of TABLE) {
    const codings = acceptableSiblings(field).map((s) => s.coding).join(" ");
    assertEquals(codings, expected, String(field));
  }
});
