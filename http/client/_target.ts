// Where a request goes, read from its URL once.

import { ConnError } from "../../conn/error.ts";
import { basic, unbracket, unescaped } from "./proxy.ts";

/** The parts of a URL that a request needs. */
export interface Target {
  /** The URL, normalised. */
  readonly url: string;
  /** Whether it is `https:` or `wss:`. */
  readonly secure: boolean;
  /** Whether it is `ws:` or `wss:`, which no proxy may forward (RFC 6455 §4.1). */
  readonly webSocket: boolean;
  /** The host's name or address, without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** The value of the `Host` field (RFC 9112 §3.2): the port only if unusual. */
  readonly host: string;
  /** Path and query: the origin-form (RFC 9112 §3.2.1). */
  readonly path: string;
  /** Scheme, host and port; `http:` stands for `ws:`, and `https:` for `wss:`. */
  readonly origin: string;
  /** The value of `Authorization`, if the URL had user information. */
  readonly authorization: string | undefined;
}

const SCHEMES: ReadonlySet<string> = new Set([
  "http:",
  "https:",
  "ws:",
  "wss:",
]);

/**
 * Reads a URL. `ws:` and `wss:` lead where `http:` and `https:` do (RFC 6455 §3).
 *
 * @throws {ConnError} With code `"url_invalid"`.
 */
export function parseTarget(url: string): Target {
  const parsed = URL.parse(url);
  if (parsed === null || !SCHEMES.has(parsed.protocol)) {
    throw new ConnError(
      `Cannot request "${url}": expected an absolute http, https, ws or wss URL`,
      { code: "url_invalid", side: "local" },
    );
  }
  const { protocol } = parsed;
  const secure = protocol === "https:" || protocol === "wss:";
  const webSocket = protocol === "ws:" || protocol === "wss:";
  const { username, password } = parsed;
  return {
    url: parsed.href,
    secure,
    webSocket,
    hostname: unbracket(parsed.hostname),
    port: parsed.port === "" ? (secure ? 443 : 80) : Number(parsed.port),
    host: parsed.host,
    path: parsed.pathname + parsed.search,
    origin: `${secure ? "https" : "http"}://${parsed.host}`,
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
