import { assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { checkHost } from "./host.ts";

for (const host of ["a", "A.example:80", "[::1]", "[::1]:80", "a:"]) {
  Deno.test(`${host} can be sent as the host`, () => checkHost(host));
}

for (const host of ["", "a|b", "a:b", "[", "a:1:2", "{a}", "a b"]) {
  Deno.test(`${JSON.stringify(host)} is refused as the host`, () => {
    assertThrows(() => checkHost(host), ConnError, "expected a host");
  });
}
