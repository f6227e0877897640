/**
 * Who may ask the admin API.
 *
 * A token in `Authorization` is the only thing that opens it. A browser never
 * sends that by itself, so a page of another origin cannot act for who is logged
 * in, which a cookie would let it try; and a cookie goes to every port of a host,
 * so the balancer's own backends would get it. What else is checked here guards a
 * browser that is made to believe that another page is ours.
 *
 * @module
 */

import type { Clock } from "../../conn/clock.ts";
import {
  challenge,
  credentials,
  secretEquals,
} from "../../http/forms/credentials.ts";
import { refusal } from "./_answer.ts";
import { LoginGuard } from "./_login_guard.ts";

/** What an {@linkcode Access} goes by. */
export interface AccessSettings {
  readonly token: string;
  /** Names that it may be called by, besides addresses and `localhost`. */
  readonly hosts: readonly string[];
  readonly clock: Clock;
}

/** What `Authorization: Bearer` can carry (RFC 6750 §2.1), and is no short word. */
const TOKEN = /^(?=.{16,})[A-Za-z0-9\-._~+/]+=*$/;

/** Lets requests through, or says why not. */
export class Access {
  readonly #token: string;
  readonly #hosts: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #guard = new LoginGuard();

  /** @throws {TypeError} If the token could not be sent, or is short. */
  constructor({ token, hosts, clock }: AccessSettings) {
    if (!TOKEN.test(token)) {
      throw new TypeError(
        "Cannot serve the admin API: its token must have at least 16 " +
          'characters, of letters, digits and "-._~+/" only',
      );
    }
    this.#token = token;
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#clock = clock;
  }

  /**
   * Refuses names that are not ours: one that somebody else lets point here makes
   * a browser take his page for ours (DNS rebinding). An address cannot.
   */
  checkHost({ hostname }: URL): Response | undefined {
    if (hostname === "localhost" || isAddress(hostname)) return undefined;
    if (this.#hosts.has(hostname)) return undefined;
    return refusal(
      421,
      "unknown_host",
      `Cannot answer for the host "${hostname}": it is not among "hosts"`,
    );
  }

  /** Refuses what a page of another origin sends: browsers name it in `Origin`. */
  checkOrigin(request: Request, { host }: URL): Response | undefined {
    const origin = request.headers.get("origin");
    if (origin === null || hostOf(origin) === host) return undefined;
    return refusal(
      403,
      "foreign_origin",
      `Cannot take a change from the origin "${origin}"`,
    );
  }

  /** Refuses who does not have the token. */
  checkToken(request: Request, address: string): Response | undefined {
    const now = this.#clock.now();
    const wait = this.#guard.wait(address, now);
    if (wait > 0) return tooMany(Math.ceil(wait / 1000));
    // A page of another origin can ask without a token, but cannot guess one.
    if (!request.headers.has("authorization")) return unauthorized();
    const given = credentials(request);
    if (given?.scheme === "bearer" && secretEquals(given.token, this.#token)) {
      this.#guard.passed(address);
      return undefined;
    }
    this.#guard.failed(address, now);
    return unauthorized({ error: "invalid_token" });
  }
}

/** Whether a URL's host name, which is normalised, is an address. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}

/** The host and port of an origin; nothing for `null`. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function unauthorized(parameters: Record<string, string> = {}): Response {
  return refusal(401, "unauthorized", "The admin token is needed", {
    "www-authenticate": challenge("Bearer", parameters),
  });
}

function tooMany(seconds: number): Response {
  return refusal(
    429,
    "too_many_attempts",
    `Too many wrong tokens: try again in ${seconds} s`,
    { "retry-after": `${seconds}` },
  );
}
