/**
 * Answering requests with the files of a directory.
 *
 * @module
 */

import {
  addHeaders,
  fileResponse,
  methodResponse,
  textResponse,
} from "./_file_response.ts";
import { renderListing } from "./_listing.ts";
import { formatPath, isServable, parsePath, splitUrl } from "./_path.ts";
import { readDirectory } from "./_read_directory.ts";
import { isDenied, lookUpInside, toPath } from "./_resolve.ts";
import type { Found } from "./_resolve.ts";
import type { ServeFileOptions } from "./serve_file.ts";

/** Options of {@linkcode serveDir}. */
export interface ServeDirOptions extends ServeFileOptions {
  /** The directory, as a path or a `file:` URL. Default: `"."`. */
  fsRoot?: string | URL;
  /** The part of the URL's path that stands for `fsRoot`. Default: `"/"`. */
  urlRoot?: string;
  /** Whether a directory's `index.html` answers for it. Default: `true`. */
  showIndex?: boolean;
  /**
   * Whether a directory without index is answered with a page that lists what is
   * in it. Default: `false`.
   */
  showDirListing?: boolean;
  /**
   * Whether names that start with a dot are served and listed. Default: `false`:
   * they are answered as if they did not exist.
   */
  dotfiles?: boolean;
  /**
   * For single-page applications: the file, by its path below `fsRoot`, that
   * answers with 200 for a page that does not exist. A page is what a client
   * asks for that names `text/html` in `Accept`; or that accepts anything, if the
   * last name has no dot. Default: none.
   */
  fallback?: string;
  /** The file, by its path below `fsRoot`, that is sent with 404. Default: none. */
  notFound?: string;
}

/** What one request comes to, read from the options once. */
interface Job {
  readonly request: Request;
  readonly options: ServeDirOptions;
  readonly root: string;
  /** Names of `urlRoot`. */
  readonly above: readonly string[];
  /** Names below it. */
  readonly names: readonly string[];
  readonly slash: boolean;
  readonly query: string;
}

const WINDOWS = Deno.build.os === "windows";

/**
 * Answers a request with the file or directory that its URL names: index file,
 * directory listing, content type, validators and conditions (RFC 9110 §13),
 * ranges (§14), and `.br` and `.gz` siblings by `Accept-Encoding`. Runs under
 * {@linkcode serve} and `Deno.serve` alike.
 *
 * Nothing outside `fsRoot` is served: `..` in any encoding, NUL, a backslash and
 * invalid escapes get 400; a symbolic link that leads outside gets 404. A
 * directory without its trailing slash gets a redirect, 301. Methods other than
 * GET, HEAD and OPTIONS get 405. A file that shrinks while it is sent makes the
 * body fail, so that the client sees a response cut short and not a wrong one.
 *
 * The first use of a path goes through the thread pool. Look-ups, and reads of
 * files up to 64 KiB, that follow within 5 s are made in the calling thread: the
 * kernel has them cached then, and a thread hop costs several times as much.
 * Needs permission to read `fsRoot`.
 *
 * @example Serving a directory
 * ```ts
 * import { serveDir } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const handler = (request: Request): Promise<Response> =>
 *   serveDir(request, { fsRoot: "./public", showDirListing: true });
 *
 * const response = await handler(new Request("http://localhost/..%2fsecret"));
 * assertEquals(response.status, 400);
 * ```
 *
 * @param request A request.
 * @param options Which directory, and what is shown of it.
 * @returns The response.
 * @throws {TypeError} If `urlRoot`, `fallback` or `notFound` is not a path of the
 * kind that it should be.
 */
export async function serveDir(
  request: Request,
  options: ServeDirOptions = {},
): Promise<Response> {
  const response = methodResponse(request) ?? await answer(request, options);
  return addHeaders(response, options.headers);
}

async function answer(
  request: Request,
  options: ServeDirOptions,
): Promise<Response> {
  const { path, query } = splitUrl(request.url);
  const parsed = parsePath(path, WINDOWS);
  if (parsed === 400) return textResponse(request, 400);
  const root = toPath(options.fsRoot ?? ".");
  const above = prefixOf(options.urlRoot ?? "");
  const inside = parsed !== 404 && startsWith(parsed.names, above);
  const names = inside ? parsed.names.slice(above.length) : [];
  const slash = inside && parsed.slash;
  const job = { request, options, root, above, names, slash, query };
  const visible = inside &&
    (options.dotfiles || !names.some((name) => name.startsWith(".")));
  try {
    return (visible && (await locate(job) ?? await fallback(job))) ||
      await notFound(job);
  } catch (error) {
    if (isDenied(error)) return textResponse(request, 403);
    throw error;
  }
}

