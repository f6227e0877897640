/**
 * What tells clients apart.
 *
 * @module
 */

import { ConnError } from "../../conn/error.ts";
import type { Fields } from "../../http/codec/fields.ts";
import { findCookie } from "./_cookies.ts";

/**
 * Gives each request a key, for what treats the requests of a client alike:
 * consistent hashing, rate limits.
 */
export class RequestKey {
  readonly #from: "address" | "header" | "cookie";
  readonly #name: string;

  /**
   * Reads what the key is made of.
   *
   * @param by `"address"`, `"header:NAME"` or `"cookie:NAME"`.
   * @throws {ConnError} With code `"bad_key"` if it is none of these.
   */
  constructor(by: string) {
    const colon = by.indexOf(":");
    const from = colon === -1 ? by : by.slice(0, colon);
    const name = colon === -1 ? "" : by.slice(colon + 1);
    const named = from === "header" || from === "cookie";
    if (named ? name === "" : by !== "address") {
      throw new ConnError(
        `Cannot tell clients apart by ${
          JSON.stringify(by)
        }: expected "address", "header:NAME" or "cookie:NAME"`,
        { code: "bad_key", side: "local" },
      );
    }
    this.#from = named ? from : "address";
    this.#name = name;
  }

  /**
   * The key of a request.
   *
   * @param fields The fields as the client sent them.
   * @param clientAddress The client's address.
   * @returns The field's or cookie's value; where it is missing or empty the
   * address, which may be `""`.
   */
  of(fields: Fields, clientAddress: string): string {
    if (this.#from === "address") return clientAddress;
    if (this.#from === "header") {
      return fields.get(this.#name) || clientAddress;
    }
    const cookies = fields.get("cookie");
    if (cookies === undefined) return clientAddress;
    return findCookie(cookies, this.#name) || clientAddress;
  }
}
