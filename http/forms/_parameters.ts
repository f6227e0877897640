// The parameters behind a media type or a disposition (RFC 9110 §5.6.6).

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const SEPARATOR = /[ \t]*;[ \t]*/y;
const ESCAPE: ReadonlySet<string> = new Set(['\\"', "\\\\"]);
const PADDING = /[ \t]*/y;

/** A value with parameters: `text/html; charset=utf-8`. */
export interface ParameterizedValue {
  /** What is in front of the first semicolon, in lower case. */
  value: string;
  /** The parameters; names in lower case. */
  parameters: Map<string, string>;
}

/** Parses `text`; `undefined` if it is malformed or names a parameter twice. */
export function parseParameterized(
  text: string,
): ParameterizedValue | undefined {
  const head = /^[ \t]*([^;"\s]+)/.exec(text);
  if (head === null) return undefined;
  const parameters = new Map<string, string>();
  let at = head[0].length;
  for (;;) {
    const separator = match(SEPARATOR, text, at);
    if (separator === undefined) break;
    at += separator.length;
    if (at === text.length) break; // a last semicolon without parameter
    const name = match(TOKEN, text, at)?.toLowerCase();
    if (name === undefined || parameters.has(name)) return undefined;
    at += name.length;
    if (text[at++] !== "=") return undefined;
    const value = text[at] === '"' ? quoted(text, at) : plain(text, at);
    if (value === undefined) return undefined;
    parameters.set(name, value.text);
    at = value.end;
  }
  at += match(PADDING, text, at)?.length ?? 0;
  if (at !== text.length) return undefined;
  return { value: head[1]!.toLowerCase(), parameters };
}

interface Value {
  text: string;
  end: number;
}

function plain(text: string, at: number): Value | undefined {
  const value = match(TOKEN, text, at);
  return value === undefined
    ? undefined
    : { text: value, end: at + value.length };
}

// A quote may be escaped by a backslash; but browsers send backslashes as they
// are, so one in front of the last quote may as well be the value's last
// character. What stands behind the quote tells.
function quoted(text: string, at: number): Value | undefined {
  for (const escapes of [true, false]) {
    let end = at + 1;
    while (end < text.length && text[end] !== '"') {
      end += escapes && ESCAPE.has(text.slice(end, end + 2)) ? 2 : 1;
    }
    if (end >= text.length || !/^[ \t]*(?:;|$)/.test(text.slice(end + 1))) {
      continue;
    }
    const raw = text.slice(at + 1, end);
    return {
      text: escapes ? raw.replace(/\\(["\\])/g, "$1") : raw,
      end: end + 1,
    };
  }
  return undefined;
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
