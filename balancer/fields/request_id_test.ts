import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Fields } from "../../http/codec/fields.ts";
import { isRequestId, RequestIds } from "./request_id.ts";

Deno.test("an id is 32 hexadecimal digits, and new each time", () => {
  const ids = new RequestIds();
  const seen = new Set<string>();
  for (let i = 0; i < 1_000; i++) {
    const id = ids.next();
    assertMatch(id, /^[0-9a-f]{32}$/);
    seen.add(id);
  }
  assertEquals(seen.size, 1_000);
  assertNotEquals(new RequestIds().next(), new RequestIds().next());
});

Deno.test("ids are the random bytes, in order", () => {
  let count = 0;
  const ids = new RequestIds((bytes) => bytes.fill(++count));
  assertEquals(ids.next(), "01".repeat(16));
  for (let i = 0; i < 255; i++) ids.next();
  assertEquals(ids.next(), "02".repeat(16));
});

Deno.test("the id of a trusted sender is kept if it can be", () => {
  const ids = new RequestIds((bytes) => bytes.fill(0xab));
  const fresh = "ab".repeat(16);
  const idFor = (id: string | string[], isTrusted: boolean) =>
    ids.idFor(new Fields({ "x-request-id": id }), isTrusted);
  assertEquals(idFor("a-b_c.D9", true), "a-b_c.D9");
  assertEquals(idFor("a-b_c.D9", false), fresh);
  assertEquals(idFor(["a", "b"], true), fresh);
  assertEquals(ids.idFor(new Fields(), true), fresh);
  for (const id of ["", " ", "a b", 'a"', "a,b", "ä", "a".repeat(129)]) {
    assertEquals(isRequestId(id), false, id);
    assertEquals(idFor(id, true), fresh, id);
  }
  assertEquals(idFor("a".repeat(128), true), "a".repeat(128));
});