/** Answers with what the names lead to. */
async function locate(job: Job): Promise<Response | undefined> {
  const { root, names } = job;
  const found = await lookUpInside(root, names);
  if (found?.info.isDirectory) return await directoryResponse(job, found);
  return found && !job.slash ? await fileAt(job, names, found) : undefined;
}

async function directoryResponse(
  job: Job,
  directory: Found,
): Promise<Response | undefined> {
  const { options, root, names, above } = job;
  const indexNames = [...names, "index.html"];
  const index = options.showIndex !== false
    ? await lookUpInside(root, indexNames)
    : undefined;
  const hasIndex = index?.info.isFile === true;
  if (!hasIndex && !options.showDirListing) return undefined;
  if (!job.slash) {
    // Made of names, none of them empty, so it cannot lead to another host.
    const location = formatPath([...above, ...names], true) + job.query;
    return new Response(null, { status: 301, headers: { location } });
  }
  return hasIndex
    ? await fileAt(job, indexNames, index)
    : await listingResponse(job, directory);
}

async function listingResponse(job: Job, directory: Found): Promise<Response> {
  const { root, names, above, query } = job;
  const dotfiles = job.options.dotfiles ?? false;
  const content = await readDirectory(directory, { root, names, dotfiles });
  const page = renderListing({
    ...content,
    names: [...above, ...names],
    above: above.length,
    query,
  });
  const body = new TextEncoder().encode(page);
  return new Response(job.request.method === "HEAD" ? null : body, {
    headers: {
      "content-length": String(body.length),
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'",
      "content-type": "text/html; charset=UTF-8",
      "x-content-type-options": "nosniff",
    },
  });
}

/** Answers with the page of a single-page application, if one is asked for. */
async function fallback(job: Job): Promise<Response | undefined> {
  const { options, request, names } = job;
  if (options.fallback === undefined) return undefined;
  const accept = request.headers.get("accept") ?? "*/*";
  const wanted = /(?:^|,)[ \t]*text\/html/i.test(accept) ||
    accept.includes("*/*") && !names.at(-1)?.includes(".");
  return wanted
    ? await fileAt(job, fileNames("fallback", options.fallback))
    : undefined;
}

async function notFound(job: Job): Promise<Response> {
  const { options, request, root } = job;
  if (options.notFound === undefined) return textResponse(request, 404);
  const names = fileNames("notFound", options.notFound);
  const response = await fileResponse(request, {
    find: () => lookUpInside(root, names),
    name: names.at(-1) ?? "",
    status: 404,
    cacheControl: undefined,
  });
  return response ?? textResponse(request, 404);
}

function fileAt(
  { request, options, root }: Job,
  names: readonly string[],
  found?: Found,
): Promise<Response | undefined> {
  const name = names.at(-1) ?? "";
  const parent = names.slice(0, -1);
  return fileResponse(request, {
    find: () => lookUpInside(root, names),
    name,
    cacheControl: options.cacheControl,
    sibling: options.precompressed === false
      ? undefined
      : (extension) => lookUpInside(root, [...parent, name + extension]),
  }, found);
}

/** The names of `urlRoot`. */
function prefixOf(path: string): readonly string[] {
  if (path === "" || path === "/") return [];
  const parsed = parsePath(path.startsWith("/") ? path : `/${path}`, WINDOWS);
  if (typeof parsed === "number") {
    throw new TypeError(
      `Cannot serve a directory: urlRoot is "${path}", expected the path of a URL`,
    );
  }
  return parsed.names;
}

/** The names of a file that an option tells by its path below the root. */
function fileNames(option: string, path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.length === 0 || !names.every((name) => isServable(name, WINDOWS))) {
    throw new TypeError(
      `Cannot serve a directory: ${option} is "${path}", ` +
        "expected the path of a file below fsRoot",
    );
  }
  return names;
}

function startsWith(
  names: readonly string[],
  prefix: readonly string[],
): boolean {
  return prefix.every((name, i) => names[i] === name);
}
