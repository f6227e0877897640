/**
 * Where a WebSocket leads to, RFC 6455 §3.
 *
 * @module
 */

/**
 * Reads the URL of a WebSocket. `http:` and `https:` stand for `ws:` and `wss:`.
 *
 * @param text The URL.
 * @returns The URL, whose scheme is `ws:` or `wss:`, or what was expected.
 */
export function readWsUrl(text: string): URL | string {
  const url = URL.parse(text);
  if (url === null) return "an absolute URL";
  if (url.protocol === "http:") url.protocol = "ws:";
  else if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    return "the scheme ws, wss, http or https";
  }
  // An empty fragment is one, and `hash` does not show it.
  return url.href.includes("#") ? "no fragment" : url;
}

/**
 * Makes of a URL what may stand in a message: a login is nobody's business.
 *
 * @param text What was taken for a URL.
 * @returns The URL without its user information; or, where nobody can tell where
 * that ends, what is behind the last `@`.
 */
export function withoutLogin(text: string): string {
  if (!text.includes("@")) return text;
  const url = URL.parse(text);
  // Only the host tells: without one, all that looks like a login is the path.
  if (url === null || url.host === "") {
    return text.slice(text.lastIndexOf("@") + 1);
  }
  url.username = url.password = "";
  return url.href;
}
