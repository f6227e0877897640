/**
 * Content codings: gzip, deflate and br bodies back to what they were.
 *
 * @module
 */

import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
} from "node:zlib";
import { ConnError } from "../../conn/error.ts";
import { type ByteSource, byteSource, sourceStream } from "./byte_source.ts";

/**
 * The value of an `Accept-Encoding` field that names what
 * {@linkcode decodeContent} decodes.
 *
 * @example Asking for compressed content
 * ```ts
 * import { acceptEncoding } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(acceptEncoding, "gzip, deflate, br");
 * ```
 */
export const acceptEncoding = "gzip, deflate, br";

/** Options of {@linkcode decodeContent}. */
export interface DecodeContentOptions {
  /**
   * Most bytes that the content may decode to, in each of its codings;
   * `Infinity` for no limit.
   *
   * @default {67108864} (64 MiB)
   */
  maxBytes?: number;
  /**
   * Most codings that may be applied one over the other.
   *
   * @default {4}
   */
  maxCodings?: number;
}

type Coding = "gzip" | "deflate" | "br";

const CODINGS: ReadonlyMap<string, Coding> = new Map([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "br"],
]);

/**
 * Decodes a body that came with a `Content-Encoding` field (RFC 9110 §8.4).
 *
 * Nothing is read ahead of who reads the result, beyond small fixed buffers.
 * `deflate` is the zlib format, and also the raw one that some servers send.
 * A gzip body may have several members. An empty body decodes to an empty one.
 *
 * @param body The bytes as they came. Cancelled if decoding fails, or if the
 * result is.
 * @param coding The field's value, for example `"gzip"`, or `"gzip, br"` for br
 * over gzip. Names are case-insensitive; `identity` is skipped.
 * @param options Limits.
 * @returns The decoded bytes. Reading fails with a {@linkcode ConnError} of code
 * `"content_too_large"` over the limit, and `"bad_content"` if the coded bytes
 * are wrong, cut short, or followed by others.
 * @throws {ConnError} With code `"unsupported_coding"` if a coding is unknown or
 * there are too many.
 *
 * @example Reading a compressed body
 * ```ts
 * import { decodeContent } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const coded = new Response("hello ".repeat(100)).body!
 *   .pipeThrough(new CompressionStream("gzip"));
 * const decoded = decodeContent(coded, "gzip", { maxBytes: 1024 });
 * assertEquals(await new Response(decoded).text(), "hello ".repeat(100));
 * ```
 */
export function decodeContent(
  body: AsyncIterable<Uint8Array>,
  coding: string,
  options: DecodeContentOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { maxBytes = 64 * 1024 * 1024, maxCodings = 4 } = options;
  const codings = parseCodings(coding, maxCodings);
  let source = byteSource(body);
  // The field lists codings in the order they were applied.
  for (const name of codings.reverse()) {
    source = new DecodedSource(source, name, maxBytes);
  }
  return sourceStream(source);
}

function parseCodings(value: string, maxCodings: number): Coding[] {
  const codings: Coding[] = [];
  for (const item of value.split(",")) {
    const name = item.trim().toLowerCase();
    if (name === "" || name === "identity") continue;
    const coding = CODINGS.get(name);
    if (coding === undefined || codings.length === maxCodings) {
      throw new ConnError(
        coding === undefined
          ? `Cannot decode content: the coding "${name}" is not one of ${acceptEncoding}`
          : `Cannot decode content: it has over ${maxCodings} codings`,
        { code: "unsupported_coding", side: "remote", reply: 415 },
      );
    }
    codings.push(coding);
  }
  return codings;
}

type Decoder = ReturnType<typeof createGunzip>;

function createDecoder(coding: Coding, firstByte: number): Decoder {
  if (coding === "gzip") return createGunzip();
  if (coding === "br") return createBrotliDecompress();
  // A zlib stream starts with compression method 8 (RFC 1950 §2.2). In a raw
  // one these bits would be a stored block with non-zero padding.
  return (firstByte & 0x0f) === 8 ? createInflate() : createInflateRaw();
}

