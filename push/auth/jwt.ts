/**
 * Clients that show a JSON Web Token, RFC 7519.
 *
 * @module
 */

import type { JWTPayload, JWTVerifyOptions } from "jose";
import { ConnError } from "../../conn/error.ts";
import { challenge, credentials } from "../../http/forms/credentials.ts";
import { checkFilter } from "../model/topic_name.ts";
import type { ClientInfo, Grant } from "../options.ts";
import { checkKey, keyGetter } from "./_jwt_keys.ts";

/**
 * What tokens are signed with: a secret that who makes them has as well (for
 * `HS256` and its kind; as long as the hash at least, RFC 7518 §3.2); a public key
 * or certificate in PEM; or a set of public keys (RFC 7517 §5), of which a token's
 * `kid` names one, as it is or to be fetched from a URL.
 */
export type JwtKey =
  | { readonly secret: string | Uint8Array }
  | { readonly pem: string }
  | { readonly jwks: URL | { readonly keys: readonly JsonWebKey[] } };

/** The names of the claims that say what a client may do. */
export interface JwtClaims {
  /** The user, a string: {@linkcode Grant.user}. @default {"sub"} */
  user?: string;
  /** Filters, strings: {@linkcode Grant.subscribe}. @default {"subscribe"} */
  subscribe?: string;
  /** Filters, strings: {@linkcode Grant.publish}. @default {"publish"} */
  publish?: string;
}

/** Options of {@linkcode jwt}. */
export interface JwtOptions {
  /** What tokens are signed with. */
  key: JwtKey;
  /**
   * The algorithms that are accepted, all for this kind of key: `["HS256"]`,
   * `["RS256"]`, `["ES256"]`, `["EdDSA"]`.
   */
  algorithms: readonly string[];
  /** What `iss` must be, or one of it. @default Anything */
  issuer?: string | readonly string[];
  /** What `aud` must be or contain, or one of it. @default Anything */
  audience?: string | readonly string[];
  /**
   * How far the clocks may be apart, in milliseconds.
   *
   * @default {0}
   */
  clockTolerance?: number;
  /**
   * Accept no token that never expires.
   *
   * @default {false}
   */
  requireExp?: boolean;
  /** The names of claims. */
  claims?: JwtClaims;
}

/** The hooks of a hub whose clients show tokens. */
export interface JwtHooks {
  /** Makes a grant of a request's token, or the refusal. */
  onConnect(request: Request): Promise<Grant | Response>;
  /** Makes a grant of a later token, if that is valid and of the same user. */
  onAuthorize(token: string, client: ClientInfo): Promise<Grant | undefined>;
}

/**
 * Hooks for the options of a hub that lets in who shows a valid token.
 *
 * The token comes in `Authorization: Bearer`, or in the query as `token`, as the
 * `WebSocket` and `EventSource` of browsers can set no fields. Its claims are the
 * grant: the user (`sub`), when it ends (`exp`), the filters that the client may
 * subscribe to (`subscribe`; any if the claim is not there) and publish to
 * (`publish`; none). All claims are in the grant's `data`. A client without a
 * valid token gets a 401 (RFC 6750 §3).
 *
 * @param options The key and what a token must say.
 * @returns The hooks. They fail with a {@linkcode ConnError} with code
 * `"jwt_key_unavailable"` (`reply` 503) if there is no key to check a token with.
 * @throws {RangeError} If an algorithm is not known, or not for the key; if the
 * secret is empty; or if `clockTolerance` is not a number from 0 on.
 *
 * @example A client with a token
 * ```ts
 * import { jwt } from "@meerkat/net/push";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const { onConnect } = jwt({
 *   key: { secret: "correct horse battery staple, and more" },
 *   algorithms: ["HS256"],
 * });
 *
 * const token = "eyJhbGciOiJIUzI1NiJ9." +
 *   "eyJzdWIiOiJ2ZXJhIiwic3Vic2NyaWJlIjpbInBsYW50LyMiXX0." +
 *   "FwYnsPw-MItuiYDMwcA2jXHfL-3J51wHmwS0WRUGT9U";
 * const grant = await onConnect(new Request(`http://hub/push?token=${token}`));
 * assert(!(grant instanceof Response));
 * assertEquals(grant.user, "vera");
 * assertEquals(grant.subscribe, ["plant/#"]);
 *
 * const refusal = await onConnect(new Request("http://hub/push"));
 * assert(refusal instanceof Response);
 * assertEquals(refusal.status, 401);
 * ```
 */
