// Reading and checking lists of subprotocols, RFC 6455 §4.1 and §11.3.4.

import { ConnError } from "../../conn/error.ts";
import { trimSpace } from "../../http/codec/field_rules.ts";
import { isToken } from "./token.ts";

/** The members of a list. RFC 9110 §5.6.1.2 has empty ones ignored. */
function members(value: string): string[] {
  return value.split(",").map(trimSpace).filter((member) => member !== "");
}

/**
 * Reads a list of subprotocols.
 *
 * @returns `undefined` if it is empty, has what is no token, or anything twice:
 * RFC 6455 §4.1.
 */
export function readProtocols(value: string): string[] | undefined {
  const protocols = members(value);
  return protocols.length > 0 && firstWrong(protocols) === undefined
    ? protocols
    : undefined;
}

/** The first that is no token, or is there a second time. */
function firstWrong(protocols: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const protocol of protocols) {
    if (!isToken(protocol) || seen.has(protocol)) return protocol;
    seen.add(protocol);
  }
  return undefined;
}

/**
 * Checks subprotocols that the program wants to speak.
 *
 * @throws {ConnError} With code `"subprotocol_invalid"`.
 */
export function checkProtocols(protocols: readonly string[]): void {
  const wrong = firstWrong(protocols);
  if (wrong === undefined) return;
  throw new ConnError(
    `Cannot use the subprotocol ${
      JSON.stringify(wrong)
    }: expected tokens, each once`,
    { code: "subprotocol_invalid", side: "local" },
  );
}
