import { assertEquals, assertInstanceOf } from "@std/assert";
import { readWsUrl, withoutLogin } from "./_ws_url.ts";

Deno.test("readWsUrl takes http and https for ws and wss", () => {
  for (
    const [text, href] of [
      ["ws://a.test/x?y", "ws://a.test/x?y"],
      ["WSS://A.test:443", "wss://a.test/"],
      ["http://a.test:80/", "ws://a.test/"],
      ["https://me:pw@a.test/", "wss://me:pw@a.test/"],
    ] as const
  ) {
    const url = readWsUrl(text);
    assertInstanceOf(url, URL, text);
    assertEquals(url.href, href);
  }
});

Deno.test("readWsUrl says what is wrong with a URL", () => {
  for (
    const [text, expected] of [
      ["", "an absolute URL"],
      ["/chat", "an absolute URL"],
      ["ws://", "an absolute URL"],
      ["ftp://a.test/", "the scheme ws, wss, http or https"],
      ["a.test:80", "the scheme ws, wss, http or https"],
      ["ws://a.test/#", "no fragment"],
      ["https://a.test/#x", "no fragment"],
    ] as const
  ) assertEquals(readWsUrl(text), expected, text);
});

Deno.test("withoutLogin shows no part of a login, however it is written", () => {
  for (
    const [text, shown] of [
      ["ws://me:secret@a.test/#x", "ws://a.test/#x"],
      ["ws://me:se@cret@a.test/#x", "ws://a.test/#x"],
      ["ws://me:se%40cret@a.test/#x", "ws://a.test/#x"],
      ["ws:me:secret@a.test/#x", "ws://a.test/#x"],
      ["ws:\\\\me:secret@a.test/#x", "ws://a.test/#x"],
      ["http:/me:secret@a.test/#x", "http://a.test/#x"],
      ["foo://me:secret@a.test/", "foo://a.test/"],
      // None of these is a URL with a host.
      ["ws://me:secret/x@a.test/", "a.test/"],
      ["ws://me:secret@a b/", "a b/"],
      ["//me:secret@a.test/", "a.test/"],
      ["me:secret@a.test", "a.test"],
      ["me:sec@ret@a.test", "a.test"],
      ["ws://me:secret@", ""],
    ] as const
  ) assertEquals(withoutLogin(text), shown, text);
});

Deno.test("withoutLogin leaves alone what has none", () => {
  for (
    const text of [
      "",
      "/chat",
      "ws://a b/",
      "HTTP://A.test/#x",
      "ws://a.test/@me?mail=me@b.test",
    ]
  ) assertEquals(withoutLogin(text), text);
});
