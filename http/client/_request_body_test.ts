import { assertEquals } from "@std/assert";
import { readAll } from "./byte_source.ts";
import { encodeFormData } from "./_form_data.ts";
import { outgoingBody, type RequestBody } from "./_request_body.ts";

async function content(body: RequestBody): Promise<string> {
  const out = outgoingBody(body);
  if (out.open === undefined) {
    return typeof out.whole === "string"
      ? out.whole
      : new TextDecoder().decode(out.whole);
  }
  const bytes = await readAll(out.open(), 1e6, () => new Error("too large"));
  return new TextDecoder().decode(bytes);
}

Deno.test("outgoingBody sends what is at hand in one piece", async () => {
  assertEquals(await content("é"), "é");
  assertEquals(await content(new Uint8Array([97, 98])), "ab");
  assertEquals(await content(new Uint8Array([97, 98]).buffer), "ab");
  assertEquals(await content(new URLSearchParams({ a: "1 2" })), "a=1+2");
});

Deno.test("outgoingBody knows the content type of what has one", () => {
  const type = (body: RequestBody) => outgoingBody(body).type;
  assertEquals(type("x"), "text/plain;charset=UTF-8");
  assertEquals(type(new Uint8Array(1)), undefined);
  assertEquals(
    type(new URLSearchParams()),
    "application/x-www-form-urlencoded;charset=UTF-8",
  );
  assertEquals(type(new Blob(["x"], { type: "a/b" })), "a/b");
  assertEquals(type(new Blob(["x"])), undefined);
  assertEquals(
    type(new FormData())?.startsWith("multipart/form-data; boundary="),
    true,
  );
});

Deno.test("outgoingBody opens a blob as often as needed, with its length", async () => {
  const body = outgoingBody(new Blob(["hello"]));
  assertEquals(body.length, 5);
  assertEquals(body.replayable, true);
  for (let i = 0; i < 2; i++) {
    const bytes = await readAll(body.open!(), 99, () => new Error("too large"));
    assertEquals(new TextDecoder().decode(bytes), "hello");
  }
});

Deno.test("outgoingBody can replay a stream only if it can make it anew", async () => {
  async function* words() {
    yield new Uint8Array([97]);
    await Promise.resolve();
    yield new Uint8Array([98]);
  }
  assertEquals(await content(words()), "ab");
  assertEquals(outgoingBody(words()).replayable, false);
  assertEquals(outgoingBody(new Blob(["x"]).stream()).replayable, false);
  assertEquals(outgoingBody(() => words()).replayable, true);
  assertEquals(await content(() => words()), "ab");
  assertEquals(await content(new Blob(["cd"]).stream()), "cd");
});

Deno.test("encodeFormData writes fields and files, and no more lines than it means to", async () => {
  const form = new FormData();
  form.set("plain", "a\nb");
  form.set('na"me\r\n', "x");
  form.set("file", new File(["data"], 'f"\n.txt', { type: "text/css" }));
  const { blob, type } = encodeFormData(form, "B");
  assertEquals(type, "multipart/form-data; boundary=B");
  assertEquals(
    await blob.text(),
    '--B\r\nContent-Disposition: form-data; name="plain"\r\n\r\na\r\nb\r\n' +
      '--B\r\nContent-Disposition: form-data; name="na%22me%0D%0A"\r\n\r\nx\r\n' +
      '--B\r\nContent-Disposition: form-data; name="file"; filename="f%22%0D%0A.txt"\r\n' +
      "Content-Type: text/css\r\n\r\ndata\r\n--B--\r\n",
  );
});

Deno.test("encodeFormData is read back by a Response", async () => {
  const form = new FormData();
  form.set("ä", "ö");
  form.set("file", new File(["data"], "ü.txt"));
  const { blob, type } = encodeFormData(form);
  const response = new Response(blob.stream(), {
    headers: { "content-type": type },
  });
  const back = await response.formData();
  assertEquals(back.get("ä"), "ö");
  const file = back.get("file") as File;
  assertEquals([file.name, await file.text()], ["ü.txt", "data"]);
});
