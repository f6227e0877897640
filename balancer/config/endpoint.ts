/**
 * Where a backend is, as it is written.
 *
 * @module
 */

import { parseAddress } from "../fields/ip.ts";
import type { Endpoint } from "./settings.ts";

/** What {@linkcode parseEndpoint} expects, for messages. */
export const ADDRESS_FORMS =
  '"host:port", "http://host:port", "https://host:port" or "unix:/path"';

/**
 * Reads the address of a backend.
 *
 * @param address `"host:port"`, `"http://host:port"`, `"https://host:port"` or
 * `"unix:/path"`; an IPv6 address is in brackets.
 * @returns Where it is, or `undefined` if it is none of these.
 */
export function parseEndpoint(address: string): Endpoint | undefined {
  const path = /^unix:(\/[^\0]*)$/.exec(address)?.[1];
  if (path !== undefined) return { path };
  const [, scheme, host, digits] =
    /^(https?:\/\/)?(\[[^\]]*:[^\]]*\]|[\w.-]+):(\d{1,5})$/i.exec(address) ??
      [];
  const hostname = host === undefined ? undefined : readHost(host);
  const port = Number(digits);
  if (hostname === undefined || port < 1 || port > 65535) return undefined;
  return { hostname, port, tls: scheme?.toLowerCase() === "https://" };
}

/** Checks a host name or an address; takes the brackets off. */
function readHost(host: string): string | undefined {
  if (!host.startsWith("[")) return isHostName(host) ? host : undefined;
  const address = host.slice(1, -1);
  return parseAddress(address) === undefined ? undefined : address;
}

/**
 * Whether a text can be a host's name: labels of letters, digits, `-` and `_` (as
 * the names of containers have), RFC 1123 §2.1 but for that. IPv4 addresses are
 * among them.
 */
export function isHostName(name: string): boolean {
  return name.length <= 253 &&
    /^\w([\w-]{0,61}\w)?(\.\w([\w-]{0,61}\w)?)*\.?$/.test(name);
}
