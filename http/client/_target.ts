// Where a request goes, read from its URL once.

import { ConnError } from "../../conn/error.ts";
import { basic, unbracket, unescaped } from "./proxy.ts";

/** The parts of a URL that a request needs. */
export interface Target {
  /** The URL, normalised. */
  readonly url: string;
  /** Whether it is `https:`. */
  readonly secure: boolean;
  /** The host's name or address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The value of the `Host` field (RFC 9112 §3.2): the port only if unusual. */
  readonly host: string;
  /** Path and query: the origin-form (RFC 9112 §3.2.1). */
  readonly path: string;
  /** Scheme, host and port. */
  readonly origin: string;
  /** The value of `Authorization`, if the URL had user information. */
  readonly authorization: string | undefined;
}

/**
 * Reads a URL.
 *
 * @throws {ConnError} With code `"url_invalid"`.
 */
export function parseTarget(url: string): Target {
  const parsed = URL.parse(url);
  if (
    parsed === null ||
    (parsed.protocol !== "http:" && parsed.protocol !== "https:")
  ) {
    throw new ConnError(
      `Cannot request "${url}": expected an absolute http or https URL`,
      { code: "url_invalid", side: "local" },
    );
  }
  const secure = parsed.protocol === "https:";
  const { username, password } = parsed;
  return {
    url: parsed.href,
    secure,
    hostname: unbracket(parsed.hostname),
    port: parsed.port === "" ? (secure ? 443 : 80) : Number(parsed.port),
    host: parsed.host,
    path: parsed.pathname + parsed.search,
    origin: parsed.origin,
    authorization: username === "" && password === ""
      ? undefined
      : basic(unescaped(username), unescaped(password)),
  };
}

/** A map that forgets everything rather than grow over its maximum. */
export class BoundedMap<V> {
  readonly #map = new Map<string, V>();
  readonly #maximum: number;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  set(key: string, value: V): void {
    if (this.#map.size >= this.#maximum) this.#map.clear();
    this.#map.set(key, value);
  }

  get size(): number {
    return this.#map.size;
  }
}
