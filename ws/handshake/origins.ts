/**
 * Which pages may open a WebSocket.
 *
 * @module
 */

/**
 * Says whether a request with this `Origin` may open a WebSocket; `undefined` if
 * it has none, as is usual for programs that are no browsers.
 */
export type OriginCheck = (origin: string | undefined) => boolean;

/** Options of {@linkcode allowOrigins}. */
export interface AllowOriginsOptions {
  /**
   * Whether to refuse requests without `Origin`. Browsers always send one, so
   * this keeps nothing out but programs that can send any they like.
   *
   * @default {false}
   */
  required?: boolean;
}

/** An origin, taken apart. */
interface Origin {
  readonly scheme: string;
  /** The host in lower case; empty for `file://`. */
  readonly host: string;
  /** Empty for the scheme's default one. */
  readonly port: string;
}

/** `scheme://host[:port]`, RFC 6454 §6.2, with nothing behind. */
const ORIGIN = /^([a-z][a-z0-9+.\-]*):\/\/([^\s,/?#@\\]*)$/i;

function parseOrigin(text: string): Origin | undefined {
  const match = ORIGIN.exec(text);
  if (match === null || !URL.canParse(text)) return undefined;
  const { hostname, port } = new URL(text);
  const scheme = match[1]!.toLowerCase();
  if (hostname === "" && scheme !== "file") return undefined;
  // The parser leaves the case of hosts alone in schemes that it does not know.
  return { scheme, host: hostname.toLowerCase(), port };
}

const WILDCARD = "://*.";

/** What one entry of the list lets through. */
function parseEntry(entry: string): (origin: Origin) => boolean {
  const isWild = entry.includes(WILDCARD);
  const allowed = parseOrigin(entry.replace(WILDCARD, "://"));
  if (
    allowed === undefined || allowed.host.includes("*") ||
    (isWild && allowed.host === "")
  ) {
    throw new RangeError(
      `Cannot allow the origin ${
        JSON.stringify(entry)
      }: expected "https://a.test", "https://a.test:8443", "https://*.a.test" or "null"`,
    );
  }
  const { scheme, host, port } = allowed;
  const suffix = `.${host}`;
  return (origin) =>
    origin.scheme === scheme && origin.port === port &&
    (isWild
      ? origin.host.endsWith(suffix) && origin.host !== suffix
      : origin.host === host);
}

/**
 * Makes the check that keeps other sites' pages from opening a WebSocket with
 * the cookies of their visitor, RFC 6455 §10.2.
 *
 * An entry is an origin, `https://a.test` or `http://localhost:8000`; or one with
 * any subdomain, at any depth, `https://*.a.test`, which is not the domain
 * itself; or `null`, which is what files and sandboxed frames send. Upper and
 * lower case are the same, and so are a scheme's default port and none.
 *
 * A list in the `origins` option of a server stands for `allowOrigins(list)`.
 *
 * @param allowed The origins.
 * @param options What to do with requests that have none.
 * @returns The check.
 * @throws {RangeError} If an entry is none of those.
 *
 * @example A site and its subdomains
 * ```ts
 * import { allowOrigins } from "@meerkat/net/ws";
 * import { assert, assertFalse } from "@std/assert";
 *
 * const check = allowOrigins(["https://a.test", "https://*.a.test"]);
 * assert(check("https://a.test"));
 * assert(check("https://www.a.test"));
 * assert(check(undefined));
 * assertFalse(check("https://evil-a.test"));
 * assertFalse(check("http://a.test"));
 * ```
 */
export function allowOrigins(
  allowed: readonly string[],
  options: AllowOriginsOptions = {},
): OriginCheck {
  const { required = false } = options;
  const entries = allowed.filter((entry) => entry !== "null").map(parseEntry);
  const allowsNull = allowed.includes("null");
  return (text) => {
    if (text === undefined) return !required;
    if (text === "null") return allowsNull;
    const origin = parseOrigin(text);
    return origin !== undefined && entries.some((allows) => allows(origin));
  };
}
