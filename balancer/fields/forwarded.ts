/**
 * The field `Forwarded`, RFC 7239.
 *
 * @module
 */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** `token "=" ( token / quoted-string )`, RFC 7239 §4. */
const PAIR =
  /([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)")/y;

/** Writes a value as a token if it can be one, otherwise as a quoted string. */
export function forwardedValue(text: string): string {
  return TOKEN.test(text) ? text : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/**
 * Writes an address as the node of `for`, RFC 7239 §6: IPv6 in brackets and
 * quotes.
 *
 * @param address In canonical form; `""` if it is not known.
 */
export function forwardedNode(address: string): string {
  if (address === "") return "unknown";
  return address.includes(":") ? `"[${address}]"` : address;
}

/**
 * Reads the nodes of `for`, oldest first.
 *
 * @param value The values of all `Forwarded` fields, joined.
 * @returns A node for each element, unquoted, `""` where an element has none;
 * `undefined` if the value is malformed: who appends to it may be part of a
 * string that was never closed.
 */
export function forwardedFor(value: string): string[] | undefined {
  const nodes: string[] = [];
  let at = 0;
  for (;;) {
    at = skip(value, at);
    const element = readElement(value, at);
    if (element === undefined) return undefined;
    nodes.push(element.node);
    at = skip(value, element.end);
    if (at === value.length) return nodes;
    if (value[at++] !== ",") return undefined;
  }
}

/** Reads pairs with semicolons between; a name may come once, RFC 7239 §4. */
function readElement(
  value: string,
  start: number,
): { node: string; end: number } | undefined {
  const seen: string[] = [];
  let node = "";
  let at = start;
  for (;;) {
    PAIR.lastIndex = at;
    const pair = PAIR.exec(value);
    if (pair === null) return undefined;
    const name = pair[1]!.toLowerCase();
    if (seen.includes(name)) return undefined;
    seen.push(name);
    if (name === "for") node = pair[2] ?? pair[3]!.replace(/\\(.)/g, "$1");
    at = PAIR.lastIndex;
    if (value[at] !== ";") return { node, end: at };
    at++;
  }
}

function skip(text: string, at: number): number {
  while (text[at] === " " || text[at] === "\t") at++;
  return at;
}
