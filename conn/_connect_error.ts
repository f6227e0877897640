/**
 * What went wrong while connecting, in one type.
 *
 * @module
 */

import { ConnError } from "./error.ts";

/** Says why a connection could not be made. */
export function connectError(name: string, cause: unknown): ConnError {
  if (cause instanceof ConnError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const code = connectCode(cause, text);
  const local = cause instanceof TypeError || cause instanceof URIError ||
    cause instanceof Deno.errors.NotCapable;
  return new ConnError(`Cannot connect to "${name}": ${text}`, {
    code,
    side: local ? "local" : "transport",
    cause,
  });
}

function connectCode(cause: unknown, text: string): string {
  if (cause instanceof Deno.errors.ConnectionRefused) return "connect_refused";
  if (cause instanceof Deno.errors.TimedOut) return "connect_timeout";
  // A failed look-up has no error class of its own.
  if (cause instanceof URIError || text.includes("lookup address")) {
    return "dns_failed";
  }
  return "connect_failed";
}

/** Says why TLS could not be started. */
export function tlsError(hostname: string, cause: unknown): ConnError {
  if (cause instanceof ConnError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new ConnError(`Cannot start TLS with "${hostname}": ${text}`, {
    code: "tls_failed",
    side: "transport",
    cause,
  });
}
