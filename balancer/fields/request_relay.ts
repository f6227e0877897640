/**
 * The fields of a request, on the way to a backend.
 *
 * @module
 */

import { Fields } from "../../http/codec/fields.ts";
import type { RequestHead } from "../../http/codec/message.ts";
import { FieldFilter, relayFields } from "../../http/codec/relay.ts";
import { listMembers } from "../../http/codec/wire_fields.ts";
import type { FieldRules } from "../config/config.ts";
import { ClaimFinder } from "./_claims.ts";
import { HOP_BY_HOP, type ViaLines, viaLines } from "./_hop.ts";
import { ForwardedLines } from "./_forwarded_lines.ts";
import { type CompiledRules, compileRules } from "./_rules.ts";
import type { RequestTarget } from "../routing/target.ts";
import { checkHost } from "./host.ts";
import type { Peer } from "./peer.ts";
import type { AddressSet, ForwardedKind } from "./trust.ts";

/** What a client may not say itself, if it is not trusted. */
const CLAIMS = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
];

/** What a {@linkcode RequestRelay} does. */
export interface RequestRelaySettings {
  /** Which fields tell the backend who the client is. */
  readonly forwarded: ForwardedKind;
  /** The name of this balancer in `Via`. */
  readonly via: string | false;
  /** Whose `X-Forwarded-*`, `Forwarded` and `X-Request-Id` are believed. */
  readonly trusted: AddressSet;
  /** Changes that the configuration asks for. They have the last word. */
  readonly rules: Readonly<Required<FieldRules>>;
  /** What `Host` becomes: `"keep"`, `"backend"`, or any other text as it is. */
  readonly host: string;
  /** Whether a request may ask for a WebSocket. */
  readonly websocket: boolean;
}

/**
 * Passes the fields of requests on, RFC 9110 §7.6. One is made for each route.
 *
 * - What is between two neighbours only stays behind, §7.6.1: `Connection` and
 *   the fields that it names, `Keep-Alive`, `Transfer-Encoding`, `TE`, `Upgrade`,
 *   and the older `Proxy-Connection`, `Proxy-Authenticate`,
 *   `Proxy-Authorization` and `HTTP2-Settings`. Naming a field that the balancer
 *   writes does not take it away. `TE: trailers` and `Upgrade: websocket` are
 *   asked for anew.
 * - `X-Forwarded-For`, `-Host` and `-Proto`, or `Forwarded`, tell who the client
 *   is. What an untrusted peer says in `X-Forwarded-*`, `Forwarded` and
 *   `X-Real-IP` is dropped; to what a trusted one says, its own address is added.
 *   Of the two kinds only what the settings ask for is sent: a trusted proxy may
 *   not have looked at the other. With `"none"`, what a trusted peer says passes
 *   as it is.
 * - Fields that a backend could take for one of those, or for one that a rule
 *   sets or removes, are dropped: `X_Forwarded_For`. So is `Proxy`, which CGI
 *   makes `HTTP_PROXY` of.
 * - `Via` and `X-Request-Id` are added.
 */
export class RequestRelay {
  readonly #settings: RequestRelaySettings;
  readonly #via: ViaLines;
  readonly #forwarded: ForwardedLines;
  readonly #claims: ClaimFinder;
  readonly #sendsId: boolean;
  readonly #lines: string;
  readonly #options: CompiledRules["options"];
  readonly #untrusted: FieldFilter;
  readonly #trusted: FieldFilter;
  readonly #untrustedHost: FieldFilter;
  readonly #trustedHost: FieldFilter;

