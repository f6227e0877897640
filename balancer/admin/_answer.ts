/**
 * The answers of the admin API, with what keeps a browser from misusing them.
 *
 * @module
 */

/** On every answer. */
const HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Header fields by their names in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** An answer with a body of a type. */
export function answer(
  type: string,
  body: string | ReadableStream<Uint8Array>,
  init: { status?: number; headers?: Headers } = {},
): Response {
  return new Response(body as BodyInit, {
    status: init.status ?? 200,
    headers: { ...HEADERS, "content-type": type, ...init.headers },
  });
}

/** An answer in JSON. */
export function json(
  value: unknown,
  init: { status?: number; headers?: Headers } = {},
): Response {
  // What `JSON.stringify` has no text for is nothing.
  return answer("application/json", JSON.stringify(value) ?? "null", init);
}

/** An answer without a body. */
export function nothing(): Response {
  return new Response(null, { status: 204, headers: HEADERS });
}

/**
 * Says why a request is refused.
 *
 * @param status From 400 on.
 * @param error A stable name, in snake case.
 * @param message A sentence for people.
 */
export function refusal(
  status: number,
  error: string,
  message: string,
  headers: Headers = {},
): Response {
  return json({ error, message }, { status, headers });
}
