import { assertEquals, assertThrows } from "@std/assert";
import { refusalAnswer, textRefusal } from "./refusal.ts";

Deno.test("refusalAnswer says that a string is text, unless the program says what it is", () => {
  const typeOf = (refusal: Parameters<typeof refusalAnswer>[0]) =>
    refusalAnswer(refusal).fields.get("content-type");
  assertEquals(
    typeOf({ status: 403, body: "no" }),
    "text/plain; charset=utf-8",
  );
  const fields = { "content-type": "text/html" };
  assertEquals(typeOf({ status: 403, fields, body: "<p>no" }), "text/html");
  assertEquals(typeOf({ status: 403, body: new Uint8Array(1) }), undefined);
  assertEquals(typeOf({ status: 403 }), undefined);
});

Deno.test("refusalAnswer takes every status of a final response, and no other", () => {
  assertEquals(refusalAnswer({ status: 200 }).status, 200);
  assertEquals(refusalAnswer({ status: 599 }).body, "");
  for (const status of [101, 199, 600, 403.5, NaN]) {
    assertThrows(
      () => refusalAnswer({ status }),
      RangeError,
      `Cannot refuse with the status ${status}: expected an integer from 200 to 599`,
    );
  }
});

Deno.test("textRefusal ends its text with a line break", () => {
  assertEquals(textRefusal(400, "No"), { status: 400, body: "No\n" });
  assertEquals(textRefusal(405, "No", { Allow: "GET" }), {
    status: 405,
    fields: { Allow: "GET" },
    body: "No\n",
  });
});