  /**
   * Compiles what is to be done.
   *
   * @throws {ConnError} With code `"bad_field_rule"`, `"bad_via"` or `"bad_host"`.
   */
  constructor(settings: RequestRelaySettings) {
    const { taken, lines, options } = compileRules(settings.rules);
    const { forwarded, via, host } = settings;
    if (host !== "keep" && host !== "backend") checkHost(host);
    this.#settings = settings;
    this.#via = viaLines(taken.includes("via") ? false : via);
    this.#forwarded = new ForwardedLines(forwarded, taken);
    this.#claims = new ClaimFinder(taken);
    this.#sendsId = !taken.includes("x-request-id");
    this.#lines = lines;
    this.#options = options;
    const always = [...HOP_BY_HOP, "proxy", "x-request-id", ...taken];
    const trusted = [...always, ...this.#forwarded.replaced];
    const untrusted = [...always, ...CLAIMS];
    this.#trusted = new FieldFilter(trusted);
    this.#untrusted = new FieldFilter(untrusted);
    this.#trustedHost = new FieldFilter([...trusted, "host"]);
    this.#untrustedHost = new FieldFilter([...untrusted, "host"]);
  }

  /**
   * Makes the fields that a backend gets.
   *
   * @param head The request as it came.
   * @param asked Which host it is for.
   * @param peer Who sent it.
   * @param requestId Its id, from {@linkcode RequestIds}.
   * @param authority The backend's host and port: what `Host` is with the setting
   * `"backend"`, and if the client did not say one.
   */
  relay(
    head: RequestHead,
    asked: Pick<RequestTarget, "host" | "absolute">,
    peer: Peer,
    requestId: string,
    authority: string,
  ): Fields {
    const { fields } = head;
    const isTrusted = peer.isTrusted(this.#settings.trusted);
    const { host } = asked;
    const hostLine = this.#hostLine(asked, authority);
    const upgrades = this.#settings.websocket && asksForWebSocket(head);
    let extra = hostLine +
      this.#forwarded.lines(fields, peer, host, isTrusted) +
      this.#via[head.version];
    if (this.#sendsId) extra += "X-Request-Id: " + requestId + "\r\n";
    if (upgrades) extra += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    else if (takesTrailers(fields)) {
      extra += "Connection: TE\r\nTE: trailers\r\n";
    }
    const drop = this.#filter(fields, isTrusted, hostLine !== "");
    const options = upgrades ? this.#options.upgrade : this.#options.plain;
    return relayFields(fields, drop, extra + this.#lines, options);
  }

  /**
   * Takes what a request must not have in its header section out of its trailers,
   * too: some backends put both together.
   *
   * @param trailers As they came.
   * @param peer Who sent them.
   */
  trailers(trailers: Fields, peer: Peer): Fields {
    if (trailers.size === 0) return trailers;
    const isTrusted = peer.isTrusted(this.#settings.trusted);
    const filter = this.#filter(trailers, isTrusted, true);
    const kept = new Fields();
    for (const [name, value] of trailers) {
      const isVia = name.toLowerCase() === "via";
      if (!isVia && !filter.has(name, 0, name.length)) kept.append(name, value);
    }
    return kept;
  }

  /** The line `Host`, or `""` if the client's can stay. */
  #hostLine(
    { host, absolute }: Pick<RequestTarget, "host" | "absolute">,
    authority: string,
  ): string {
    const { host: setting } = this.#settings;
    if (setting === "backend") return `Host: ${authority}\r\n`;
    if (setting !== "keep") return `Host: ${setting}\r\n`;
    if (host === "") return `Host: ${authority}\r\n`;
    return absolute ? `Host: ${host}\r\n` : "";
  }

  #filter(fields: Fields, isTrusted: boolean, hasHost: boolean): FieldFilter {
    const filter = isTrusted
      ? hasHost ? this.#trustedHost : this.#trusted
      : hasHost
      ? this.#untrustedHost
      : this.#untrusted;
    const claims = this.#claims.find(fields, isTrusted);
    if (claims === undefined) return filter;
    const more = claims.filter((name) => !filter.names.includes(name));
    return more.length === 0
      ? filter
      : new FieldFilter([...filter.names, ...more]);
  }
}

/** Whether a request asks for a WebSocket, and for nothing else. */
function asksForWebSocket({ upgrade }: RequestHead): boolean {
  return upgrade !== undefined && upgrade.toLowerCase() === "websocket";
}

/** Whether the client understands trailers, RFC 9110 §10.1.4. */
function takesTrailers(fields: Fields): boolean {
  const te = fields.get("te");
  return te !== undefined && listMembers(te).includes("trailers");
}
