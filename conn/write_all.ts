/**
 * Writing to a transport that no connection runs on yet.
 *
 * @module
 */

import type { Transport } from "./transport.ts";

/** Writes all of `bytes`. */
export async function writeAll(
  transport: Transport,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await transport.write(bytes.subarray(sent));
  }
}
