import { assert, assertEquals, assertRejects } from "@std/assert";
import { ConnError } from "../../conn/error.ts";
import { multipart, type MultipartOptions, type Part } from "./multipart.ts";

const FORM = [
  "--X",
  'Content-Disposition: form-data; name="a"',
  "",
  "first",
  "--X",
  'Content-Disposition: form-data; name="f"; filename="f.bin"',
  "Content-Type: application/x-thing",
  "",
  "0123456789",
  "--X",
  'Content-Disposition: form-data; name="b"',
  "",
  "lást",
  "--X--",
  "",
].join("\r\n");
const BYTES = new TextEncoder().encode(FORM);

/** The form in pieces of `size` bytes, counting how many were pulled. */
function source(size: number, bytes = BYTES) {
  const state = { pulled: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const at = state.pulled++ * size;
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, at + size));
    },
    cancel() {
      state.cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { body, state };
}

function post(body: BodyInit, headers: HeadersInit): Request {
  return new Request("http://h/", { method: "POST", body, headers });
}

const TYPE = { "content-type": "multipart/form-data; boundary=X" };

for (const size of [1, 7, 1000]) {
  Deno.test(`multipart reads parts from pieces of ${size} bytes`, async () => {
    const seen: unknown[] = [];
    for await (const part of multipart(post(source(size).body, TYPE))) {
      seen.push([part.name, part.filename, part.type, await part.text()]);
    }
    assertEquals(seen, [
      ["a", undefined, "text/plain", "first"],
      ["f", "f.bin", "application/x-thing", "0123456789"],
      ["b", undefined, "text/plain", "lást"],
    ]);
  });

  Deno.test(`multipart skips what is not read, in pieces of ${size}`, async () => {
    const names: string[] = [];
    const options = { boundary: "X" };
    for await (const part of multipart(source(size).body, options)) {
      names.push(part.name);
      if (part.name === "f") {
        for await (const bytes of part) {
          assert(bytes.length > 0);
          break;
        }
      }
    }
    assertEquals(names, ["a", "f", "b"]);
  });
}

Deno.test("multipart reads from an async iterable", async () => {
  async function* body() {
    yield BYTES.subarray(0, 60);
    yield new Uint8Array();
    yield BYTES.subarray(60);
  }
  const names = await Array.fromAsync(
    multipart(body(), { boundary: "X" }),
    (part) => part.name,
  );
  assertEquals(names, ["a", "f", "b"]);
});

Deno.test("multipart pulls no more than is asked for", async () => {
  const { body, state } = source(10);
  const parts = multipart(body, { boundary: "X" });
  assertEquals(state.pulled, 0);
  const { value: first } = await parts.next();
  assert(first);
  const pulledForHead = Math.ceil(FORM.indexOf("first") / 10) + 1;
  assert(state.pulled <= pulledForHead, `${state.pulled} pieces were pulled`);
  const { value: second } = await parts.next();
  assert(second);
  const pulled = state.pulled;
  const content = second[Symbol.asyncIterator]();
  await content.next();
  assert(state.pulled <= pulled + 2, `${state.pulled} pieces were pulled`);
  await parts.return();
  assert(state.cancelled);
});

Deno.test("multipart cancels its source when the loop is left", async () => {
  const { body, state } = source(10);
  for await (const part of multipart(body, { boundary: "X" })) {
    assertEquals(part.name, "a");
    break;
  }
  assert(state.cancelled);
});

Deno.test("multipart does not read a part once the next was asked for", async () => {
  let first: Part | undefined;
  for await (const part of multipart(source(10).body, { boundary: "X" })) {
    if (first !== undefined) {
      const error = await assertRejects(() => first!.text(), ConnError);
      assertEquals([error.code, error.side], ["part_skipped", "local"]);
      break;
    }
    first = part;
  }
  assert(first);
});

Deno.test("multipart gives nothing for a part that was read before", async () => {
  for await (const part of multipart(source(10).body, { boundary: "X" })) {
    await part.bytes();
    assertEquals(await part.bytes(), new Uint8Array());
  }
});

async function assertFails(
  request: Request,
  options: MultipartOptions,
  code: string,
  reply: number,
) {
  const error = await assertRejects(async () => {
    for await (const part of multipart(request, options)) await part.bytes();
  }, ConnError);
  assertEquals([error.code, error.reply], [code, reply]);
}

Deno.test("multipart rejects other types, codings and bad forms", async () => {
  const type = TYPE["content-type"];
  await assertFails(
    post("a=1", { "content-type": "text/plain" }),
    {},
    "unsupported_media_type",
    415,
  );
  await assertFails(
    post(FORM, { ...TYPE, "content-encoding": "br" }),
    {},
    "unsupported_media_type",
    415,
  );
  await assertFails(
    post(FORM, { "content-type": type.replace("X", "") }),
    {},
    "bad_multipart",
    400,
  );
  await assertFails(
    new Request("http://h/", { method: "POST", headers: TYPE }),
    {},
    "bad_multipart",
    400,
  );
  for (const length of [1, 100, BYTES.length - 5]) {
    const { body } = source(9, BYTES.subarray(0, length));
    await assertFails(post(body, TYPE), {}, "bad_multipart", 400);
  }
});

Deno.test("multipart limits the body, a buffered part and the parts", async () => {
  const { length } = BYTES;
  const fits = { maxBytes: length, maxBufferedBytes: 10, maxParts: 3 };
  for await (const part of multipart(post(FORM, TYPE), fits)) {
    await part.bytes();
  }
  for (
    const [options, headers] of [
      [{ maxBytes: length - 1 }, TYPE],
      [{ maxBytes: length }, { ...TYPE, "content-length": `${length + 1}` }],
      [{ maxBufferedBytes: 9 }, TYPE],
      [{ maxParts: 2 }, TYPE],
    ] as const
  ) {
    const { body, state } = source(50);
    await assertFails(post(body, headers), options, "content_too_large", 413);
    assertEquals(state.cancelled, state.pulled > 0);
  }
});

Deno.test("multipart needs a boundary for a bare body", async () => {
  await assertRejects(
    () => multipart(source(10).body).next(),
    TypeError,
    "boundary",
  );
});

Deno.test("multipart passes its source's error on", async () => {
  const reset = new Error("connection reset");
  async function* body() {
    yield BYTES.subarray(0, 60);
    throw reset;
  }
  const error = await assertRejects(async () => {
    for await (const part of multipart(body(), { boundary: "X" })) {
      await part.bytes();
    }
  });
  assertEquals(error, reset);
});
