import { assertEquals, assertThrows } from "@std/assert";
import { parseReply } from "./_chaos_reply.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const PLAIN = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Id: a: b\r\n\r\nhello";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
  "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";

for (
  const [name, sample] of [["plain", PLAIN], ["chunked", CHUNKED]] as const
) {
  Deno.test(`parseReply takes a ${name} response for complete at its last byte only`, () => {
    const whole = bytes(sample);
    for (let end = 0; end < whole.length; end++) {
      assertEquals(parseReply(whole.subarray(0, end)), undefined);
    }
    const reply = parseReply(whole)!;
    assertEquals([reply.status, text(reply.body)], [200, "hello"]);
    assertThrows(() => parseReply(bytes(sample + "x")), Error, "More came");
  });
}

Deno.test("parseReply keeps fields by their lower-case names", () => {
  assertEquals(parseReply(bytes(PLAIN))!.fields.get("x-id"), "a: b");
});

Deno.test("parseReply refuses a response that only the connection's end would end", () => {
  assertThrows(
    () => parseReply(bytes("HTTP/1.1 200 OK\r\n\r\nhello")),
    Error,
    "without a length",
  );
});
