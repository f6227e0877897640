// What does not pass from one connection to the next, whoever sent it.

import { ConnError } from "../../conn/error.ts";

/**
 * Fields that stay behind in both directions, beyond those that
 * `relayFields` always leaves (`Connection` and what it names, `Keep-Alive`,
 * `Transfer-Encoding`, `Upgrade`).
 *
 * `Proxy-Authenticate` and `Proxy-Authorization` are between a client and a proxy
 * that it chose, RFC 9110 §11.7; a backend is neither. `Trailer` passes, as
 * trailers do: RFC 9110 §6.6.2 does not count it among these any more.
 */
export const HOP_BY_HOP: readonly string[] = [
  "http2-settings",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
];

/** Lines of `Via`, RFC 9110 §7.6.3, by the version of what was received. */
export interface ViaLines {
  readonly "1.0": string;
  readonly "1.1": string;
}

/** Whether a name can be in `Via`: a token, with or without a port. */
export function isReceivedBy(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?::[0-9]{1,5})?$/.test(name);
}

/**
 * Makes the lines of `Via`.
 *
 * @param name The name of this proxy: a token, or `host:port`.
 * @throws {ConnError} With code `"bad_via"`.
 */
export function viaLines(name: string | false): ViaLines {
  if (name === false) return { "1.0": "", "1.1": "" };
  if (!isReceivedBy(name)) {
    throw new ConnError(
      `Cannot use ${
        JSON.stringify(name)
      } as the name in "Via": expected a token`,
      { code: "bad_via", side: "local" },
    );
  }
  return { "1.0": `Via: 1.0 ${name}\r\n`, "1.1": `Via: 1.1 ${name}\r\n` };
}
