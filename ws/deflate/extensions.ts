/**
 * Reading `Sec-WebSocket-Extensions`, RFC 6455 §9.1.
 *
 * @module
 */

import { trimSpace } from "../../http/codec/field_rules.ts";
import { isToken, TCHAR } from "../handshake/token.ts";

/** One extension of a list. */
export interface Extension {
  /** Its name, in the case in which it came. */
  name: string;
  /**
   * Its parameters, names and values in the order in which they came; one without
   * a value has `undefined`. A name may be there more than once.
   */
  parameters: [name: string, value: string | undefined][];
}

const PARAMETER = new RegExp(
  `^(${TCHAR}+)(?:[ \\t]*=[ \\t]*(?:(${TCHAR}+)|"((?:\\\\?${TCHAR})+)"))?$`,
);

/**
 * Parses the value of the field. Several fields are one, joined by commas, which
 * is what `Fields.get` gives.
 *
 * A quoted value must be a token once it is unquoted, so no comma and no semicolon
 * is ever anything but a separator. Empty members of the list are ignored, RFC
 * 9110 §5.6.1.2.
 *
 * @param value The value.
 * @returns The extensions in order, or `undefined` if the value breaks the grammar
 * or has no member.
 *
 * @example An offer with a fallback
 * ```ts
 * import { parseExtensions } from "./extensions.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseExtensions('a; bits="10", a; plain'), [
 *   { name: "a", parameters: [["bits", "10"]] },
 *   { name: "a", parameters: [["plain", undefined]] },
 * ]);
 * assertEquals(parseExtensions("a; bits="), undefined);
 * ```
 */
export function parseExtensions(value: string): Extension[] | undefined {
  const extensions: Extension[] = [];
  for (const part of value.split(",")) {
    const member = trimSpace(part);
    if (member === "") continue;
    const extension = parseExtension(member);
    if (extension === undefined) return undefined;
    extensions.push(extension);
  }
  return extensions.length > 0 ? extensions : undefined;
}

function parseExtension(member: string): Extension | undefined {
  const [name, ...rest] = member.split(";").map(trimSpace);
  if (!isToken(name!)) return undefined;
  const extension: Extension = { name: name!, parameters: [] };
  for (const text of rest) {
    const found = PARAMETER.exec(text);
    if (found === null) return undefined;
    const value = found[2] ?? found[3]?.replaceAll("\\", "");
    extension.parameters.push([found[1]!, value]);
  }
  return extension;
}
