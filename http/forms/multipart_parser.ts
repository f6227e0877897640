/**
 * The multipart/form-data format: bytes to parts.
 *
 * @module
 */

import { concat } from "../client/byte_source.ts";
import { Delimiter } from "./_delimiter.ts";
import { parseParameterized } from "./_parameters.ts";
import { badMultipart, formTooLarge, unsupportedForm } from "./_form_head.ts";
import { readPartField, readPartHead } from "./_part_head.ts";
import { Fields } from "../codec/fields.ts";

/** What {@linkcode MultipartParser} makes of its input. */
export type MultipartEvent =
  /** A part begins. `filename` is there if the part is a file. */
  | { type: "part"; name: string; filename?: string; fields: Fields }
  /** Some bytes of the part: a view of the array that was pushed. */
  | { type: "body"; bytes: Uint8Array }
  /** The part is complete. */
  | { type: "partEnd" };

/** Options of {@linkcode MultipartParser}. */
export interface MultipartParserOptions {
  /**
   * Most parts.
   *
   * @default {1000}
   */
  maxParts?: number;
  /**
   * Most bytes of a part's header section; also of what stands before, between
   * and after the parts.
   *
   * @default {8192} (8 KiB)
   */
  maxHeaderBytes?: number;
}

/**
 * Reads the boundary out of a `Content-Type` field.
 *
 * @param contentType The field's value.
 * @throws {ConnError} With code `"unsupported_media_type"` (reply 415) if it is
 * not `multipart/form-data`, and `"bad_multipart"` (reply 400) if it is
 * malformed or has no valid boundary (RFC 2046 §5.1.1).
 *
 * @example Reading a boundary
 * ```ts
 * import { multipartBoundary } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(multipartBoundary("multipart/form-data; boundary=X-7"), "X-7");
 * ```
 */
export function multipartBoundary(contentType: string | null): string {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "multipart/form-data") {
    throw unsupportedForm(
      `Content-Type "${contentType}", expected "multipart/form-data"`,
    );
  }
  const boundary = parseParameterized(contentType!)?.parameters.get("boundary");
  if (boundary === undefined || !BOUNDARY.test(boundary)) {
    throw badMultipart(`"${contentType}" has no valid boundary`);
  }
  return boundary;
}

// RFC 2046 §5.1.1
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

const CR = 13;
const LF = 10;
const TAB = 9;
const SPACE = 32;
const DASH = 45;

/** What the next byte of input belongs to. */
type State =
  | "preamble"
  | "delimiter" // right behind the boundary
  | "opening" // the end of the line of a delimiter with a part behind it
  | "header"
  | "bodyStart" // at the CR LF that ends the header section
  | "body"
  | "closing" // the end of the line of the last delimiter
  | "epilogue"
  | "failed";

/**
 * Parses `multipart/form-data` (RFC 7578, RFC 2046 §5.1) piece by piece, however
 * the input is cut.
 *
 * Lines must end in CR LF; header fields must not be folded; each part must have
 * one `Content-Disposition` of type `form-data` with a name. A line that starts
 * like the delimiter and goes on otherwise is an error, as it must not occur in
 * a part. Names and file names are read as UTF-8, with the escapes that browsers
 * use for line ends and quotes (`%0D`, `%0A`, `%22`); `fields` have a character
 * for each byte, as everywhere.
 *
 * After an error it takes nothing more.
 *
 * @example Parsing a form from a connection's body events
 * ```ts
 * import { MultipartParser } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const body = new TextEncoder().encode(
 *   "--X\r\n" +
 *   'Content-Disposition: form-data; name="note"\r\n\r\n' +
 *   "hello\r\n" +
 *   "--X--\r\n",
 * );
 * const parser = new MultipartParser("X");
 * const seen: string[] = [];
 * for (const event of parser.push(body)) {
 *   if (event.type === "part") seen.push(event.name);
 *   if (event.type === "body") seen.push(new TextDecoder().decode(event.bytes));
 * }
 * parser.end();
 * assertEquals(seen, ["note", "hello"]);
 * ```
 */
export class MultipartParser {
  readonly #delimiter: Delimiter;
  readonly #maxParts: number;
  readonly #maxHeaderBytes: number;
  #state: State = "preamble";
  // What was pushed and is not consumed yet, and how far the present call is in
  // it. A CR LF put in front makes the first delimiter like all others.
  #input: Uint8Array = Uint8Array.of(CR, LF);
  #at = 0;
  #events: MultipartEvent[] = [];
  #fields = new Fields();
  #parts = 0;
  #headerBytes = 0;
  #otherBytes = 0;

  /**
   * Starts at the beginning of a body.
   *
   * @param boundary See {@linkcode multipartBoundary}.
   * @param options Limits.
   * @throws {ConnError} With code `"bad_multipart"` if the boundary is invalid.
   */
  constructor(boundary: string, options: MultipartParserOptions = {}) {
    if (!BOUNDARY.test(boundary)) {
      throw badMultipart(`the boundary "${boundary}" is invalid`);
    }
    this.#delimiter = new Delimiter(boundary);
    this.#maxParts = options.maxParts ?? 1000;
    this.#maxHeaderBytes = options.maxHeaderBytes ?? 8192;
  }

