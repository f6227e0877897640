// Keys of tokens, and which algorithms they are for.

import type { CryptoKey, JWTVerifyGetKey } from "jose";
import type { JwtKey } from "./jwt.ts";

type Jose = typeof import("jose");

const encoder = new TextEncoder();

/**
 * The kind of key that each algorithm needs (RFC 7518 §3.1, RFC 8037, RFC 9864).
 * There is no `none`.
 */
const KEY_KINDS: Readonly<Record<string, string>> = {
  HS256: "secret",
  HS384: "secret",
  HS512: "secret",
  RS256: "rsa",
  RS384: "rsa",
  RS512: "rsa",
  PS256: "rsa",
  PS384: "rsa",
  PS512: "rsa",
  ES256: "p256",
  ES384: "p384",
  ES512: "p521",
  EdDSA: "ed25519",
  Ed25519: "ed25519",
};

/**
 * Checks that a key can be for these algorithms: a public key that is taken for a
 * secret would let anybody make tokens (RFC 8725 §2.1).
 *
 * @throws {RangeError} If it cannot.
 */
export function checkKey(key: JwtKey, algorithms: readonly string[]): void {
  const kinds = new Set<string>();
  for (const algorithm of algorithms) {
    if (!Object.hasOwn(KEY_KINDS, algorithm)) {
      throw unfit(`the algorithm "${algorithm}" is not known`);
    }
    kinds.add(KEY_KINDS[algorithm]!);
  }
  if (kinds.size === 0) throw unfit("expected at least one algorithm");
  if ("secret" in key) {
    if (key.secret.length === 0) throw unfit("the secret is empty");
    if (kinds.size > 1 || !kinds.has("secret")) {
      throw unfit(`a secret is not for ${algorithms.join(", ")}`);
    }
  } else if (kinds.has("secret")) {
    throw unfit(`a public key is not for ${algorithms.join(", ")}`);
  } else if ("pem" in key && kinds.size > 1) {
    throw unfit(`no key is for all of ${algorithms.join(", ")}`);
  }
}

function unfit(reason: string): RangeError {
  return new RangeError(`Cannot check tokens: ${reason}`);
}

/** Fetches a set of keys; the library leaves the body of a failure unread. */
async function fetchKeys(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.status !== 200) await response.body?.cancel();
  return response;
}

/** Gives the key of a token, by its header. */
export function keyGetter(key: JwtKey, jose: Jose): JWTVerifyGetKey {
  if ("jwks" in key) {
    return key.jwks instanceof URL
      ? jose.createRemoteJWKSet(key.jwks, { [jose.customFetch]: fetchKeys })
      : jose.createLocalJWKSet(
        key.jwks as Parameters<Jose["createLocalJWKSet"]>[0],
      );
  }
  if ("secret" in key) {
    const { secret } = key;
    const bytes = typeof secret === "string" ? encoder.encode(secret) : secret;
    return () => bytes;
  }
  const { pem } = key;
  const read = pem.includes("BEGIN CERTIFICATE")
    ? jose.importX509
    : jose.importSPKI;
  const imports = new Map<string, Promise<CryptoKey>>();
  return ({ alg }) => {
    let imported = imports.get(alg);
    if (imported === undefined) {
      imported = read(pem, alg);
      imports.set(alg, imported);
    }
    return imported;
  };
}
