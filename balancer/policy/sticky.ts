/**
 * Staying where one was.
 *
 * @module
 */

import { createHmac, randomBytes } from "node:crypto";
import { ConnError } from "../../conn/error.ts";
import { findCookie } from "./_cookies.ts";
import type { Candidate, Policy, PolicyRequest } from "./policy.ts";
import { usable } from "./_usable.ts";

/** Options of {@linkcode Sticky}. */
export interface StickyOptions {
  /** The cookie's name. @default {"meerkat"} */
  cookie?: string;
  /** Signs the cookie. @default {One that is random and ends with the process} */
  secret?: string;
  /** The cookie's life in seconds. Left out: the browser's session. */
  maxAge?: number;
  /** Send the cookie with `Secure`. @default {false} */
  secure?: boolean;
}

/** This part of a cookie's value finds the candidate, the rest is the proof. */
const FINDER = 11;

const COOKIE_NAME = /^[\w!#$%&'*+\-.^`|~]+$/;

/** For all that were given none: a policy that is made anew knows its clients. */
let processSecret: string | undefined;

/**
 * A client stays with the candidate that it got first, by a cookie. Its value is
 * an HMAC-SHA-256 of the candidate's id: nobody can make one without the secret,
 * and it does not tell what the id is. Where the cookie is missing or wrong, or
 * its candidate not available, another policy chooses and the client gets a new
 * one.
 *
 * The values are computed when a candidate is first seen, so that to check a
 * cookie is to compare it.
 */
export class Sticky implements Policy {
  readonly #fallback: Policy;
  readonly #cookie: string;
  readonly #secret: string;
  readonly #attributes: string;
  #candidates: readonly Candidate[] | undefined;
  /** The values of cookies by ids. */
  #values = new Map<string, string>();
  /** Who is available, by the finders of their cookies. */
  #found = new Map<string, Candidate>();

  /**
   * Creates the policy.
   *
   * @param options The cookie.
   * @param fallback Chooses for who has none.
   * @throws {ConnError} With code `"bad_cookie_name"` if the name is not a token.
   */
  constructor(options: StickyOptions, fallback: Policy) {
    this.#fallback = fallback;
    this.#cookie = options.cookie ?? "meerkat";
    if (!COOKIE_NAME.test(this.#cookie)) {
      throw new ConnError(
        `Cannot use the cookie name ${
          JSON.stringify(this.#cookie)
        }: expected a token`,
        { code: "bad_cookie_name", side: "local" },
      );
    }
    this.#secret = options.secret ??
      (processSecret ??= randomBytes(32).toString("base64url"));
    this.#attributes = "; Path=/" +
      (options.maxAge === undefined ? "" : `; Max-Age=${options.maxAge}`) +
      "; HttpOnly; SameSite=Lax" + (options.secure ? "; Secure" : "");
  }

  /** See {@linkcode Policy.pick}. */
  pick(
    candidates: readonly Candidate[],
    request: PolicyRequest,
  ): Candidate | undefined {
    if (candidates !== this.#candidates) this.#adopt(candidates);
    const cookies = request.fields.get("cookie");
    const value = cookies === undefined
      ? undefined
      : findCookie(cookies, this.#cookie);
    const found = value === undefined ? undefined : this.#find(value);
    if (found !== undefined) return found;
    const chosen = this.#fallback.pick(candidates, request);
    if (chosen !== undefined) {
      const own = this.#valueFor(chosen.id);
      request.setCookie(`${this.#cookie}=${own}${this.#attributes}`);
    }
    return chosen;
  }

  /** Whose cookie it is, if it is a true one. */
  #find(value: string): Candidate | undefined {
    const candidate = this.#found.get(value.slice(0, FINDER));
    if (candidate === undefined) return undefined;
    return isSame(value, this.#valueFor(candidate.id)) ? candidate : undefined;
  }

  #adopt(candidates: readonly Candidate[]): void {
    this.#candidates = candidates;
    const list = usable(candidates);
    // Who is away may be back in a moment; who is gone is forgotten some day.
    if (this.#values.size > 2 * list.length + 16) this.#values.clear();
    this.#found.clear();
    for (const candidate of list) {
      const value = this.#valueFor(candidate.id);
      this.#found.set(value.slice(0, FINDER), candidate);
    }
  }

  #valueFor(id: string): string {
    let value = this.#values.get(id);
    if (value === undefined) {
      // The name goes in: the same secret is good for several cookies.
      value = createHmac("sha256", this.#secret)
        .update(`${this.#cookie}=${id}`).digest("base64url");
      this.#values.set(id, value);
    }
    return value;
  }
}

/** Compares in a time that does not tell where the difference is. */
function isSame(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  let difference = 0;
  for (let i = 0; i < one.length; i++) {
    difference |= one.charCodeAt(i) ^ other.charCodeAt(i);
  }
  return difference === 0;
}
