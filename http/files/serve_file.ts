/**
 * Answering requests with one file.
 *
 * @module
 */

import {
  addHeaders,
  fileResponse,
  methodResponse,
  textResponse,
} from "./_file_response.ts";
import { isDenied, lookUpAnywhere, toPath } from "./_resolve.ts";

/** Options of {@linkcode serveFile}. */
export interface ServeFileOptions {
  /** `Cache-Control` of the file. Default: none. */
  cacheControl?: string;
  /**
   * Whether `file.br` or `file.gz` is sent in place of `file` to a client that
   * accepts it, if it is not older than `file`, and smaller. Default: `true`.
   */
  precompressed?: boolean;
  /** Fields for each response, in place of those of the same name. */
  headers?: HeadersInit;
}

/**
 * Answers a request with the file at `path`, whatever the request's URL: with
 * its content type, validators, conditions (RFC 9110 §13), ranges (§14) and
 * compressed siblings. Symbolic links are followed, as the path is the program's
 * own choice; for paths that come from a request use {@linkcode serveDir}.
 *
 * 404 if there is no such file, 403 if the system does not let this process read
 * it, 405 for methods other than GET, HEAD and OPTIONS. A file that shrinks while
 * it is sent makes the body fail. Needs permission to read the path.
 *
 * @example Answering each request with the same file
 * ```ts no-assert
 * import { serveFile } from "@meerkat/net/http";
 *
 * const handler = (request: Request): Promise<Response> =>
 *   serveFile(request, "./maintenance.html", { cacheControl: "no-store" });
 * ```
 *
 * @param request A request.
 * @param path Path of the file, or its `file:` URL.
 * @param options Caching, compressed siblings, further fields.
 * @returns The response.
 */
export async function serveFile(
  request: Request,
  path: string | URL,
  options: ServeFileOptions = {},
): Promise<Response> {
  const response = methodResponse(request) ??
    await answer(request, toPath(path), options);
  return addHeaders(response, options.headers);
}

async function answer(
  request: Request,
  path: string,
  options: ServeFileOptions,
): Promise<Response> {
  try {
    const response = await fileResponse(request, {
      find: () => lookUpAnywhere(path),
      name: path,
      cacheControl: options.cacheControl,
      sibling: options.precompressed === false
        ? undefined
        : (extension) => lookUpAnywhere(path + extension),
    });
    return response ?? textResponse(request, 404);
  } catch (error) {
    if (isDenied(error)) return textResponse(request, 403);
    throw error;
  }
}
