/**
 * Multipart forms as an async iteration over their parts.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { type ByteSource, byteSource, readAll } from "../client/byte_source.ts";
import { checkFormHead, formTooLarge } from "./_form_head.ts";
import type { Fields } from "../codec/fields.ts";
import {
  multipartBoundary,
  type MultipartEvent,
  MultipartParser,
  type MultipartParserOptions,
} from "./multipart_parser.ts";

/** Options of {@linkcode multipart}. */
export interface MultipartOptions extends MultipartParserOptions {
  /**
   * The boundary, where the source is no `Request`: see
   * {@linkcode multipartBoundary}.
   */
  boundary?: string;
  /**
   * Most bytes of the whole body.
   *
   * @default {Infinity}
   */
  maxBytes?: number;
  /**
   * Most bytes that {@linkcode Part.bytes} and {@linkcode Part.text} take.
   *
   * @default {1048576} (1 MiB)
   */
  maxBufferedBytes?: number;
}

/**
 * One part of a form: a field, or a file. Its content is read as it arrives: by
 * iterating over the part, or at once by `bytes` or `text`; and only until the
 * next part is asked for, which skips what was not read.
 */
export interface Part extends AsyncIterable<Uint8Array> {
  /** The field's name. */
  readonly name: string;
  /**
   * The file's name as the client gave it, if the part is a file. It is no safe
   * name for a file here: it may contain anything, also a path.
   */
  readonly filename: string | undefined;
  /** The media type, by default `"text/plain"` (RFC 7578 §4.4). */
  readonly type: string;
  /** The part's header fields, a character for each byte. */
  readonly fields: Fields;
  /**
   * Reads what is left of the part.
   *
   * @throws {ConnError} With code `"content_too_large"` (reply 413) over
   * {@linkcode MultipartOptions.maxBufferedBytes}.
   */
  bytes(): Promise<Uint8Array>;
  /** Like {@linkcode Part.bytes}, as UTF-8. */
  text(): Promise<string>;
}

/**
 * Reads a `multipart/form-data` body part by part, without holding it in memory.
 * No more is read from the source than is asked for here.
 *
 * Leaving the loop cancels the source.
 *
 * @param source A request, or its body with {@linkcode MultipartOptions.boundary}.
 * @param options Limits.
 * @returns The parts, in order.
 * @throws {ConnError} In the iteration: with code `"unsupported_media_type"`
 * (reply 415) if the request is of another type, `"bad_multipart"` (reply 400)
 * if the form is malformed or cut short, `"content_too_large"` (reply 413) over
 * a limit, `"part_skipped"` if a part is read after the next was asked for.
 *
 * @example Reading a form with a file
 * ```ts
 * import { multipart } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const body = new FormData();
 * body.append("note", "two lines");
 * body.append("file", new File(["a\nb\n"], "lines.txt"));
 * const request = new Request("http://localhost/", { method: "POST", body });
 *
 * for await (const part of multipart(request)) {
 *   if (part.filename === undefined) {
 *     assertEquals(await part.text(), "two lines");
 *     continue;
 *   }
 *   let size = 0;
 *   for await (const bytes of part) size += bytes.length;
 *   assertEquals([part.filename, size], ["lines.txt", 4]);
 * }
 * ```
 */
export async function* multipart(
  source: Request | AsyncIterable<Uint8Array>,
  options: MultipartOptions = {},
): AsyncGenerator<Part, void, void> {
  const { maxBufferedBytes = 1024 * 1024 } = options;
  const feed = openFeed(source, options);
  try {
    for (
      let event = await feed.next();
      event !== undefined;
      event = await feed.next()
    ) {
      if (event.type !== "part") continue; // what nobody read
      const part = new FormPart(event, feed, maxBufferedBytes);
      yield part;
      part.skip();
    }
  } finally {
    await feed.cancel();
  }
}

function openFeed(
  source: Request | AsyncIterable<Uint8Array>,
  options: MultipartOptions,
): PartFeed {
  const { maxBytes = Infinity } = options;
  let { boundary } = options;
  let body: AsyncIterable<Uint8Array> | null;
  if (source instanceof Request) {
    checkFormHead(source.headers, maxBytes);
    boundary ??= multipartBoundary(source.headers.get("content-type"));
    body = source.body;
  } else body = source;
  if (boundary === undefined) {
    throw new TypeError(
      "Cannot read the multipart form: no boundary was given",
    );
  }
  const parser = new MultipartParser(boundary, options);
  return new PartFeed(byteSource(body), parser, maxBytes);
}

/** The events of a form, pulled one by one. */
class PartFeed {
  readonly #source: ByteSource;
  readonly #parser: MultipartParser;
  readonly #maxBytes: number;
  #bytes = 0;
  #events: MultipartEvent[] = [];
  #at = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(source: ByteSource, parser: MultipartParser, maxBytes: number) {
    this.#source = source;
    this.#parser = parser;
    this.#maxBytes = maxBytes;
  }

  /** Resolves with `undefined` at the end. Calls are served in order. */
  next(): Promise<MultipartEvent | undefined> {
    const next = this.#last.then(() => this.#next());
    // A failed parser goes on failing: the error reaches every caller.
    this.#last = next.catch(() => {});
    return next;
  }

  cancel(): Promise<void> {
    return this.#source.cancel();
  }

  async #next(): Promise<MultipartEvent | undefined> {
    while (this.#at === this.#events.length) {
      const bytes = await this.#source.read();
      if (bytes === undefined) {
        this.#parser.end();
        return undefined;
      }
      this.#bytes += bytes.length;
      if (this.#bytes > this.#maxBytes) {
        throw formTooLarge(`it is over ${this.#maxBytes} bytes`);
      }
      this.#events = this.#parser.push(bytes);
      this.#at = 0;
    }
    return this.#events[this.#at++];
  }
}

class FormPart implements Part {
  readonly name: string;
  readonly filename: string | undefined;
  readonly fields: Fields;
  readonly #feed: PartFeed;
  readonly #maxBufferedBytes: number;
  #state: "open" | "ended" | "skipped" = "open";

  constructor(
    head: MultipartEvent & { type: "part" },
    feed: PartFeed,
    maxBufferedBytes: number,
  ) {
    this.name = head.name;
    this.filename = head.filename;
    this.fields = head.fields;
    this.#feed = feed;
    this.#maxBufferedBytes = maxBufferedBytes;
  }

  get type(): string {
    return this.fields.get("content-type") ?? "text/plain";
  }

  /** Says that the feed is at another part. */
  skip(): void {
    if (this.#state === "open") this.#state = "skipped";
  }

  async bytes(): Promise<Uint8Array> {
    const source = {
      read: () => this.#read(),
      cancel: () => Promise.resolve(),
    };
    const most = this.#maxBufferedBytes;
    return await readAll(
      source,
      most,
      () => formTooLarge(`the part "${this.name}" is over ${most} bytes`),
    );
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (
      let bytes = await this.#read();
      bytes !== undefined;
      bytes = await this.#read()
    ) yield bytes;
  }

  async #read(): Promise<Uint8Array | undefined> {
    if (this.#state === "skipped") {
      throw new ConnError(
        `Cannot read the part "${this.name}": the next one was asked for`,
        { code: "part_skipped", side: "local" },
      );
    }
    if (this.#state === "ended") return undefined;
    const event = await this.#feed.next();
    if (event?.type === "body") return event.bytes;
    this.#state = "ended";
    return undefined;
  }
}
