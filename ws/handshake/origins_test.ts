import { assertEquals, assertThrows } from "@std/assert";
import { allowOrigins } from "./origins.ts";

/** An entry, an origin, and whether the one lets the other through. */
const CASES: [entry: string, origin: string, expected: boolean][] = [
  ["https://a.test", "https://a.test", true],
  ["https://a.test", "http://a.test", false],
  ["https://a.test", "https://b.test", false],
  ["https://a.test", "https://www.a.test", false],
  ["https://a.test", "https://a.test.evil", false],
  ["https://a.test", "https://a.test:8443", false],
  // Case and default ports.
  ["HTTPS://A.Test", "https://a.test", true],
  ["https://a.test", "https://A.TEST", true],
  ["https://a.test:443", "https://a.test", true],
  ["https://a.test", "https://a.test:443", true],
  ["http://a.test:80", "http://a.test", true],
  ["http://a.test:443", "http://a.test", false],
  ["http://localhost:8000", "http://localhost:8000", true],
  ["http://localhost:8000", "http://localhost:8001", false],
  // Hosts of other kinds.
  ["http://[::1]:8000", "http://[::1]:8000", true],
  ["http://127.0.0.1", "http://127.0.0.1", true],
  ["https://bücher.test", "https://xn--bcher-kva.test", true],
  ["chrome-extension://abcdef", "chrome-extension://abcdef", true],
  ["chrome-extension://abcdef", "chrome-extension://abcdeg", false],
  ["app://Local", "app://local", true],
  ["file://", "file://", true],
  // Subdomains.
  ["https://*.a.test", "https://www.a.test", true],
  ["https://*.a.test", "https://x.y.a.test", true],
  ["https://*.a.test", "https://a.test", false],
  ["https://*.a.test", "https://.a.test", false],
  ["https://*.a.test", "https://evil-a.test", false],
  ["https://*.a.test", "https://www.a.test.evil", false],
  ["https://*.a.test", "http://www.a.test", false],
  ["https://*.a.test", "https://www.a.test:8443", false],
  ["https://*.a.test:8443", "https://www.a.test:8443", true],
  // What is no origin.
  ["https://a.test", "https://a.test/", false],
  ["https://a.test", "https://a.test/path", false],
  ["https://a.test", "https://a.test?", false],
  ["https://a.test", "https://a.test#", false],
  ["https://a.test", "https://user@a.test", false],
  ["https://a.test", "https:\\\\a.test", false],
  ["https://a.test", "https:a.test", false],
  ["https://a.test", "a.test", false],
  ["https://a.test", "", false],
  ["https://a.test", "https://a.test https://b.test", false],
  ["https://a.test", "https://a.test, https://b.test", false],
  ["https://a.test", "null", false],
  ["null", "null", true],
  ["null", "https://a.test", false],
];

for (const [entry, origin, expected] of CASES) {
  Deno.test(`allowOrigins ${expected ? "lets" : "does not let"} "${origin}" through for "${entry}"`, () => {
    assertEquals(allowOrigins([entry])(origin), expected);
  });
}

Deno.test("allowOrigins takes any of several origins", () => {
  const check = allowOrigins(["https://a.test", "https://b.test", "null"]);
  assertEquals(
    ["https://a.test", "https://b.test", "null", "https://c.test"].map(check),
    [true, true, true, false],
  );
});

Deno.test("allowOrigins lets no page through for an empty list", () => {
  assertEquals(allowOrigins([])("https://a.test"), false);
});

Deno.test("allowOrigins lets requests without an origin through, unless asked otherwise", () => {
  assertEquals(allowOrigins([])(undefined), true);
  const strict = allowOrigins(["https://a.test"], { required: true });
  assertEquals(strict(undefined), false);
  assertEquals(strict("https://a.test"), true);
});

for (
  const entry of [
    "",
    "*",
    "a.test",
    "*.a.test",
    "https://",
    "https://*",
    "https://*.",
    "https://*.*.a.test",
    "https://www.*.test",
    "https://a.test/",
    "https://a.test/path",
    "https://user@a.test",
    "https://a.test:99999",
    "https://a b",
    "NULL",
  ]
) {
  Deno.test(`allowOrigins refuses the entry "${entry}"`, () => {
    assertThrows(
      () => allowOrigins(["https://a.test", entry]),
      RangeError,
      `Cannot allow the origin ${JSON.stringify(entry)}: expected`,
    );
  });
}
