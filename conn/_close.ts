/**
 * Closing, where it no longer matters how.
 *
 * @module
 */

import type { Transport } from "./transport.ts";

/** Closes a transport that may be closed already. */
export function closeQuietly(transport: Transport): void {
  try {
    transport.close();
  } catch {
    // It is closed already, which is what was wanted.
  }
}
