/**
 * Variables of queries and forms.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { byteSource, readAll } from "../client/byte_source.ts";
import { checkFormHead, formTooLarge, unsupportedForm } from "./_form_head.ts";

/** Limits of {@linkcode formVariables} and {@linkcode queryVariables}. */
export interface VariableLimits {
  /**
   * Most bytes of the form or the query.
   *
   * @default {1048576} (1 MiB)
   */
  maxBytes?: number;
  /**
   * Most variables.
   *
   * @default {1000}
   */
  maxFields?: number;
}

/**
 * Reads the variables of a form that is at hand: text or bytes that came as
 * `application/x-www-form-urlencoded`, the way a browser sends it (WHATWG URL
 * §5.1).
 *
 * @param source The form.
 * @param limits Byte and variable limits.
 * @returns The variables in order; a name may come more than once.
 * @throws {ConnError} With code `"content_too_large"` (reply 413) over a limit.
 *
 * @example A form in a body that is there already
 * ```ts
 * import { formVariables } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const form = formVariables("n1=1&n2=2.5&note=a+b%21");
 * assertEquals(Number(form.get("n1")) + Number(form.get("n2")), 3.5);
 * assertEquals(form.get("note"), "a b!");
 * ```
 */
export function formVariables(
  source: string | Uint8Array,
  limits?: VariableLimits,
): URLSearchParams;
/**
 * Reads a request's body, or a stream, up to the limit, and the variables of the
 * form that it is.
 *
 * @param source The request or the stream.
 * @param limits Byte and variable limits.
 * @returns The variables in order; a name may come more than once.
 * @throws {ConnError} With code `"content_too_large"` (reply 413) over a limit;
 * for a `Request` also with code `"unsupported_media_type"` (reply 415) if its
 * `Content-Type` is another, or it has a `Content-Encoding`.
 *
 * @example A form in a request
 * ```ts
 * import { formVariables } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const request = new Request("http://localhost/", {
 *   method: "POST",
 *   body: new URLSearchParams({ city: "Kōbe" }),
 * });
 * const form = await formVariables(request, { maxBytes: 1000 });
 * assertEquals(form.get("city"), "Kōbe");
 * ```
 */
export function formVariables(
  source: Request | AsyncIterable<Uint8Array>,
  limits?: VariableLimits,
): Promise<URLSearchParams>;
export function formVariables(
  source: string | Uint8Array | Request | AsyncIterable<Uint8Array>,
  limits: VariableLimits = {},
): URLSearchParams | Promise<URLSearchParams> {
  if (typeof source === "string" || source instanceof Uint8Array) {
    return parse(source, limits, formTooLarge);
  }
  return readForm(source, limits);
}

/**
 * Reads the variables of a request target's or URL's query.
 *
 * @param target The target of a request (`/search?q=meerkat`), a URL, or a
 * `Request`.
 * @param limits Byte and variable limits.
 * @returns The variables in order; none if there is no query.
 * @throws {ConnError} With code `"query_too_large"` (reply 414) over a limit.
 *
 * @example A variable of a request's target
 * ```ts
 * import { queryVariables } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const query = queryVariables("/search?q=suricata+suricatta&page=2");
 * assertEquals(query.get("q"), "suricata suricatta");
 * assertEquals(query.get("missing"), null);
 * ```
 */
export function queryVariables(
  target: string | URL | Request,
  limits: VariableLimits = {},
): URLSearchParams {
  const url = target instanceof Request ? target.url : String(target);
  const hash = url.indexOf("#");
  const end = hash < 0 ? url.length : hash;
  const start = url.indexOf("?");
  if (start < 0 || start >= end) return new URLSearchParams();
  return parse(url.slice(start + 1, end), limits, queryTooLarge);
}

async function readForm(
  source: Request | AsyncIterable<Uint8Array>,
  limits: VariableLimits,
): Promise<URLSearchParams> {
  const { maxBytes = DEFAULT_MAX_BYTES } = limits;
  let body: AsyncIterable<Uint8Array> | null;
  if (source instanceof Request) {
    checkHead(source.headers, maxBytes);
    body = source.body;
  } else body = source;
  const bytes = await readAll(
    byteSource(body),
    maxBytes,
    () => formTooLarge(`it is over ${maxBytes} bytes`),
  );
  return parse(bytes, limits, formTooLarge);
}

function checkHead(headers: Headers, maxBytes: number): void {
  const type = headers.get("content-type");
  const essence = type?.split(";", 1)[0]?.trim().toLowerCase();
  if (essence !== undefined && essence !== FORM_TYPE) {
    throw unsupportedForm(`Content-Type "${type}", expected "${FORM_TYPE}"`);
  }
  checkFormHead(headers, maxBytes);
}

const FORM_TYPE = "application/x-www-form-urlencoded";
const DEFAULT_MAX_BYTES = 1024 * 1024;
const DEFAULT_MAX_FIELDS = 1000;

function parse(
  source: string | Uint8Array,
  limits: VariableLimits,
  tooLarge: (what: string) => ConnError,
): URLSearchParams {
  const { maxBytes = DEFAULT_MAX_BYTES, maxFields = DEFAULT_MAX_FIELDS } =
    limits;
  if (source.length > maxBytes) {
    throw tooLarge(`it is over ${maxBytes} bytes`);
  }
  const text = typeof source === "string" ? source : formText(source);
  let fields = 0;
  for (let at = 0; at < text.length; fields++) {
    if (fields === maxFields) {
      throw tooLarge(`it has over ${maxFields} variables`);
    }
    const next = text.indexOf("&", at);
    at = next < 0 ? text.length : next + 1;
  }
  // The constructor drops a leading "?", which here belongs to the first name;
  // empty sequences count for nothing.
  return new URLSearchParams(text.startsWith("?") ? `&${text}` : text);
}

/** The form as ASCII: other bytes are escaped, so that they decode as one. */
function formText(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte < 0x80)) return UTF8.decode(bytes);
  const escaped: string[] = [];
  let from = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte < 0x80) continue;
    escaped.push(
      UTF8.decode(bytes.subarray(from, at)),
      `%${byte.toString(16)}`,
    );
    from = at + 1;
  }
  return escaped.join("") + UTF8.decode(bytes.subarray(from));
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

function queryTooLarge(what: string): ConnError {
  return new ConnError(`Cannot read the query: ${what}`, {
    code: "query_too_large",
    side: "remote",
    reply: 414,
  });
}
