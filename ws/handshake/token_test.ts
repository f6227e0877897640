import { assertEquals } from "@std/assert";
import { isToken } from "./token.ts";

Deno.test("isToken takes the characters of RFC 9110, and no others", () => {
  const marks = "!#$%&'*+-.^_`|~";
  for (let code = 0; code < 0x180; code++) {
    const character = String.fromCharCode(code);
    const expected = /[0-9A-Za-z]/.test(character) || marks.includes(character);
    assertEquals(isToken(character), expected, JSON.stringify(character));
    assertEquals(isToken(`a${character}b`), expected, `inside: ${code}`);
  }
  assertEquals(isToken(""), false);
});
