/**
 * What texts of a configuration may be. Each rule says what is expected in place
 * of one that is wrong.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import {
  checkFieldName,
  checkFieldValue,
} from "../../http/codec/field_rules.ts";
import { compileRules } from "../fields/_rules.ts";
import { isHostField } from "../fields/host.ts";
import { parseAddress } from "../fields/ip.ts";
import { isReceivedBy } from "../fields/_hop.ts";
import { AddressSet } from "../fields/trust.ts";
import { normalizePath } from "../routing/target.ts";
import { ADDRESS_FORMS, isHostName, parseEndpoint } from "./endpoint.ts";
import type { TextRule } from "./_shape.ts";

/** Any text but the empty one. */
export const notEmpty: TextRule = (text) =>
  text === "" ? "a text that is not empty" : undefined;

/** An address of a backend. */
export const address: TextRule = (text) =>
  parseEndpoint(text) === undefined ? ADDRESS_FORMS : undefined;

/** A path in the one form in which those of requests are compared. */
export const path: TextRule = (text) => {
  if (!text.startsWith("/")) return 'a path that begins with "/"';
  if (/[?#]/.test(text)) return 'a path without "?" and "#"';
  if (/[^\x21-\x7e]/.test(text)) return "a path in ASCII, percent-encoded";
  const normal = normalizePath(text);
  if (normal === text) return undefined;
  return normal === undefined
    ? "a path that can be normalised, RFC 3986 §6.2.2"
    : JSON.stringify(normal);
};

/** The target of a request, in origin-form, RFC 9112 §3.2.1. */
export const target: TextRule = (text) =>
  /^\/[\x21-\x7e]*$/.test(text) && !text.includes("#")
    ? undefined
    : 'a path that begins with "/", all in ASCII';

/** A host of a route: a name, an address, or `*.` and a name. */
export const routeHost: TextRule = (text) =>
  isHostName(text.startsWith("*.") ? text.slice(2) : text) ||
    isIpv6(/^\[(.*)\]$/.exec(text)?.[1] ?? text)
    ? undefined
    : '"example.com", "*.example.com" or an address, without a port';

/** A server's name or address, as a certificate has it. */
export const serverName: TextRule = (text) =>
  isHostName(text) || isIpv6(text) ? undefined : "a host name";

/** What a `Host` may be, RFC 9110 §7.2. */
export const hostField: TextRule = (text) =>
  isHostField(text) ? undefined : "a host, with or without a port";

/** A pseudonym, or a host, with or without a port, RFC 9110 §7.6.3. */
export const receivedBy: TextRule = (text) =>
  isReceivedBy(text) ? undefined : "a token, with or without a port";

/** A token, as the names of fields and cookies are, RFC 9110 §5.6.2. */
export const token: TextRule = (text) =>
  isToken(text) ? undefined : "a token, RFC 9110 §5.6.2";

/** The name of a field that rules may change. */
export const fieldName: TextRule = (text) => {
  const check = () => compileRules({ remove: [text], set: {}, add: {} });
  if (passes(check, text)) return undefined;
  return text.toLowerCase() === "host"
    ? 'the option "host" in place of a rule'
    : "the name of a field that does not belong to the connection";
};

/** The value of a field. */
export const fieldValue: TextRule = (text) =>
  passes(checkFieldValue, text)
    ? undefined
    : "no control characters and none beyond Latin-1";

/** What tells clients apart for a rate limit. */
export const limitBy: TextRule = (text) =>
  isKey(text, ["header"]) ? undefined : '"address" or "header:NAME"';

/** What a policy hashes. */
export const hashBy: TextRule = (text) =>
  isKey(text, ["header", "cookie"])
    ? undefined
    : '"address", "header:NAME" or "cookie:NAME"';

/** Certificates. */
export const pem: TextRule = (text) =>
  text.includes("-----BEGIN CERTIFICATE-----")
    ? undefined
    : 'PEM with "-----BEGIN CERTIFICATE-----"';

/** Who may be trusted. */
export const addressRange: TextRule = (text) =>
  passes((range) => new AddressSet([range]), text)
    ? undefined
    : 'an address, a range such as "10.0.0.0/8", or "unix:"';

function isKey(text: string, kinds: readonly string[]): boolean {
  if (text === "address") return true;
  const colon = text.indexOf(":");
  return kinds.includes(text.slice(0, colon)) && isToken(text.slice(colon + 1));
}

function isIpv6(text: string): boolean {
  return text.includes(":") && parseAddress(text) !== undefined;
}

function isToken(text: string): boolean {
  return passes(checkFieldName, text);
}

function passes(check: (text: string) => unknown, text: string): boolean {
  try {
    check(text);
    return true;
  } catch (error) {
    if (!(error instanceof ConnError)) throw error;
    return false;
  }
}
