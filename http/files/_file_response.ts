// The answer to a request for one file: which representation, whether at all,
// which bytes of it.

import { acceptableSiblings } from "./_accept_encoding.ts";
import { sourceResponse } from "../server/body_source.ts";
import { evaluate, rangeApplies, validatorsOf } from "./_conditional.ts";
import { FileSource, readSmall, SMALL } from "./_file_source.ts";
import type { FilePart, FoundFile } from "./_file_source.ts";
import { formatHttpDate } from "../codec/http_date.ts";
import { isCompressible, mediaTypeOf } from "./_media_type.ts";
import { contentRange, parseRange } from "./_range.ts";
import type { ByteRange, RangeVerdict } from "./_range.ts";

/** Header fields of an answer. */
export type FieldRecord = Record<string, string>;

/** Options of {@linkcode fileResponse}. */
export interface FileResponseOptions {
  /** Finds the file. Called again if it changes while it is read. */
  readonly find: () => Promise<FoundFile | undefined>;
  /** The name that decides the content type. */
  readonly name: string;
  /** 404 for the page that says so, which has neither conditions nor ranges. */
  readonly status?: 200 | 404;
  /** `Cache-Control` of the answer. */
  readonly cacheControl: string | undefined;
  /**
   * Finds the file with this in addition to the name. Left out: there are no
   * compressed siblings.
   */
  readonly sibling?:
    | ((extension: string) => Promise<FoundFile | undefined>)
    | undefined;
}

/** How many times a file that changes while it is looked at is looked at anew. */
const ATTEMPTS = 3;

const REASONS: Record<number, string> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  412: "Precondition Failed",
  416: "Range Not Satisfiable",
};

/** An answer that says its status in words. */
export function textResponse(
  request: Request,
  status: number,
  fields: FieldRecord = {},
): Response {
  const text = `${REASONS[status]}\n`;
  return new Response(request.method === "HEAD" ? null : text, {
    status,
    headers: {
      ...fields,
      "content-length": String(text.length),
      "content-type": "text/plain; charset=UTF-8",
    },
  });
}

/**
 * Answers a request whose method has no meaning here, or OPTIONS.
 *
 * @returns `undefined` for GET and HEAD.
 */
export function methodResponse(request: Request): Response | undefined {
  const { method } = request;
  if (method === "GET" || method === "HEAD") return undefined;
  const fields = { allow: "GET, HEAD, OPTIONS" };
  return method === "OPTIONS"
    ? new Response(null, { status: 204, headers: fields })
    : textResponse(request, 405, fields);
}

/** Puts a program's own fields into a response, in place of those of the name. */
export function addHeaders(
  response: Response,
  headers: HeadersInit | undefined,
): Response {
  if (headers === undefined) return response;
  for (const [name, value] of new Headers(headers)) {
    if (name === "set-cookie") response.headers.append(name, value);
    else response.headers.set(name, value);
  }
  return response;
}

/**
 * Answers with a file.
 *
 * @param request A GET or HEAD.
 * @param options Where the file is, and what the answer is to be like.
 * @param first The file, if it was found already.
 * @returns `undefined` if there is no such file.
 */
export async function fileResponse(
  request: Request,
  options: FileResponseOptions,
  first?: FoundFile,
): Promise<Response | undefined> {
  let found = first ?? await options.find();
  for (let attempt = 1; found?.info.isFile; attempt++) {
    // If it changes all the time, what is announced is only checked as it goes.
    const small = attempt < ATTEMPTS ? SMALL : 0;
    const response = await attemptResponse(request, found, options, small);
    if (response) return response;
    found = await options.find();
  }
  return undefined;
}

async function attemptResponse(
  request: Request,
  original: FoundFile,
  options: FileResponseOptions,
  small: number,
): Promise<Response | undefined> {
  const fields = baseFields(options);
  const found = await negotiate(request.headers, original, options, fields);
  const verdict = options.status === 404
    ? "whole"
    : applyConditions(request, found, fields);
  if (verdict instanceof Response) return verdict;
  const { size } = found.info;
  if (verdict === "unsatisfiable") {
    return textResponse(request, 416, { "content-range": `bytes */${size}` });
  }
  if (verdict === "whole") {
    const status = options.status ?? 200;
    const range = { start: 0, end: size };
    return await rangeResponse(request, found, range, {
      status,
      fields,
      small,
    });
  }
  const [range] = verdict;
  if (range && verdict.length === 1) {
    fields["content-range"] = contentRange(range, size);
    const how = { status: 206, fields, small };
    return await rangeResponse(request, found, range, how);
  }
  return sourceOf(found, multipart(verdict, size, fields), 206, fields);
}

