/**
 * Which proxy a request goes through, and what it is told: a pure policy.
 *
 * @module
 */

import { isAddress } from "../../conn/addr.ts";
import { ConnError } from "../../conn/error.ts";

/** A proxy between the client and the origins. */
export interface Proxy {
  /**
   * How it is spoken to: `"http"` in the clear, `"https"` inside TLS (for `http:`
   * origins only), `"socks5"` (RFC 1928).
   */
  kind: "http" | "https" | "socks5";
  /** Its host name or address. */
  hostname: string;
  /** Its port. */
  port: number;
  /** The user to log in as. */
  username?: string;
  /** That user's password. */
  password?: string;
}

const DEFAULT_PORTS = { http: 80, https: 443, socks5: 1080 };

/**
 * Reads a proxy's URL: `http://`, `https://`, `socks5://` or `socks5h://`. Names
 * are always resolved by the SOCKS proxy, so the last two mean the same.
 *
 * @param url The URL, with user information if the proxy wants a login.
 * @returns The proxy.
 * @throws {ConnError} With code `"proxy_invalid"`.
 *
 * @example A proxy with a login
 * ```ts
 * import { parseProxy } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseProxy("socks5://me:p%40ss@proxy.test"), {
 *   kind: "socks5",
 *   hostname: "proxy.test",
 *   port: 1080,
 *   username: "me",
 *   password: "p@ss",
 * });
 * ```
 */
export function parseProxy(url: string): Proxy {
  const scheme = /^(https?|socks5h?):\/\//i.exec(url)?.[1]?.toLowerCase();
  // URL treats only http and https as having a host in the usual sense.
  const parsed = scheme === undefined
    ? null
    : URL.parse("http" + url.slice(scheme.length));
  if (scheme === undefined || parsed === null) {
    throw new ConnError(
      `Cannot use the proxy "${
        withoutPassword(url)
      }": expected an http, https or socks5 URL`,
      { code: "proxy_invalid", side: "local" },
    );
  }
  const kind = scheme === "socks5h" ? "socks5" : scheme as Proxy["kind"];
  const written = /^[^/?#]*:(\d+)(?:[/?#]|$)/.exec(
    url.slice(scheme.length + 3).replace(/^[^/?#]*@/, ""),
  )?.[1];
  return {
    kind,
    hostname: unbracket(parsed.hostname),
    port: written === undefined ? DEFAULT_PORTS[kind] : Number(written),
    ...(parsed.username !== "" && {
      username: unescaped(parsed.username),
      password: unescaped(parsed.password),
    }),
  };
}

/**
 * Tells whether a host is exempt from the proxy.
 *
 * @param host The host's name or address.
 * @param port The port.
 * @param rules Names (`example.test`, which covers its subdomains), names with a
 * port (`example.test:8080`), addresses, or `*` for everything.
 * @returns Whether to go there directly.
 */
export function bypassesProxy(
  host: string,
  port: number,
  rules: readonly string[],
): boolean {
  const name = unbracket(host.toLowerCase()).replace(/\.$/, "");
  for (const rule of rules) {
    if (rule === "*") return true;
    const { name: wanted, port: wantedPort } = parseRule(rule);
    if (wantedPort !== undefined && wantedPort !== port) continue;
    if (name === wanted) return true;
    if (name.endsWith(`.${wanted}`) && !isAddress(name)) return true;
  }
  return false;
}

/**
 * The value of `Proxy-Authorization` (RFC 7617), if the proxy wants a login.
 *
 * @param proxy The proxy.
 * @returns The field's value, or `undefined`.
 */
export function proxyAuthorization(proxy: Proxy): string | undefined {
  if (proxy.username === undefined) return undefined;
  return basic(proxy.username, proxy.password ?? "");
}

/** The value of `Authorization` for a user and a password, as UTF-8. */
export function basic(username: string, password: string): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `Basic ${btoa(binary)}`;
}

/** Percent-decodes; what is no valid escape stays as it is. */
export function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Takes the brackets off an IPv6 address. */
export function unbracket(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function parseRule(rule: string): { name: string; port?: number } {
  const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(rule);
  const host = unbracket((match?.[1] ?? rule).toLowerCase());
  const name = host.replace(/^\*?\./, "").replace(/\.$/, "");
  return match ? { name, port: Number(match[2]) } : { name };
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//");
}
