/**
 * Which host a request is for.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import { refusal } from "../../http/codec/refusals.ts";
import type { RequestHead } from "../../http/codec/message.ts";

const SLASH = 0x2f;

/** What `Host` may be, RFC 9110 §7.2. */
const AUTHORITY =
  /^(?:\[[0-9A-Za-z:.]+\]|[0-9A-Za-z\-._~!$&'()*+,;=%]+)(?::[0-9]*)?$/;

/**
 * The host that a request is for, with the port if it has one: what routing must
 * look at, and what a backend must get. A target in absolute-form says it, and
 * `Host` does not count then, RFC 9112 §3.2.2.
 *
 * @param head The request.
 * @returns The host; `""` if an HTTP/1.0 client did not say.
 * @throws {ConnError} With code `"bad_host"` and reply 400 if the target has no
 * host that could be sent on.
 */
export function requestHost(head: RequestHead): string {
  const { target } = head;
  if (target.charCodeAt(0) === SLASH || target === "*") {
    return head.fields.get("host") ?? "";
  }
  const scheme = target.indexOf("://");
  const from = scheme === -1 ? 0 : scheme + 3;
  let to = from;
  while (to < target.length && !"/?".includes(target[to]!)) to++;
  const host = target.slice(from, to);
  if (!AUTHORITY.test(host)) throw refusal("bad_host");
  return host;
}

/**
 * Checks what is to be sent as `Host`.
 *
 * @param host The host, with or without a port.
 * @throws {ConnError} With code `"bad_host"`.
 */
export function checkHost(host: string): void {
  if (AUTHORITY.test(host)) return;
  throw new ConnError(
    `Cannot use ${
      JSON.stringify(host)
    } as the "Host": expected a host, with or without a port`,
    { code: "bad_host", side: "local" },
  );
}
