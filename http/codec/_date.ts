/**
 * The `Date` field, RFC 9110 §6.6.1.
 *
 * @module
 */

/**
 * Makes the lines of the `Date` field, one a second.
 *
 * The result is for connections that share a clock: it keeps its line until that
 * clock has moved on, because `Date.now()` would have to be asked for each
 * response, and the connection's clock has been asked anyway.
 *
 * @param date Gives the value instead, each time.
 * @returns Takes the time on the connections' clock, and gives the line.
 */
export function dateLines(date?: () => string): (now: number) => string {
  if (date !== undefined) return () => `Date: ${date()}\r\n`;
  // While the clock is between these, the line is right.
  let from = Infinity;
  let until = -Infinity;
  let line = "";
  return (now) => {
    if (now >= from && now < until) return line;
    const time = Date.now();
    from = now;
    until = now + 1000 - time % 1000;
    return line = `Date: ${new Date(time).toUTCString()}\r\n`;
  };
}
