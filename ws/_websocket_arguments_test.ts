import {
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import {
  parseClose,
  parseProtocols,
  parseUrl,
  toBinary,
} from "./_websocket_arguments.ts";

Deno.test("parseClose rounds a code as Web IDL's clamp does", () => {
  for (
    const [code, expected] of [
      [999.6, 1000],
      [1000.5, 1000],
      [1000.4, 1000],
      [2999.5, 3000],
      [3000.5, 3000],
      [3001.5, 3002],
      ["3000", 3000],
    ] as [number, number][]
  ) assertEquals(parseClose(code, undefined), { code: expected });
  assertThrows(() => parseClose(1n as unknown as number, undefined), TypeError);
});

Deno.test("parseClose leaves out what is not given", () => {
  assertEquals(parseClose(undefined, undefined), {});
  assertEquals(parseClose(undefined, ""), {});
  assertEquals(parseClose(undefined, "Bye"), { code: 1000, reason: "Bye" });
  assertEquals(parseClose(3000, ""), { code: 3000 });
});

Deno.test("parseProtocols takes anything that gives names", () => {
  assertEquals(parseProtocols("chat"), ["chat"]);
  assertEquals(parseProtocols(new Set(["a", "b"])), ["a", "b"]);
  assertEquals(parseProtocols([]), []);
});

Deno.test("parseUrl keeps the login, which the handshake needs", () => {
  const url = parseUrl("http://me:secret@a.test:80/x");
  assertEquals(url.href, "ws://me:secret@a.test/x");
  const error = assertThrows(
    () => parseUrl("ws://me:secret@a.test/#x"),
    DOMException,
  );
  assertEquals(
    error.message,
    'Cannot open a WebSocket with URL "ws://a.test/#x": expected no fragment',
  );
  for (
    const url of [
      "ws://me:se@cret@a.test/#x",
      "ws:me:secret@a.test/#x",
      "ws://me:secret/x@a.test/",
    ]
  ) {
    const { message } = assertThrows(() => parseUrl(url), DOMException);
    assertFalse(message.includes("cret"), message);
  }
});

Deno.test("toBinary gives no more than the message", async () => {
  const bytes = new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
  const buffer = toBinary(bytes, "arraybuffer");
  assertInstanceOf(buffer, ArrayBuffer);
  assertEquals(new Uint8Array(buffer), new Uint8Array([1, 2]));
  const blob = toBinary(bytes, "blob");
  assertInstanceOf(blob, Blob);
  assertEquals(await blob.bytes(), new Uint8Array([1, 2]));
});