/** Adds the validators; returns the answer if a condition gives it. */
function applyConditions(
  request: Request,
  found: FoundFile,
  fields: FieldRecord,
): RangeVerdict | Response {
  const now = Date.now();
  const { headers, method } = request;
  const coding = fields["content-encoding"];
  const suffix = coding === undefined ? "" : `-${coding}`;
  const validators = validatorsOf(found.info, now, suffix);
  if (validators) fields["etag"] = validators.etag;
  const verdict = evaluate(headers, validators, now);
  if (verdict === "failed") return textResponse(request, 412);
  if (verdict === "not modified") return notModified(fields);
  if (validators) fields["last-modified"] = formatHttpDate(validators.modified);
  fields["accept-ranges"] = "bytes";
  // Ranges have a meaning for GET alone, RFC 9110 §14.2.
  const range = method === "GET" ? headers.get("range") : null;
  return range !== null && rangeApplies(headers, validators, now)
    ? parseRange(range, found.info.size)
    : "whole";
}

/** Answers with one range, which may be the whole. */
async function rangeResponse(
  request: Request,
  found: FoundFile,
  range: ByteRange,
  how: { status: number; fields: FieldRecord; small: number },
): Promise<Response | undefined> {
  const { status, fields, small } = how;
  const length = range.end - range.start;
  fields["content-length"] = String(length);
  const init = { status, headers: fields };
  if (request.method === "HEAD" || length === 0) {
    return new Response(null, init);
  }
  return length <= small
    ? await readSmall(found, range, (bytes) => new Response(bytes, init))
    : sourceOf(found, [range], status, fields);
}

function baseFields(options: FileResponseOptions): FieldRecord {
  const fields: FieldRecord = { "content-type": mediaTypeOf(options.name) };
  if (options.cacheControl !== undefined) {
    fields["cache-control"] = options.cacheControl;
  }
  return fields;
}

/**
 * Chooses between the original and its compressed siblings. One that is older
 * was made from something else, and one that is not smaller helps nobody.
 */
async function negotiate(
  headers: Headers,
  original: FoundFile,
  options: FileResponseOptions,
  fields: FieldRecord,
): Promise<FoundFile> {
  const { sibling } = options;
  if (!sibling || !isCompressible(fields["content-type"] ?? "")) {
    return original;
  }
  // Also where there is no sibling: it may come later, and looking costs more.
  fields["vary"] = "accept-encoding";
  const mtime = original.info.mtime?.getTime() ?? 0;
  for (const choice of acceptableSiblings(headers.get("accept-encoding"))) {
    const found = await sibling(choice.extension);
    if (!found?.info.isFile) continue;
    const { size } = found.info;
    const newer = (found.info.mtime?.getTime() ?? -1) >= mtime;
    if (!newer || size === 0 || size >= original.info.size) continue;
    fields["content-encoding"] = choice.coding;
    return found;
  }
  return original;
}

/** RFC 9110 §15.4.5: what a cache needs to bring its copy up to date. */
function notModified(fields: FieldRecord): Response {
  const kept: FieldRecord = {};
  for (const name of ["cache-control", "etag", "vary"]) {
    const value = fields[name];
    if (value !== undefined) kept[name] = value;
  }
  return new Response(null, { status: 304, headers: kept });
}

/** A multipart/byteranges body, RFC 9110 §14.6; changes the content type. */
function multipart(
  ranges: readonly ByteRange[],
  size: number,
  fields: FieldRecord,
): FilePart[] {
  const boundary = crypto.randomUUID();
  const encoder = new TextEncoder();
  const parts: FilePart[] = [];
  for (const range of ranges) {
    const lead = parts.length === 0 ? "" : "\r\n";
    parts.push(
      encoder.encode(
        `${lead}--${boundary}\r\nContent-Type: ${fields["content-type"]}\r\n` +
          `Content-Range: ${contentRange(range, size)}\r\n\r\n`,
      ),
      range,
    );
  }
  parts.push(encoder.encode(`\r\n--${boundary}--\r\n`));
  fields["content-type"] = `multipart/byteranges; boundary=${boundary}`;
  return parts;
}

function sourceOf(
  found: FoundFile,
  parts: readonly FilePart[],
  status: number,
  fields: FieldRecord,
): Response {
  const source = new FileSource(found, parts);
  fields["content-length"] = String(source.size);
  return sourceResponse(source, { status, headers: fields });
}
