/**
 * Addresses, for people.
 *
 * @module
 */

/** Writes an address as one writes it in a URL: `127.0.0.1:80`, `[::1]:80`, a path. */
export function formatAddr(addr: Deno.Addr): string {
  if ("hostname" in addr) return formatHostPort(addr.hostname, addr.port);
  if ("path" in addr) return addr.path || "unix";
  return `${addr.cid}:${addr.port}`;
}

/** Joins a host and a port; an IPv6 address gets brackets. */
export function formatHostPort(hostname: string, port: number): string {
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

/**
 * Whether a host is an address, without brackets, and no name: no name has a colon,
 * or four numbers for its labels.
 */
export function isAddress(hostname: string): boolean {
  return hostname.includes(":") || /^\d+(\.\d+){3}$/.test(hostname);
}
