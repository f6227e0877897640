import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
} from "node:zlib";
import { ConnError } from "../../conn/error.ts";
import { concat } from "./byte_source.ts";
import { decodeContent } from "./content_decoding.ts";

const plain = new TextEncoder().encode(
  Array.from({ length: 500 }, (_, i) => `line ${i * i}\n`).join(""),
);

const CODED: [name: string, coding: string, bytes: Uint8Array][] = [
  ["gzip", "gzip", gzipSync(plain)],
  ["x-gzip", "X-GZIP", gzipSync(plain)],
  ["zlib deflate", "deflate", deflateSync(plain)],
  ["raw deflate", "deflate", deflateRawSync(plain)],
  ["br", "br", brotliCompressSync(plain)],
  ["several codings", "deflate, gzip", gzipSync(deflateSync(plain))],
  ["br over gzip", "identity, gzip ,br", brotliCompressSync(gzipSync(plain))],
];

async function* pieces(bytes: Uint8Array, cuts: number[]) {
  let start = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    yield bytes.subarray(start, cut);
    start = cut;
  }
  yield bytes.subarray(start);
}

function decode(
  source: AsyncIterable<Uint8Array>,
  coding: string,
  maxBytes?: number,
): Promise<Uint8Array> {
  const options = maxBytes === undefined ? {} : { maxBytes };
  return new Response(decodeContent(source, coding, options)).bytes();
}

async function assertFails(
  bytes: Uint8Array,
  coding: string,
  code: string,
  maxBytes?: number,
) {
  const error = await assertRejects(
    () => decode(pieces(bytes, []), coding, maxBytes),
    ConnError,
  );
  assertEquals(error.code, code);
  assertEquals(error.side, "remote");
}

for (const [name, coding, bytes] of CODED) {
  Deno.test(`decodeContent decodes ${name} in one piece`, async () => {
    assertEquals(await decode(pieces(bytes, []), coding), plain);
  });

  Deno.test(`decodeContent decodes ${name} byte by byte`, async () => {
    const cuts = Array.from(bytes, (_, i) => i);
    assertEquals(await decode(pieces(bytes, cuts), coding), plain);
  });

  Deno.test(`decodeContent decodes ${name} at random splits`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(bytes.length), { maxLength: 6 }),
        async (cuts) => {
          assertEquals(await decode(pieces(bytes, cuts), coding), plain);
        },
      ),
      { numRuns: 20 },
    );
  });

  Deno.test(`decodeContent rejects ${name} that is cut short`, async () => {
    for (const cut of [1, 2, 3, 4, 5, 8, bytes.length - 1]) {
      const part = bytes.subarray(0, bytes.length - cut);
      await assertFails(part, coding, "bad_content");
    }
  });

  Deno.test(`decodeContent rejects ${name} with bytes after it`, async () => {
    for (
      const tail of [[0], [1], [0, 0, 0, 0, 0, 0], [31, 139], [65, 66, 67]]
    ) {
      const long = concat([bytes, Uint8Array.from(tail)]);
      await assertFails(long, coding, "bad_content");
      const error = await assertRejects(
        () => decode(pieces(long, [bytes.length]), coding),
        ConnError,
      );
      assertEquals(error.code, "bad_content");
    }
  });

  Deno.test(`decodeContent limits what ${name} decodes to`, async () => {
    assertEquals(
      await decode(pieces(bytes, []), coding, plain.length),
      plain,
    );
    await assertFails(bytes, coding, "content_too_large", plain.length - 1);
  });

  Deno.test(`decodeContent takes an empty ${name} body`, async () => {
    const empty = new Uint8Array();
    assertEquals(await decode(pieces(empty, [0, 0]), coding), empty);
  });
}

Deno.test("decodeContent decodes a gzip body of several members", async () => {
  const member = gzipSync(plain);
  const body = concat([member, gzipSync(new Uint8Array()), member]);
  const expected = concat([plain, plain]);
  assertEquals(await decode(pieces(body, []), "gzip"), expected);
  assertEquals(
    await decode(pieces(body, Array.from(body, (_, i) => i)), "gzip"),
    expected,
  );
});

Deno.test("decodeContent hands identity content through", async () => {
  assertEquals(await decode(pieces(plain, [7]), "identity"), plain);
  assertEquals(await decode(pieces(plain, [7]), ""), plain);
});

Deno.test("decodeContent rejects an unknown coding and too many", () => {
  const source = pieces(plain, []);
  for (const coding of ["compress", "gzip, zstd", "gzip gzip", "gzip;q=1"]) {
    const error = assertThrows(() => decodeContent(source, coding), ConnError);
    assertEquals(error.code, "unsupported_coding");
  }
  const error = assertThrows(
    () => decodeContent(source, "gzip, gzip, gzip", { maxCodings: 2 }),
    ConnError,
  );
  assertEquals(error.code, "unsupported_coding");
});

Deno.test("decodeContent rejects content in another format", async () => {
  const text = new TextEncoder().encode("this is not compressed at all");
  for (const coding of ["gzip", "deflate", "br"]) {
    await assertFails(text, coding, "bad_content");
  }
});

Deno.test("decodeContent stops a decompression bomb early", async () => {
  for (
    const [coding, bomb] of [
      ["gzip", gzipSync(new Uint8Array(4_000_000))],
      ["br", brotliCompressSync(new Uint8Array(4_000_000))],
    ] as const
  ) {
    const reader = decodeContent(pieces(bomb, []), coding, {
      maxBytes: 100_000,
    }).getReader();
    let largest = 0;
    const error = await assertRejects(async () => {
      for (;;) {
        const { value } = await reader.read();
        largest = Math.max(largest, value?.length ?? 0);
      }
    }, ConnError);
    assertEquals(error.code, "content_too_large");
    assert(largest <= 64 * 1024, `a piece of ${largest} bytes came`);
  }
});

Deno.test("decodeContent pulls no more than it needs", async () => {
  const piece = gzipSync(crypto.getRandomValues(new Uint8Array(50_000)));
  let pulled = 0;
  async function* endless() {
    for (;;) {
      pulled++;
      yield piece;
    }
  }
  const reader = decodeContent(endless(), "gzip").getReader();
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve));
  assert(pulled <= 4, `${pulled} pieces were pulled for one read`);
  await reader.cancel();
});

Deno.test("decodeContent cancels its source while a read is stalled", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<unknown>();
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(new Uint8Array(gzipSync(plain)).subarray(0, 40));
    },
    cancel: resolve,
  });
  const reader = decodeContent(source, "gzip, identity").getReader();
  const read = reader.read();
  await reader.cancel("enough");
  assertEquals(await cancelled, "enough");
  await read;
});

Deno.test("decodeContent cancels its source when decoding fails", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<unknown>();
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull: (controller) => controller.enqueue(new Uint8Array(100)),
    cancel: resolve,
  });
  const error = await assertRejects(
    () => new Response(decodeContent(source, "gzip")).bytes(),
    ConnError,
  );
  assertEquals(await cancelled, error);
});

Deno.test("decodeContent passes its source's error on", async () => {
  const reset = new Error("connection reset");
  async function* source() {
    yield gzipSync(plain).subarray(0, 40);
    throw reset;
  }
  const error = await assertRejects(() => decode(source(), "gzip"), Error);
  assertEquals(error, reset);
});
