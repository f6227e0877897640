// The header section of a part of a multipart form (RFC 7578 §4.2).

import { badMultipart } from "./_form_head.ts";
import { parseParameterized } from "./_parameters.ts";
import type { Fields } from "../codec/fields.ts";

/** What a part's header section says. */
export interface PartHead {
  name: string;
  filename?: string;
  fields: Fields;
}

/** Adds a header line, without its end, to `fields`. */
export function readPartField(line: Uint8Array, fields: Fields): void {
  // Fields hold a character for each byte, like those of a message.
  const text = Array.from(line, (byte) => String.fromCharCode(byte)).join("");
  const [, name, value] = FIELD_LINE.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw badMultipart("a header line is malformed");
  }
  let end = value.length;
  while (end > 0 && " \t".includes(value[end - 1]!)) end--;
  fields.append(name, value.slice(0, end));
}

// RFC 9112 §5: no space before the colon, no control characters, not folded.
const FIELD_LINE =
  // deno-lint-ignore no-control-regex
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)$/;

/** Reads a part's names out of its complete header section. */
export function readPartHead(fields: Fields): PartHead {
  const values = fields.getAll("content-disposition");
  const [value = ""] = values;
  const disposition = parseParameterized(utf8(value));
  const name = disposition?.parameters.get("name");
  if (
    values.length !== 1 || disposition?.value !== "form-data" ||
    name === undefined
  ) {
    throw badMultipart(
      'a part has not one "Content-Disposition: form-data" with a name',
    );
  }
  const encoding = fields.get("content-transfer-encoding");
  if (encoding !== undefined && !/^(?:7bit|8bit|binary)$/i.test(encoding)) {
    // RFC 7578 §4.7: not to be sent. The bytes are not what they would seem.
    throw badMultipart(`a part has the transfer encoding "${encoding}"`);
  }
  const filename = disposition.parameters.get("filename");
  return filename === undefined
    ? { name: unescape(name), fields }
    : { name: unescape(name), filename: unescape(filename), fields };
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

function utf8(latin1: string): string {
  return UTF8.decode(Uint8Array.from(latin1, (c) => c.charCodeAt(0)));
}

// HTML §4.10.22.8: a browser escapes these three, and nothing else.
const ESCAPES: Readonly<Record<string, string>> = {
  "%0D": "\r",
  "%0A": "\n",
  "%22": '"',
};

function unescape(text: string): string {
  return text.replace(/%(?:0D|0A|22)/gi, (c) => ESCAPES[c.toUpperCase()]!);
}
