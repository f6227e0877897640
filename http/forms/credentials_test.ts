import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  basicCredentials,
  challenge,
  credentials,
  secretEquals,
} from "./credentials.ts";

function parse(authorization: string) {
  return credentials({
    get: (name) => name === "authorization" ? authorization : undefined,
  });
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

Deno.test("credentials reads a Request, Headers and fields", () => {
  const headers = { Authorization: "Bearer abc.def" };
  const expected = { scheme: "bearer" as const, token: "abc.def" };
  assertEquals(credentials(new Headers(headers)), expected);
  assertEquals(credentials(new Request("http://h/", { headers })), expected);
  assertEquals(parse("Bearer abc.def"), expected);
});

Deno.test("credentials takes the scheme in any case and more spaces", () => {
  const basic = { scheme: "basic" as const, username: "a", password: "b" };
  assertEquals(parse("bAsIc YTpi"), basic);
  assertEquals(parse("BASIC    YTpi  "), basic);
  assertEquals(parse("bearer x"), { scheme: "bearer", token: "x" });
});

Deno.test("credentials splits at the first colon", () => {
  assertEquals(parse(`Basic ${base64("user:a:b:")}`), {
    scheme: "basic",
    username: "user",
    password: "a:b:",
  });
  assertEquals(parse(`Basic ${base64(":")}`), {
    scheme: "basic",
    username: "",
    password: "",
  });
});

for (
  const [what, value] of [
    ["an empty value", ""],
    ["a scheme alone", "Basic"],
    ["a scheme and a space", "Basic "],
    ["another scheme", "Digest YTpi"],
    ["no colon", `Basic ${base64("user")}`],
    ["a control character", `Basic ${base64("user:a\0b")}`],
    ["a line feed", `Basic ${base64("us\ner:a")}`],
    ["bytes that are not UTF-8", "Basic dTr/"],
    ["a bad Base64 length", "Basic YTpiY"],
    ["Base64url", `Basic ${base64("a:???").replaceAll("/", "_")}`],
    ["padding in the middle", "Basic YT==pi"],
    ["two credentials", "Basic YTpi, Basic YTpi"],
    ["a tab for a space", "Basic\tYTpi"],
    ["a space within", "Bearer abc def"],
    ["a space before", " Bearer abc"],
    ["parameters", 'Bearer token="abc"'],
    ["a token of padding", "Bearer =="],
  ] as const
) {
  Deno.test(`credentials refuses ${what}`, () => {
    assertEquals(parse(value), undefined);
  });
}

Deno.test("basicCredentials makes what credentials reads", () => {
  const text = fc.string({ unit: "grapheme" })
    // deno-lint-ignore no-control-regex
    .filter((t) => !/[\x00-\x1f\x7f]/.test(t));
  fc.assert(
    fc.property(text.filter((t) => !t.includes(":")), text, (name, secret) => {
      assertEquals(parse(basicCredentials(name, secret)), {
        scheme: "basic",
        username: name,
        password: secret,
      });
    }),
  );
});

Deno.test("basicCredentials refuses a colon in the name and controls", () => {
  assertThrows(() => basicCredentials("a:b", "c"), TypeError, '"a:b"');
  assertThrows(() => basicCredentials("a\n", "c"), TypeError, "control");
  assertThrows(() => basicCredentials("a", "c\x7f"), TypeError, "control");
});

Deno.test("challenge quotes its values", () => {
  assertEquals(
    challenge("Bearer", { realm: 'a "b" \\c', scope: "read write" }),
    'Bearer realm="a \\"b\\" \\\\c", scope="read write"',
  );
  assertEquals(challenge("Negotiate"), "Negotiate");
  assertEquals(
    challenge("basic", { realm: "", charset: "utf-8" }),
    'basic realm="", charset="utf-8"',
  );
});

Deno.test("challenge refuses what could end the field", () => {
  assertThrows(() => challenge("Basic"), TypeError, "realm");
  assertThrows(() => challenge("Ba sic", { realm: "a" }), TypeError, "token");
  assertThrows(() => challenge("X", { "a=b": "c" }), TypeError, '"a=b"');
  for (const value of ["a\r\nSet-Cookie: b", "\0", "é"]) {
    assertThrows(() => challenge("X", { a: value }), TypeError, '"a"');
  }
});

Deno.test("secretEquals is true for equal texts only", () => {
  assert(secretEquals("", ""));
  assert(secretEquals("pässword", "pässword"));
  assert(!secretEquals("password", "Password"));
  assert(!secretEquals("password", "password "));
  assert(!secretEquals("", "a"));
});
