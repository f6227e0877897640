/**
 * The `Date` field, RFC 9110 §6.6.1.
 *
 * @module
 */

// While the connection's clock is between these, the line is right.
let from = Infinity;
let until = -Infinity;
let line = "";

/**
 * The line of the `Date` field, made once a second.
 *
 * @param now The time on the connection's clock, which has been asked anyway.
 */
export function dateLine(now: number): string {
  if (now >= from && now < until) return line;
  const time = Date.now();
  from = now;
  until = now + 1000 - time % 1000;
  return line = `Date: ${new Date(time).toUTCString()}\r\n`;
}
