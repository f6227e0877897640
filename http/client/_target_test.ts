import { assertEquals, assertThrows } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { BoundedMap, parseTarget } from "./_target.ts";

Deno.test("parseTarget splits a URL into what a request needs", () => {
  assertEquals(parseTarget("HTTP://A.test:80/x/../y?q=1#frag"), {
    url: "http://a.test/y?q=1#frag",
    secure: false,
    webSocket: false,
    hostname: "a.test",
    port: 80,
    host: "a.test",
    path: "/y?q=1",
    origin: "http://a.test",
    authorization: undefined,
  });
});

Deno.test("parseTarget keeps an unusual port in the Host field", () => {
  const target = parseTarget("https://[::1]:8443");
  assertEquals(target.host, "[::1]:8443");
  assertEquals(target.hostname, "::1");
  assertEquals(target.port, 8443);
  assertEquals(target.path, "/");
  assertEquals(parseTarget("https://a.test").port, 443);
});

Deno.test("parseTarget takes ws and wss for the places of http and https", () => {
  const plain = parseTarget("ws://a.test/chat");
  assertEquals([plain.port, plain.secure, plain.webSocket], [80, false, true]);
  assertEquals(plain.origin, parseTarget("http://a.test:80/").origin);
  assertEquals(plain.host, "a.test");
  assertEquals(plain.url, "ws://a.test/chat");
  const secure = parseTarget("wss://a.test:8443/");
  assertEquals([secure.port, secure.secure, secure.webSocket], [
    8443,
    true,
    true,
  ]);
  assertEquals(secure.origin, parseTarget("https://a.test:8443/").origin);
  assertEquals(parseTarget("wss://a.test").port, 443);
  assertEquals(parseTarget("https://a.test").webSocket, false);
});

Deno.test("parseTarget turns user information into a Basic login", () => {
  const login = (url: string) => parseTarget(url).authorization;
  assertEquals(
    login("http://Aladdin:open%20sesame@a.test/"),
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
  );
  assertEquals(login("http://u@a.test/"), "Basic dTo=");
  assertEquals(login("http://a%zz@a.test/"), `Basic ${btoa("a%zz:")}`);
});

Deno.test("parseTarget refuses what is no absolute http URL", () => {
  for (
    const url of [
      "",
      "/path",
      "a.test",
      "ftp://a.test",
      "file:///x",
      "http://",
      "http://a b/",
    ]
  ) {
    const error = assertThrows(() => parseTarget(url), ConnError);
    assertEquals(error.code, "url_invalid", url);
  }
});

Deno.test("BoundedMap does not grow over its maximum", () => {
  const map = new BoundedMap<number>(3);
  for (let i = 0; i < 10; i++) map.set(`${i}`, i);
  assertEquals(map.size, 1);
  assertEquals(map.get("9"), 9);
});