  /**
   * Takes the next piece of the body.
   *
   * @param bytes The piece. Events refer to it.
   * @returns What became known by it.
   * @throws {ConnError} With code `"bad_multipart"` (reply 400), or
   * `"content_too_large"` (reply 413) over a limit.
   */
  push(bytes: Uint8Array): MultipartEvent[] {
    this.#input = this.#input.length === 0
      ? bytes
      : concat([this.#input, bytes], this.#input.length + bytes.length);
    this.#at = 0;
    this.#events = [];
    try {
      while (this.#at < this.#input.length && this.#step());
    } catch (error) {
      this.#state = "failed";
      throw error;
    }
    this.#input = this.#input.slice(this.#at);
    return this.#events;
  }

  /**
   * Takes the end of the body.
   *
   * @throws {ConnError} With code `"bad_multipart"` if the closing delimiter did
   * not come.
   */
  end(): void {
    const complete = this.#state === "epilogue" ||
      this.#state === "closing" && this.#input.length === 0;
    this.#state = "failed";
    if (!complete) throw badMultipart("it ends without the closing delimiter");
  }

  /** Consumes some input; `false` if that takes more than there is. */
  #step(): boolean {
    switch (this.#state) {
      case "preamble":
        return this.#skipPreamble();
      case "delimiter":
        return this.#tellDelimiter();
      case "opening":
        return this.#endLine("header");
      case "header":
        return this.#readHeaderLine();
      case "bodyStart":
        return this.#startBody();
      case "body":
        return this.#readBody();
      case "closing":
        return this.#endLine("epilogue");
      case "epilogue":
        this.#skip(this.#input.length);
        return true;
      case "failed":
        throw badMultipart("it goes on after its end or an error");
    }
  }

  #skipPreamble(): boolean {
    const start = this.#delimiter.indexIn(this.#input, this.#at);
    const found = start >= 0;
    this.#skip(found ? start : this.#delimiter.cutIn(this.#input, this.#at));
    if (found) this.#passDelimiter();
    return found;
  }

  #passDelimiter(): void {
    this.#at += this.#delimiter.length;
    this.#state = "delimiter";
  }

  #tellDelimiter(): boolean {
    if (this.#input[this.#at] !== DASH) {
      this.#state = "opening";
      return true;
    }
    if (this.#at + 1 === this.#input.length) return false;
    if (this.#input[this.#at + 1] !== DASH) throw badMultipart(BAD_DELIMITER);
    this.#at += 2;
    this.#state = "closing";
    return true;
  }

  #endLine(next: State): boolean {
    let at = this.#at;
    while (this.#input[at] === SPACE || this.#input[at] === TAB) at++;
    this.#skip(at);
    if (at === this.#input.length) return false;
    if (this.#input[at] !== CR) throw badMultipart(BAD_DELIMITER);
    if (at + 1 === this.#input.length) return false;
    if (this.#input[at + 1] !== LF) throw badMultipart(BAD_DELIMITER);
    this.#at += 2;
    this.#state = next;
    return true;
  }

  #readHeaderLine(): boolean {
    const from = this.#at;
    const lineFeed = this.#input.indexOf(LF, from);
    const end = lineFeed < 0 ? this.#input.length : lineFeed + 1;
    if (this.#headerBytes + end - from > this.#maxHeaderBytes) {
      throw formTooLarge(
        `a header section is over ${this.#maxHeaderBytes} bytes`,
      );
    }
    if (lineFeed < 0) return false;
    this.#headerBytes += end - from;
    if (lineFeed === from || this.#input[lineFeed - 1] !== CR) {
      throw badMultipart("a header line does not end in CR LF");
    }
    if (lineFeed - 1 === from) {
      this.#beginPart();
      return true;
    }
    readPartField(this.#input.subarray(from, lineFeed - 1), this.#fields);
    this.#at = end;
    return true;
  }

  #beginPart(): void {
    if (++this.#parts > this.#maxParts) {
      throw formTooLarge(`it has over ${this.#maxParts} parts`);
    }
    this.#events.push({ type: "part", ...readPartHead(this.#fields) });
    this.#fields = new Fields();
    this.#headerBytes = 0;
    this.#state = "bodyStart";
  }

  // The CR LF that ends the header section may also be the delimiter's, where a
  // part has no body at all (RFC 2046 §5.1.1, `body-part`).
  #startBody(): boolean {
    const empty = this.#delimiter.startsAt(this.#input, this.#at);
    if (empty === undefined) return false;
    if (empty) this.#endPart();
    else {
      this.#at += 2;
      this.#state = "body";
    }
    return true;
  }

  #readBody(): boolean {
    const start = this.#delimiter.indexIn(this.#input, this.#at);
    const found = start >= 0;
    const end = found ? start : this.#delimiter.cutIn(this.#input, this.#at);
    if (end > this.#at) {
      const bytes = this.#input.subarray(this.#at, end);
      this.#events.push({ type: "body", bytes });
      this.#at = end;
    }
    if (found) this.#endPart();
    return found;
  }

  #endPart(): void {
    this.#events.push({ type: "partEnd" });
    this.#passDelimiter();
  }

  /** Moves on to `at` over bytes that are no part's. */
  #skip(at: number): void {
    this.#otherBytes += at - this.#at;
    if (this.#otherBytes > this.#maxHeaderBytes) {
      throw formTooLarge(
        `over ${this.#maxHeaderBytes} bytes are outside its parts`,
      );
    }
    this.#at = at;
  }
}

const BAD_DELIMITER = "a line starts like a delimiter and is none";
