/**
 * Basic and Bearer credentials, and the challenges that ask for them.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";

/** A user's name and password (RFC 7617). */
export interface BasicCredentials {
  /** Tells them from {@linkcode BearerCredentials}. */
  scheme: "basic";
  /** The part before the first colon; may be empty. */
  username: string;
  /** The part after it; may be empty, and may contain colons. */
  password: string;
}

/** An access token (RFC 6750). */
export interface BearerCredentials {
  /** Tells them from {@linkcode BasicCredentials}. */
  scheme: "bearer";
  /** The token as it was sent. */
  token: string;
}

/** Header fields: `Headers`, or {@linkcode Fields}. */
export interface FieldSource {
  /** The field's value, or `null` or `undefined` if it is not there. */
  get(name: string): string | null | undefined;
}

/**
 * Reads the `Authorization` field of a request.
 *
 * The result says who the client claims to be. Compare the secret with
 * {@linkcode secretEquals}.
 *
 * @param source The request, or its header fields.
 * @returns The credentials, or `undefined` if there are none, if there are
 * several, if the scheme is another, or if they are malformed: Basic that is not
 * Base64 of UTF-8 with a colon and without control characters (RFC 7617 §2), a
 * Bearer token that is no `b64token` (RFC 6750 §2.1).
 *
 * @example Who asks
 * ```ts
 * import { credentials } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const headers = new Headers({ authorization: "Basic dmVyYTpvcGVuOnNlc2FtZQ==" });
 * assertEquals(credentials(headers), {
 *   scheme: "basic",
 *   username: "vera",
 *   password: "open:sesame",
 * });
 * assertEquals(credentials(new Headers()), undefined);
 * ```
 */
export function credentials(
  source: Request | FieldSource,
): BasicCredentials | BearerCredentials | undefined {
  const fields = source instanceof Request ? source.headers : source;
  const value = fields.get("authorization");
  const match = value && AUTHORIZATION.exec(value);
  if (!match) return undefined;
  const [, scheme = "", token = ""] = match;
  switch (scheme.toLowerCase()) {
    case "basic":
      return parseBasic(token);
    case "bearer":
      return { scheme: "bearer", token };
    default:
      return undefined;
  }
}

// credentials with a token68 (RFC 9110 §11.4, §11.2).
const AUTHORIZATION = /^([A-Za-z]+) +([A-Za-z0-9\-._~+/]+=*)[ \t]*$/;
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f]/;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function parseBasic(token: string): BasicCredentials | undefined {
  let text: string;
  try {
    text = UTF8.decode(Uint8Array.from(atob(token), (c) => c.charCodeAt(0)));
  } catch {
    return undefined;
  }
  const colon = text.indexOf(":");
  if (colon < 0 || CONTROL.test(text)) return undefined;
  return {
    scheme: "basic",
    username: text.slice(0, colon),
    password: text.slice(colon + 1),
  };
}

/**
 * Makes the value of an `Authorization` field from a name and a password, in
 * UTF-8 (RFC 7617 §2.1).
 *
 * @param username Without a colon.
 * @param password Any text.
 * @throws {TypeError} If the name contains a colon, or either a control
 * character.
 *
 * @example Logging in
 * ```ts
 * import { basicCredentials } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(basicCredentials("test", "123£"), "Basic dGVzdDoxMjPCow==");
 * ```
 */
export function basicCredentials(username: string, password: string): string {
  if (username.includes(":")) {
    throw new TypeError(
      `Cannot make credentials for "${username}": a user name has no ":"`,
    );
  }
  if (CONTROL.test(username) || CONTROL.test(password)) {
    throw new TypeError(
      "Cannot make credentials: the name or the password has a control character",
    );
  }
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${bytes.toBase64()}`;
}

/**
 * Makes a challenge, the value of the `WWW-Authenticate` field of a 401 answer
 * (RFC 9110 §11.3).
 *
 * @param scheme `"Basic"`, `"Bearer"`, or another scheme's name.
 * @param parameters The challenge's parameters, each sent as a quoted string.
 * Basic needs `realm`, and gets `charset="UTF-8"` by itself (RFC 7617 §2.1).
 * @throws {TypeError} If a name is no token, if a value is not printable ASCII,
 * or if Basic has no realm.
 *
 * @example Asking for a password
 * ```ts
 * import { challenge } from "@meerkat/net/http";
 * import { assertEquals } from "@std/assert";
 *
 * const response = new Response("Who are you?\n", {
 *   status: 401,
 *   headers: { "WWW-Authenticate": challenge("Basic", { realm: "Staff" }) },
 * });
 * assertEquals(
 *   response.headers.get("www-authenticate"),
 *   'Basic realm="Staff", charset="UTF-8"',
 * );
 * assertEquals(
 *   challenge("Bearer", { error: "invalid_token" }),
 *   'Bearer error="invalid_token"',
 * );
 * ```
 */
export function challenge(
  scheme: string,
  parameters: Readonly<Record<string, string>> = {},
): string {
  const all = { ...parameters };
  if (scheme.toLowerCase() === "basic") {
    if (all.realm === undefined) {
      throw new TypeError('Cannot make a "Basic" challenge: it needs a realm');
    }
    all.charset ??= "UTF-8";
  }
  const list = Object.entries(all).map(([name, value]) =>
    `${token(name)}=${quote(name, value)}`
  );
  return list.length === 0
    ? token(scheme)
    : `${token(scheme)} ${list.join(", ")}`;
}

function token(name: string): string {
  if (/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return name;
  throw new TypeError(
    `Cannot make a challenge: the name "${name}" is not a token`,
  );
}

function quote(name: string, value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) {
    return `"${value.replace(/["\\]/g, "\\$&")}"`;
  }
  throw new TypeError(
    `Cannot make a challenge: the value of "${name}" is not printable ASCII`,
  );
}

/**
 * Compares two secrets in a time that depends on neither's content, so that the
 * time taken tells nothing about how much of a guess was right.
 *
 * @param given What the client sent.
 * @param expected What it should be.
 *
 * @example Checking a password
 * ```ts
 * import { basicCredentials, credentials, secretEquals } from "@meerkat/net/http";
 * import { assert } from "@std/assert";
 *
 * const headers = new Headers({ authorization: basicCredentials("vera", "sesame") });
 * const who = credentials(headers);
 * assert(who?.scheme === "basic" && secretEquals(who.password, "sesame"));
 * assert(!secretEquals(who.password, "sesam"));
 * ```
 */
export function secretEquals(given: string, expected: string): boolean {
  // Digests have one length, which timingSafeEqual needs.
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}
