import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { bypassesProxy, parseProxy, proxyAuthorization } from "./proxy.ts";

Deno.test("parseProxy knows the default port of each kind", () => {
  assertEquals(parseProxy("http://p.test").port, 80);
  assertEquals(parseProxy("https://p.test").port, 443);
  assertEquals(parseProxy("socks5://p.test").port, 1080);
  assertEquals(parseProxy("socks5h://p.test/").port, 1080);
});

Deno.test("parseProxy keeps a port that is another scheme's default", () => {
  assertEquals(parseProxy("socks5://p.test:80").port, 80);
  assertEquals(parseProxy("https://p.test:80/").port, 80);
  assertEquals(parseProxy("http://u:1@p.test:80").port, 80);
  assertEquals(parseProxy("http://u:1@p.test").port, 80);
  assertEquals(parseProxy("socks5://[::1]:9050"), {
    kind: "socks5",
    hostname: "::1",
    port: 9050,
  });
  assertEquals(parseProxy("socks5://[::1]").port, 1080);
});

Deno.test("parseProxy decodes the login", () => {
  assertEquals(parseProxy("http://a%3Ab:c%40d@p.test:3128"), {
    kind: "http",
    hostname: "p.test",
    port: 3128,
    username: "a:b",
    password: "c@d",
  });
});

Deno.test("parseProxy refuses what it cannot use, and does not print a password", () => {
  for (
    const url of [
      "p.test:3128",
      "ftp://u:secret@p.test",
      "socks4://p.test",
      "http://",
    ]
  ) {
    const error = assertThrows(() => parseProxy(url), ConnError);
    assertEquals(error.code, "proxy_invalid");
    assertEquals(error.message.includes("secret"), false);
  }
});

Deno.test("proxyAuthorization is there only with a login", () => {
  assertEquals(proxyAuthorization(parseProxy("http://p.test")), undefined);
  assertEquals(proxyAuthorization(parseProxy("http://u@p.test")), "Basic dTo=");
  assertEquals(
    proxyAuthorization(parseProxy("http://%C3%BC:x@p.test")),
    "Basic w7w6eA==",
  );
});

Deno.test("bypassesProxy matches names with what is under them", () => {
  const table: [string, number, string[], boolean][] = [
    ["a.test", 80, [], false],
    ["a.test", 80, ["*"], true],
    ["a.test", 80, ["a.test"], true],
    ["A.Test.", 80, ["a.test"], true],
    ["x.a.test", 80, ["a.test"], true],
    ["x.a.test", 80, [".a.test"], true],
    ["x.a.test", 80, ["*.a.test"], true],
    ["xa.test", 80, ["a.test"], false],
    ["a.test", 80, ["a.test:81"], false],
    ["a.test", 81, ["a.test:81"], true],
    ["127.0.0.1", 80, ["127.0.0.1"], true],
    ["127.0.0.1", 80, ["0.0.1"], false],
    ["[::1]", 80, ["::1"], true],
    ["[::1]", 80, ["[::1]:80"], true],
    ["[::1]", 81, ["[::1]:80"], false],
    ["b.test", 80, ["a.test", "b.test"], true],
  ];
  for (const [host, port, rules, expected] of table) {
    assertEquals(
      bypassesProxy(host, port, rules),
      expected,
      `${host}:${port} ${rules}`,
    );
  }
});
