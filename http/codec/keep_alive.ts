/**
 * The `Keep-Alive` field, which RFC 2068 §19.7.1.1 had and servers still send.
 *
 * @module
 */

import type { Fields } from "./fields.ts";

/**
 * How long a server says that it keeps an idle connection, in milliseconds.
 *
 * @returns `undefined` if it does not say.
 */
export function announcedIdle(fields: Fields): number | undefined {
  const value = fields.get("keep-alive");
  if (value === undefined) return undefined;
  const seconds = /(?:^|[,;\s])timeout=(\d{1,9})/i.exec(value)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
