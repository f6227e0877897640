import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { requestHead } from "./_head_test_util.ts";
import { checkHost, requestHost } from "./host.ts";

const HOSTS: [line: string, host: string][] = [
  ["GET / HTTP/1.1", "field:1"],
  ["OPTIONS * HTTP/1.1", "field:1"],
  ["GET http://target/ HTTP/1.1", "target"],
  ["GET HTTP://Target:8080?q=/ HTTP/1.1", "Target:8080"],
  ["GET http://[::1]:80/a HTTP/1.1", "[::1]:80"],
  ["GET http://target HTTP/1.1", "target"],
  ["CONNECT target:443 HTTP/1.1", "target:443"],
];

for (const [line, host] of HOSTS) {
  Deno.test(`the host of ${line} is ${host}`, () => {
    assertEquals(requestHost(requestHead(line, "Host: field:1")), host);
  });
}

Deno.test("a request of HTTP/1.0 may have no host", () => {
  assertEquals(requestHost(requestHead("GET / HTTP/1.0")), "");
});

for (const host of ["a|b", "a:b", "[", "a:1:2", "{a}"]) {
  Deno.test(`${host} in a target is refused with 400`, () => {
    const head = requestHead(`GET http://${host}/ HTTP/1.1`, "Host: a");
    const error = assertThrows(() => requestHost(head), ConnError);
    assertEquals([error.code, error.reply], ["bad_host", 400]);
    assertThrows(() => checkHost(host), ConnError);
  });
}
