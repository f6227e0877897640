/**
 * Sending a client to a backend in place of asking the backend for it.
 *
 * @module
 */

import { formatHostPort } from "../../conn/addr.ts";
import type { Endpoint } from "../config/settings.ts";

/**
 * Makes the `Location` that sends a client to a backend.
 *
 * @param endpoint Where the backend is.
 * @param target The target as the backend would get it.
 * @returns An absolute URL, without the port if it is the scheme's own.
 * `undefined` for a Unix socket, where no client can be sent.
 */
export function redirectLocation(
  endpoint: Endpoint,
  target: string,
): string | undefined {
  if ("path" in endpoint) return undefined;
  const { hostname, port, tls } = endpoint;
  const usual = port === (tls ? 443 : 80);
  const authority = formatHostPort(hostname, port);
  const origin = usual ? authority.replace(/:[0-9]+$/, "") : authority;
  return `${tls ? "https" : "http"}://${origin}${target === "*" ? "" : target}`;
}
