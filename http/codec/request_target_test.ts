import { assertEquals } from "@std/assert";
import { isPath, pathOf } from "./request_target.ts";

Deno.test("pathOf gives the path of a target in either form", () => {
  assertEquals(pathOf("/a/b?c=/d"), "/a/b");
  assertEquals(pathOf("/a%20b"), "/a%20b");
  assertEquals(pathOf("/"), "/");
  assertEquals(pathOf("http://host:80/a?b"), "/a");
  assertEquals(pathOf("http://host"), "/");
  assertEquals(pathOf("*"), "*");
});

Deno.test("a path begins with a slash, and has no query, fragment or space", () => {
  for (const path of ["/", "/a/b", "/a%20b"]) assertEquals(isPath(path), true);
  for (const text of ["", "a", "/a?b", "/a#b", "/a b"]) {
    assertEquals(isPath(text), false);
  }
});
