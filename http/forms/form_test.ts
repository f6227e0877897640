import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ConnError } from "../../conn/error.ts";
import { formVariables, queryVariables } from "./form.ts";

const encoder = new TextEncoder();

const SAMPLES: [name: string, form: string, expected: [string, string][]][] = [
  ["nothing", "", []],
  ["one variable", "a=1", [["a", "1"]]],
  ["a repeated name", "a=1&b=2&a=3", [["a", "1"], ["b", "2"], ["a", "3"]]],
  ["plus and escapes", "a+b=%2B%26+%3d", [["a b", "+& ="]]],
  ["escaped UTF-8", "%C3%A9=%E2%82%ac", [["é", "€"]]],
  ["no equals sign", "a&b", [["a", ""], ["b", ""]]],
  ["two equals signs", "a=b=c", [["a", "b=c"]]],
  ["an empty name and value", "=&=x", [["", ""], ["", "x"]]],
  ["empty sequences", "&&a=1&", [["a", "1"]]],
  ["bad escapes as they are", "a=%zz&b=%4", [["a", "%zz"], ["b", "%4"]]],
  ["bytes that are not UTF-8", "a=%ff", [["a", "\ufffd"]]],
  ["a question mark in front", "?a=1", [["?a", "1"]]],
  ["a byte order mark", "%EF%BB%BFa=1", [["\ufeffa", "1"]]],
  ["a NUL", "a=%00b", [["a", "\0b"]]],
  ["a semicolon", "a=1;b=2", [["a", "1;b=2"]]],
];

for (const [name, form, expected] of SAMPLES) {
  Deno.test(`formVariables reads ${name} from every source`, async () => {
    const bytes = encoder.encode(form);
    async function* byBytes() {
      for (const byte of bytes) yield Uint8Array.of(byte);
    }
    const headers = { "content-type": "Application/X-WWW-Form-Urlencoded;a=b" };
    const init = { method: "POST", body: form, headers };
    assertEquals([...formVariables(form)], expected);
    assertEquals([...formVariables(bytes)], expected);
    assertEquals([...await formVariables(byBytes())], expected);
    assertEquals(
      [...await formVariables(new Request("http://h/", init))],
      expected,
    );
    assertEquals([...queryVariables(`/path?${form}#a?b`)], expected);
  });
}

Deno.test("formVariables reads raw bytes as UTF-8", () => {
  const form = "é=日本&b=%E6%97%a5";
  const expected = [["é", "日本"], ["b", "日"]];
  assertEquals([...formVariables(form)], expected);
  assertEquals([...formVariables(encoder.encode(form))], expected);
  // A character of which one byte came raw and two escaped (WHATWG URL §5.1).
  const mixed = Uint8Array.of(97, 61, 0xe6, ...encoder.encode("%97%A5"));
  assertEquals(formVariables(mixed).get("a"), "日");
});

Deno.test("formVariables reads what URLSearchParams writes", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text)), (pairs) => {
      const form = new URLSearchParams(pairs).toString();
      assertEquals([...formVariables(form)], pairs);
      assertEquals([...formVariables(encoder.encode(form))], pairs);
      assertEquals([...queryVariables(`?${form}`)], pairs);
    }),
    { numRuns: 30 },
  );
});

Deno.test("formVariables reads a request without body as no variables", async () => {
  assertEquals([...await formVariables(new Request("http://h/"))], []);
});

function post(headers: Record<string, string>, body: BodyInit = "a=1") {
  return formVariables(
    new Request("http://h/", { method: "POST", headers, body }),
    { maxBytes: 10 },
  );
}

Deno.test("formVariables rejects other media types and codings", async () => {
  const type = "application/x-www-form-urlencoded";
  for (
    const headers of [
      { "content-type": "text/plain" },
      { "content-type": "multipart/form-data; boundary=x" },
      { "content-type": `${type}x` },
      { "content-type": type, "content-encoding": "gzip" },
    ]
  ) {
    const error = await assertRejects(() => post(headers), ConnError);
    assertEquals(error.code, "unsupported_media_type");
    assertEquals(error.reply, 415);
  }
  assertEquals((await post({ "content-type": type })).get("a"), "1");
});

Deno.test("formVariables limits the bytes of every source", async () => {
  const limits = { maxBytes: 5 };
  const codes: unknown[] = [];
  let cancelled = false;
  async function* endless() {
    try {
      for (;;) yield encoder.encode("a=");
    } finally {
      cancelled = true;
    }
  }
  for (
    const read of [
      () => formVariables("a=1234", limits),
      () => formVariables(encoder.encode("a=1234"), limits),
      () => formVariables(endless(), limits),
      () =>
        post(
          { "content-type": "application/x-www-form-urlencoded" },
          "a=123456789",
        ),
      () =>
        post({
          "content-type": "application/x-www-form-urlencoded",
          "content-length": "11",
        }),
    ]
  ) {
    const error = await assertRejects(async () => await read(), ConnError);
    codes.push([error.code, error.side, error.reply]);
  }
  assertEquals(codes, Array(5).fill(["content_too_large", "remote", 413]));
  assertEquals(cancelled, true);
  assertEquals(formVariables("a=123", limits).get("a"), "123");
});

Deno.test("formVariables limits the number of variables", () => {
  const limits = { maxFields: 2 };
  assertEquals(formVariables("a&b", limits).size, 2);
  const error = assertThrows(() => formVariables("a&b&c", limits), ConnError);
  assertEquals(error.code, "content_too_large");
  const many = "a&".repeat(1001);
  assertThrows(() => formVariables(many), ConnError, "over 1000 variables");
});

Deno.test("queryVariables takes targets, URLs and requests", () => {
  for (
    const target of [
      "/?a=1",
      "?a=1",
      "http://user@host:80/p?a=1",
      new URL("http://host/p?a=1#b"),
      new Request("http://host/?a=1"),
    ]
  ) {
    assertEquals([...queryVariables(target)], [["a", "1"]]);
  }
  for (const target of ["", "*", "/", "/?", "/#?a=1", "host:443"]) {
    assertEquals(queryVariables(target).size, 0);
  }
  assertEquals([...queryVariables("/?a=b?c")], [["a", "b?c"]]);
});

Deno.test("queryVariables limits bytes and variables", () => {
  for (const limits of [{ maxBytes: 4 }, { maxFields: 1 }]) {
    const error = assertThrows(
      () => queryVariables("/?a=1&b", limits),
      ConnError,
    );
    assertEquals(error.code, "query_too_large");
    assertEquals(error.reply, 414);
  }
});