/** One coding taken off a source. */
class DecodedSource implements ByteSource {
  readonly #source: ByteSource;
  readonly #coding: Coding;
  readonly #maxBytes: number;
  #decoder: Decoder | undefined;
  #output: AsyncIterator<Uint8Array> | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #sourceError: { readonly reason: unknown } | undefined;

  constructor(source: ByteSource, coding: Coding, maxBytes: number) {
    this.#source = source;
    this.#coding = coding;
    this.#maxBytes = maxBytes;
  }

  async read(): Promise<Uint8Array | undefined> {
    if (this.#output === undefined) {
      const first = await this.#readNonEmpty();
      if (first === undefined) return undefined;
      this.#start(first);
    }
    try {
      return await this.#readDecoded();
    } catch (error) {
      this.#decoder?.destroy();
      await this.#source.cancel(error);
      throw error;
    }
  }

  cancel(reason?: unknown): Promise<void> {
    this.#decoder?.destroy();
    return this.#source.cancel(reason);
  }

  async #readNonEmpty(): Promise<Uint8Array | undefined> {
    let piece = await this.#source.read();
    while (piece?.length === 0) piece = await this.#source.read();
    return piece;
  }

  #start(first: Uint8Array): void {
    const decoder = createDecoder(this.#coding, first[0] ?? 0);
    // The iterator rejects with the same error; without a listener a cancelled
    // decoder's error would be an uncaught one.
    decoder.on("error", () => {});
    this.#decoder = decoder;
    this.#output = decoder[Symbol.asyncIterator]();
    this.#feed(decoder, first);
  }

  async #feed(decoder: Decoder, first: Uint8Array): Promise<void> {
    try {
      let piece: Uint8Array | undefined = first;
      while (piece !== undefined) {
        this.#bytesIn += piece.length;
        if (!decoder.write(piece)) await writable(decoder);
        if (decoder.destroyed) return;
        piece = await this.#source.read();
      }
      // The br decoder does not report a cut stream. A byte too many tells:
      // only one that is not complete takes it.
      if (this.#coding === "br") decoder.write(new Uint8Array(1));
      decoder.end();
    } catch (reason) {
      this.#sourceError = { reason };
      decoder.destroy();
    }
  }

  async #readDecoded(): Promise<Uint8Array | undefined> {
    let result: IteratorResult<Uint8Array>;
    try {
      result = await this.#output!.next();
    } catch (cause) {
      if (this.#sourceError !== undefined) throw this.#sourceError.reason;
      throw this.#badContent("is not in that format, or is cut short", cause);
    }
    if (this.#sourceError !== undefined) throw this.#sourceError.reason;
    if (result.done) {
      this.#checkEnd();
      return undefined;
    }
    const { buffer, byteOffset, length } = result.value;
    this.#bytesOut += length;
    if (this.#bytesOut > this.#maxBytes) {
      throw new ConnError(
        `Cannot decode "${this.#coding}" content: it is over ${this.#maxBytes} bytes`,
        { code: "content_too_large", side: "remote", reply: 413 },
      );
    }
    // The decoder gives Node's Buffer, whose methods differ.
    return new Uint8Array(buffer, byteOffset, length);
  }

  #checkEnd(): void {
    const consumed = this.#decoder!.bytesWritten;
    if (consumed > this.#bytesIn) throw this.#badContent("is cut short");
    if (consumed < this.#bytesIn) {
      throw this.#badContent("goes on after its end");
    }
  }

  #badContent(what: string, cause?: unknown): ConnError {
    return new ConnError(
      `Cannot decode "${this.#coding}" content: it ${what}`,
      {
        code: "bad_content",
        side: "remote",
        reply: 400,
        ...(cause === undefined ? {} : { cause }),
      },
    );
  }
}

/** Resolves when `decoder` takes more, or is gone. */
function writable(decoder: Decoder): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      decoder.off("drain", done);
      decoder.off("close", done);
      resolve();
    };
    decoder.on("drain", done);
    decoder.on("close", done);
  });
}