export function jwt(options: JwtOptions): JwtHooks {
  const verify = verifier(options);
  return {
    async onConnect(request) {
      const token = tokenOf(request);
      if (token === undefined) return refusal({});
      const grant = await verify(token);
      return typeof grant !== "string" ? grant : refusal({
        error: "invalid_token",
        error_description: grant,
      });
    },
    async onAuthorize(token, client) {
      const grant = await verify(token);
      if (typeof grant === "string") return undefined;
      return grant.user === client.grant.user ? grant : undefined;
    },
  };
}

/** The token of a request, RFC 6750 §2.1 and §2.3. */
function tokenOf(request: Request): string | undefined {
  const shown = credentials(request);
  if (shown?.scheme === "bearer") return shown.token;
  return new URL(request.url).searchParams.get("token") ?? undefined;
}

function refusal(parameters: Record<string, string>): Response {
  return new Response("Unauthorized\n", {
    status: 401,
    headers: { "WWW-Authenticate": challenge("Bearer", parameters) },
  });
}

const INVALID = "The token is invalid";
const EXPIRED = "The token has expired";

/** Gives a token's grant, or in words what is wrong with it. */
type Verify = (token: string) => Promise<Grant | string>;

function verifier(options: JwtOptions): Verify {
  const { key, algorithms, clockTolerance = 0, claims = {} } = options;
  checkKey(key, algorithms);
  if (!(clockTolerance >= 0 && clockTolerance < Infinity)) {
    throw new RangeError(
      `Cannot use clockTolerance ${clockTolerance}: expected a number from 0 on`,
    );
  }
  const checks = verifyOptions(options);
  let begun: Promise<(token: string) => Promise<JWTPayload>> | undefined;
  return async (token) => {
    let payload: JWTPayload;
    try {
      // Who uses no tokens does not load the library.
      begun ??= import("jose").then((jose) => {
        const getKey = keyGetter(key, jose);
        return async (token: string) =>
          (await jose.jwtVerify(token, getKey, checks)).payload;
      });
      payload = await (await begun)(token);
    } catch (error) {
      return wrongWith(error);
    }
    return grantOf(payload, claims, clockTolerance) ?? INVALID;
  };
}

function verifyOptions(options: JwtOptions): JWTVerifyOptions {
  const { algorithms, issuer, audience, clockTolerance = 0 } = options;
  const checks: JWTVerifyOptions = {
    algorithms: [...algorithms],
    clockTolerance: clockTolerance / 1000,
  };
  if (issuer !== undefined) checks.issuer = listOf(issuer);
  if (audience !== undefined) checks.audience = listOf(audience);
  if (options.requireExp) checks.requiredClaims = ["exp"];
  return checks;
}

function listOf(value: string | readonly string[]): string[] {
  return typeof value === "string" ? [value] : [...value];
}

/** Failures that are the token's fault. */
const TOKEN_FAULTS: ReadonlySet<unknown> = new Set([
  "ERR_JOSE_ALG_NOT_ALLOWED",
  "ERR_JOSE_NOT_SUPPORTED",
  "ERR_JWKS_MULTIPLE_MATCHING_KEYS",
  "ERR_JWKS_NO_MATCHING_KEY",
  "ERR_JWS_INVALID",
  "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
  "ERR_JWT_CLAIM_VALIDATION_FAILED",
  "ERR_JWT_INVALID",
]);

/** What is wrong with a token; throws if the fault is the key's. */
function wrongWith(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause && cause.code;
  if (code === "ERR_JWT_EXPIRED") return EXPIRED;
  if (TOKEN_FAULTS.has(code)) return INVALID;
  throw new ConnError(
    "Cannot check the token: the key could not be had, or does not fit",
    { code: "jwt_key_unavailable", side: "local", reply: 503, cause },
  );
}

/** The grant that claims make, or `undefined` if they are of wrong types. */
function grantOf(
  payload: JWTPayload,
  names: JwtClaims,
  clockTolerance: number,
): Grant | undefined {
  const grant: Grant = { data: payload };
  const user = payload[names.user ?? "sub"];
  if (user !== undefined) {
    if (typeof user !== "string") return undefined;
    grant.user = user;
  }
  for (const right of ["subscribe", "publish"] as const) {
    const filters = payload[names[right] ?? right];
    if (filters === undefined) continue;
    if (!areFilters(filters)) return undefined;
    grant[right] = filters;
  }
  if (payload.exp !== undefined) {
    grant.expires = payload.exp * 1000 + clockTolerance;
  }
  return grant;
}

function areFilters(value: unknown): value is string[] {
  if (!Array.isArray(value)) return false;
  return value.every((filter) => {
    if (typeof filter !== "string") return false;
    try {
      checkFilter(filter);
      return true;
    } catch {
      return false;
    }
  });
}
