/**
 * What may be sent as `Host`.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";

/** What `Host` may be, RFC 9110 §7.2. */
const AUTHORITY =
  /^(?:\[[0-9A-Za-z:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(?::[0-9]*)?$/;

/** Whether a text can be sent as `Host`: a host, with or without a port. */
export function isHostField(text: string): boolean {
  return AUTHORITY.test(text);
}

/**
 * Checks what is to be sent as `Host`.
 *
 * @param host The host, with or without a port.
 * @throws {ConnError} With code `"bad_host"`.
 */
export function checkHost(host: string): void {
  if (isHostField(host)) return;
  throw new ConnError(
    `Cannot use ${
      JSON.stringify(host)
    } as the "Host": expected a host, with or without a port`,
    { code: "bad_host", side: "local", reply: 400 },
  );
}
