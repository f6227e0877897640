// What goes wrong while messages are compressed and decompressed.

import { ConnError } from "../../conn/error.ts";

/** The message is over its limit; what it would have come to is not known. */
export function inflatedTooLarge(): ConnError {
  return new ConnError(
    "Cannot take the message: it is over its limit once it is decompressed",
    { code: "message_too_large", side: "remote", reply: 1009 },
  );
}

/** The peer sent what is not DEFLATE. */
export function notDeflate(what: string, cause?: unknown): ConnError {
  return new ConnError(
    `Cannot decompress the message: "${what}", expected DEFLATE`,
    { code: "deflate_invalid", side: "remote", reply: 1007, cause },
  );
}

/** A message comes after its connection has closed, or failed. */
export function contextClosed(): ConnError {
  return new ConnError(
    "Cannot use the context of compression: it is closed",
    { code: "closed", side: "local" },
  );
}
