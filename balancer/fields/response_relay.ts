/**
 * The fields of a response, on the way to the client.
 *
 * @module
 */

import { isAscii } from "../../http/codec/encode.ts";
import { Fields } from "../../http/codec/fields.ts";
import { checkFieldValue } from "../../http/codec/field_rules.ts";
import type { ResponseHead } from "../../http/codec/message.ts";
import { FieldFilter, relayFields } from "../../http/codec/relay.ts";
import type { FieldRules } from "../config/config.ts";
import type { ResponseRewrite, RewriteContext } from "../routing/rewrite.ts";
import { HOP_BY_HOP, type ViaLines, viaLines } from "./_hop.ts";
import { type CompiledRules, compileRules } from "./_rules.ts";

/** What a {@linkcode ResponseRelay} does. */
export interface ResponseRelaySettings {
  /** The name of this balancer in `Via`. */
  readonly via: string | false;
  /** Changes that the configuration asks for. They have the last word. */
  readonly rules: Readonly<Required<FieldRules>>;
  /** Left out: what points back stays as it is. */
  readonly rewrite?: ResponseRewrite;
}

/** What belongs to one response. */
export interface ResponseContext extends RewriteContext {
  /** The id of its request. */
  readonly requestId: string;
  /** Values of `Set-Cookie` that the policy adds. */
  readonly setCookies: readonly string[] | undefined;
}

/**
 * Passes the fields of responses on, RFC 9110 §7.6. One is made for each route.
 *
 * What is between two neighbours only stays behind, as in requests; `Date`,
 * `Server` and all else passes. `Via` and the `X-Request-Id` of the request are
 * added, and the cookies of the policy. A 101 keeps its `Upgrade`.
 */
export class ResponseRelay {
  readonly #via: ViaLines;
  readonly #rewrite: ResponseRewrite | undefined;
  readonly #taken: readonly string[];
  readonly #lines: string;
  readonly #options: CompiledRules["options"];
  readonly #drop: FieldFilter;
  readonly #dropRewritten: FieldFilter;
  readonly #sendsId: boolean;

  /**
   * Compiles what is to be done.
   *
   * @throws {ConnError} With code `"bad_field_rule"` or `"bad_via"`.
   */
  constructor(settings: ResponseRelaySettings) {
    const { taken, lines, options } = compileRules(settings.rules);
    this.#via = viaLines(taken.includes("via") ? false : settings.via);
    this.#rewrite = settings.rewrite;
    this.#taken = taken;
    this.#lines = lines;
    this.#options = options;
    this.#sendsId = !taken.includes("x-request-id");
    const drop = [...HOP_BY_HOP, "x-request-id", ...taken];
    this.#drop = new FieldFilter(drop);
    this.#dropRewritten = new FieldFilter([
      ...drop,
      "content-location",
      "location",
      "set-cookie",
    ]);
  }

  /**
   * Makes the fields that the client gets.
   *
   * @param head The response as it came.
   * @param context What belongs to it.
   * @throws {ConnError} With code `"bad_field_value"` if a cookie of the policy,
   * or what was rewritten, cannot be sent.
   */
  relay(head: ResponseHead, context: ResponseContext): Fields {
    const { fields } = head;
    let extra = this.#via[head.version];
    if (this.#sendsId) extra += "X-Request-Id: " + context.requestId + "\r\n";
    let drop = this.#drop;
    if (this.#rewrite !== undefined) {
      const rewritten = this.#rewritten(this.#rewrite, fields, context);
      if (rewritten !== "") {
        drop = this.#dropRewritten;
        extra += rewritten;
      }
    }
    if (context.setCookies !== undefined) {
      for (const value of context.setCookies) {
        extra += line("Set-Cookie", value);
      }
    }
    let options = this.#options.plain;
    if (head.status === 101) {
      extra += upgradeLines(fields);
      options = this.#options.upgrade;
    } else if (context.setCookies !== undefined && !isAscii(extra)) {
      options = { wide: true };
    }
    return relayFields(fields, drop, extra + this.#lines, options);
  }

  /** Takes out of trailers what would not pass in the header section. */
  trailers(trailers: Fields): Fields {
    const kept = new Fields();
    for (const [name, value] of trailers) {
      if (!this.#drop.has(name, 0, name.length)) kept.append(name, value);
    }
    return kept;
  }

  /** The lines in place of those that point back; `""` if there are none. */
  #rewritten(
    rewrite: ResponseRewrite,
    fields: Fields,
    context: RewriteContext,
  ): string {
    let lines = "";
    for (const name of ["Location", "Content-Location"]) {
      const value = fields.get(name);
      if (value === undefined || this.#taken.includes(name.toLowerCase())) {
        continue;
      }
      lines += line(name, rewrite.location(value, context));
    }
    if (this.#taken.includes("set-cookie") || !fields.has("set-cookie")) {
      return lines;
    }
    for (const value of fields.getAll("set-cookie")) {
      lines += line("Set-Cookie", rewrite.setCookie(value, context));
    }
    return lines;
  }
}

function line(name: string, value: string): string {
  return `${name}: ${checkFieldValue(value)}\r\n`;
}

/** `Connection` and `Upgrade` for a connection that changes its protocol. */
function upgradeLines(fields: Fields): string {
  const protocol = fields.get("upgrade") ?? "websocket";
  return `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
}
